"""The organisation around the pipeline: a server, identity providers, keys, and who is who. None of it is Ostiary's.

In yours these are GitHub, a SPIFFE agent, your identity provider, and people with keys of their own.
"""

import json
import os
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import httpx

from ostiary.identity.exchange.details import DetailType
from ostiary.keys import ES256, KeyRing, SigningKey, open_keys
from ostiary.keys.curve_of import curve_public_of
from ostiary.keys.curves import CurveKey
from ostiary.server.model_trust import RELEASE_PURPOSE
from ostiary.server.training.runs import PURPOSE as RUNNER
from ostiary.storage.sqlite import open_store
from ostiary.testing.issuer import FakeIssuer
from ostiary.testing.served import Served
from ostiary.testing.workloads import FakeGithub, FakeSpiffe
from ostiary.vocabulary.clock import SystemClock
from ostiary_sdk import ModelTrust
from ostiary_sdk.datasets import OstiaryFileSystem
from ostiary_sdk.pipeline import Access, ExchangedToken

HERE = Path(__file__).parent
KINDS: Final[dict[str, DetailType]] = {
    "dataset": "ostiary_dataset",
    "endpoint": "ostiary_endpoint",
    "feature_set": "ostiary_feature_set",
    "model": "ostiary_model",
    "training": "ostiary_training",
}
MODEL, RAW, SET, FEATURES, ENDPOINT = "fraud", "transactions", "payments", "fraud-features", "fraud"
BUILDER = "https://ostiary.example/runner"
CI, DEPLOYER = "github:owner:9919:repository:42", "spiffe://example.org/ns/mlops/sa/deployer"
VALIDATION = "github:owner:9919:repository:43"
CATALOGUE = f"""
resources:
  - {{type: training, id: {MODEL}, sensitivity: 2}}
subjects:
  - {{type: ci_job, id: "{CI}"}}
  - {{type: ci_job, id: "{VALIDATION}"}}
  - {{type: workload, id: "{DEPLOYER}"}}
  - {{type: user, id: rita, groups: [release-managers]}}
  - {{type: user, id: ada, groups: [analysts]}}
"""
COLUMNS = f"""
id: {SET}
sensitivity: 2
spec:
  entities: [payment]
  event_time: at
  columns:
    - {{name: payment, type: int64}}
    - {{name: at, type: timestamp}}
    - {{name: log_amount, type: float64, tags: [feature]}}
    - {{name: night, type: float64, tags: [feature]}}
    - {{name: abroad, type: float64, tags: [feature]}}
    - {{name: fraud, type: bool, tags: [label]}}
  offline: {{kind: parquet}}
"""
SETTINGS = """
[server]
public_url = "{url}"
deadline_ms = 5000
[datasets]
roots = ["{lake}"]
[training]
builder = "{builder}"
memory_mib = 512
wall_s = 120
[[identity.issuers]]
issuer = "https://idp.example"
audience = "ostiary"
jwks_path = "{keys}/idp.json"
[[identity.workloads]]
kind = "github"
audience = "ostiary"
jwks_path = "{keys}/github.json"
rules = [
  {{name = "models", repository_id = "42", repository_owner_id = "9919"}},
  {{name = "validation", repository_id = "43", repository_owner_id = "9919"}},
]
[[identity.workloads]]
kind = "spiffe"
audience = "ostiary"
trust_domain = "example.org"
jwks_path = "{keys}/spiffe.json"
rules = [{{name = "mlops", paths = "/ns/mlops"}}]
"""


class World:
    """Everything that the pipeline finds when it starts; use it as a context manager."""

    def __init__(self, root: Path) -> None:
        """Prepare everything below ``root``."""
        self.root, self.data, self.keys, self.lake = root, root / "data", root / "keys", root / "lake"
        for folder in (self.data / "catalogue", self.data / "trust" / "people", self.keys, self.lake):
            folder.mkdir(mode=0o700, parents=True)
        self.data.chmod(0o700)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.github, self.spiffe, self.idp = FakeGithub(), FakeSpiffe(), FakeIssuer()
        for name, fake in (("github", self.github), ("spiffe", self.spiffe), ("idp", self.idp)):
            (self.keys / f"{name}.json").write_text(fake.jwks().inline)
        self.people = {name: self._key(name) for name in ("ingest", "features", "validator", "alice", "bob")}
        self.signer = CurveKey.generate("P-256")
        self._private("signer", self.signer.private_pem())
        settings = SETTINGS.format(url=self.url, lake=self.lake, builder=BUILDER, keys=self.keys)
        (self.data / "ostiary.toml").write_text(settings)
        (self.data / "catalogue" / "default.yaml").write_text(CATALOGUE)
        self.server = Served(self.data, port=port)
        self._opened: list[OstiaryFileSystem] = []

    def __enter__(self) -> Self:
        """Start the server, then register what administrators register."""
        self.server.start()
        with open_store(self.data / "ostiary.db", SystemClock()) as store:
            ring, _ = open_keys(self.data / "keys", store, SystemClock())
            self._write_people(ring)
            released = curve_public_of(ring.active("default", RELEASE_PURPOSE, ES256).public)
        self.trust = ModelTrust((self.signer.public.pem(),), (released.pem(),))
        for name, who, reads in ((RAW, "ingest", ("features",)), (FEATURES, "features", ("train", "validate"))):
            stages = [word for stage in reads for word in ("--stage", stage)]
            producer = f"{who}={self.keys / who}.pub"
            words = (
                "--purpose",
                "training",
                *stages,
                "--produced-by",
                who,
                "--producer",
                producer,
                "--sensitivity",
                "2",
            )
            self.ostiary("dataset", "register", name, f"file://{self.lake}", "--prefix", name, *words)
        (self.root / "columns.yaml").write_text(COLUMNS)
        self.ostiary("features", "register", str(self.root / "columns.yaml"))
        self.ostiary("model", "add", MODEL)
        return self

    def __exit__(self, *told: object) -> None:
        """Close connections and stop the server."""
        for files in self._opened:
            files.close()
        self.server.stop()

    # Who comes to the doors.

    def platform_token(self, who: str) -> str:
        """Return the token that a stage's platform gives it: GitHub's for jobs, a JWT-SVID for services."""
        now_ns = SystemClock().now_ns()
        if who == DEPLOYER:
            return self.spiffe.token(now_ns, sub=DEPLOYER)
        job = who.rpartition(":")[2]
        return self.github.token(now_ns, repository_id=job, jti=f"{job}-{now_ns}")

    def person_token(self, name: str) -> str:
        """Return the token that the identity provider gives a person who signed in with a passkey."""
        now_ns = SystemClock().now_ns()
        strong = {"acr": "urn:ostiary:acr:phishing-resistant", "amr": ["hwk"], "auth_time": now_ns // 10**9}
        return self.idp.token(now_ns, sub=name, sid=f"{name}-{now_ns}", **strong)

    def tokens(self, who: str, kind: str, name: str, *actions: str, stage: str = "") -> ExchangedToken:
        """Return tokens for one resource, exchanged for what the platform or the identity provider says of ``who``."""
        source = (lambda: self.person_token(who)) if who in {"rita", "ada"} else lambda: self.platform_token(who)
        purpose = "training" if kind == "dataset" else ""
        return ExchangedToken(
            self.url, "default", source, Access(KINDS[kind], name, actions, purpose=purpose, stage=stage)
        )

    def columns(self, who: str, action: str, stage: str) -> ExchangedToken:
        """Return tokens for all columns of the feature set that policy opens for ``who`` in ``stage``."""
        wanted = Access("ostiary_feature_set", SET, (action,), ("*",), purpose="training", stage=stage)
        return ExchangedToken(self.url, "default", lambda: self.platform_token(who), wanted)

    def files(self, who: str, stage: str, *actions: str) -> OstiaryFileSystem:
        """Return the datasets as ``who`` sees them in a stage of the pipeline."""
        wanted = actions or ("dataset.read", "dataset.list")

        def tokens(dataset: str) -> ExchangedToken:
            return self.tokens(who, "dataset", dataset, *wanted, stage=stage)

        self._opened.append(OstiaryFileSystem(self.url, "default", tokens, skip_instance_cache=True))
        return self._opened[-1]

    def post(self, tokens: ExchangedToken, path: str, method: str = "POST", **more: Any) -> Any:
        """Send one request to a door and return its answer; a refusal is a ``PermissionError`` that says why."""
        url = f"{self.url}/pipeline/default/{path}"
        answer = httpx.request(method, url, headers=tokens.headers(method, url), timeout=60, **more)
        if answer.is_error:
            raise PermissionError(answer.text)
        return answer.json()

    # What people and programs on the operator's machine do.

    def ostiary(self, *words: str, **more: Any) -> Any:
        """Run ``ostiary`` on the data directory; return its JSON, or what it printed."""
        return run(self.data, words, **more)

    def key(self, name: str) -> str:
        """Return the file of somebody's private key."""
        return str(self.keys / f"{name}.pem")

    def _key(self, name: str) -> SigningKey:
        key = SigningKey.generate(name, ES256)
        self._private(name, key.private_pem())
        (self.keys / f"{name}.pub").write_bytes(key.public.pem())
        return key

    def _private(self, name: str, pem: bytes) -> None:
        path = self.keys / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_bytes(pem)

    def _write_people(self, ring: KeyRing) -> None:
        def entry(person: str, key: SigningKey) -> dict[str, Any]:
            return {"person": person, "keys": [key.public.pem().decode()]}

        runner = {"person": BUILDER, "keys": [ring.active("default", RUNNER).public.pem().decode()]}
        told = {
            "approvers": [entry(f"user:{name}", self.people[name]) for name in ("alice", "bob")],
            "validators": [entry("service:validation", self.people["validator"])],
            "builders": [runner],
            "signers": [{"name": "signing", "keys": [self.signer.public.pem().decode()]}],
        }
        (self.data / "trust" / "people" / "default.yaml").write_text(json.dumps(told))


def run(data: Path, words: Sequence[str], *, fails: bool = False) -> Any:
    """Run ``ostiary``; with ``fails`` it must refuse, and what it says is returned."""
    command = [sys.executable, "-m", "ostiary.cli", *words]
    done = subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, text=True, check=False, env=_environ(data), timeout=300
    )
    if fails:
        if done.returncode == 0:
            raise AssertionError(f"`ostiary {' '.join(words[:3])}` went through")
        return done.stderr
    if done.returncode:
        raise PermissionError(f"ostiary {' '.join(words[:3])}: {done.stderr[-800:]}")
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stdout


def _environ(data: Path) -> dict[str, str]:
    return {**{k: v for k, v in os.environ.items() if not k.startswith("OSTIARY_")}, "OSTIARY_DATA": str(data)}


def base64(data: bytes) -> str:
    """Return bytes as JSON carries them."""
    return b64encode(data).decode()
