"""A server with the shipped policy, people with devices, and a model behind the door: what inference stories share."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import msgspec
from tests.conftest import InProcess, _run

from ostiary.identity.devices.challenges import extra_for
from ostiary.identity.devices.speaking import Voice
from ostiary.identity.exchange.details import AccessDetail
from ostiary.keys import SigningKey
from ostiary.pipeline.inference.record import InferenceRecord
from ostiary.pipeline.registered import Registered
from ostiary.server.bootstrap import bootstrap
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.testing.devices import FINE
from ostiary.testing.issuer import FakeHolder, FakeIssuer, FakeKey
from ostiary.testing.model_server import FakeModel
from ostiary.testing.pipeline import PipelineCaller
from ostiary.testing.tpm import SoftTpm
from ostiary.vocabulary.clock import SystemClock

PUBLIC = "http://pdp.example"
STRONG = {"acr": "urn:ostiary:acr:phishing-resistant", "amr": ["hwk"]}
NS = 1_000_000_000
SESSIONS = itertools.count()
CATALOGUE = """
subjects:
  - {type: user, id: ada, groups: [analysts]}
  - {type: user, id: eve, groups: [analysts]}
  - {type: user, id: walker, groups: [analysts]}
  - {type: user, id: synthetic, groups: [analysts]}
  - {type: user, id: guest}
  - {type: service, id: scorer}
"""
SCHEMA = {
    "columns": [
        {"name": "amount", "type": "number", "min": 0, "max": 1000},
        {"name": "channel", "type": "category", "values": ["app", "web"]},
    ],
    "max_rows": 8,
    "near": 0.002,
}
ROW = {"amount": 12.5, "channel": "app"}


class ShiftedClock:
    """The machine's clock, some time ahead."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now_ns(self) -> int:
        return SystemClock().now_ns() + int(self.ahead_s * NS)


class Person:
    """Somebody with a sign-in, a key and perhaps a device whose key that is."""

    def __init__(self, scene: "Scene", name: str = "ada") -> None:
        self.scene, self.name = scene, name
        self.key = SigningKey.generate("device", "ES256")
        self.holder = FakeHolder(FakeKey(self.key, self.key.public.jwk()))
        self.voice = Voice(self.key, PUBLIC)
        self.tpm = SoftTpm.make()
        self.sequence = 0

    def _say(self, what: str, **body: Any) -> Any:
        answer = self.scene.server.client.post(f"/devices/v1/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def enrol(self, *, attested: bool = True) -> "Person":
        asked = {"subjects": [f"user:{self.name}"], "kind": "laptop"}
        code = self.scene.server.admin("POST", "/tenants/default/devices/invitations", json=asked).json()["code"]
        nonce = self._say("nonce", purpose="enrol")["nonce"]
        evidence = self.tpm.quote(extra_for("enrol", nonce, self.voice.thumbprint)) if attested else None
        more: dict[str, Any] = {"evidence": evidence, "ak": self.tpm.public} if attested else {}
        now_ns = self.scene.clock.now_ns()
        told = self._say("enrol", message=self.voice.enrol(code, nonce, now_ns=now_ns, **more))
        self.voice = Voice(self.key, PUBLIC, "default", told["device_id"])
        self.report()
        if attested:
            self.attest()
        return self

    def report(self) -> None:
        self.sequence += 1
        self._say("report", message=self.voice.report(FINE, self.sequence, now_ns=self.scene.clock.now_ns()))

    def attest(self) -> None:
        nonce = self._say("nonce", purpose="attest")["nonce"]
        evidence = self.tpm.quote(extra_for("attest", nonce, "default", self.voice.device_id))
        self._say("attest", message=self.voice.attest(nonce, evidence, now_ns=self.scene.clock.now_ns()))

    def token(self, *, bound: bool = True, **claims: Any) -> str:
        now_ns = self.scene.clock.now_ns()
        given = {"sub": self.name, "sid": f"s-{next(SESSIONS)}", "auth_time": now_ns // NS - 5, **STRONG, **claims}
        if bound:
            given["cnf"] = self.holder.confirmation
        return self.scene.issuer.token(now_ns, **{name: value for name, value in given.items() if value is not None})

    def headers(self, path: str, token: str | None = None, **more: str) -> dict[str, str]:
        token = token or self.token()
        proof = self.holder.proof(self.scene.clock.now_ns(), token, "POST", PUBLIC + path)
        return {"Authorization": f"DPoP {token}", "DPoP": proof, **more}

    def ask(self, *rows: Any, endpoint: str = "fraud", token: str | None = None, **more: Any) -> httpx.Response:
        path = self.scene.path(endpoint)
        headers = more.pop("headers", None) or self.headers(path, token)
        return self.scene.post(path, {"instances": list(rows) or [ROW]}, headers)


class Scene:
    """The server and what stands around it."""

    def __init__(self, server: InProcess, clock: ShiftedClock, issuer: FakeIssuer, model: FakeModel) -> None:
        self.server, self.clock, self.issuer, self.model = server, clock, issuer, model
        self.house = server.house

    @staticmethod
    def path(endpoint: str = "fraud", act: str = "predict", tenant: str = "default") -> str:
        return f"/pipeline/{tenant}/inference/{endpoint}/{act}"

    def post(self, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        kind = {"Content-Type": "application/json", **headers}
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        answer: httpx.Response = self.server.client.post(path, content=content, headers=kind)
        return answer

    def register(self, name: str = "fraud", labels: tuple[str, ...] = (), **more: Any) -> None:
        spec = {"schema": SCHEMA, "url": self.model.url, "model": "sha256:" + "ab" * 32}
        spec |= {"output": {"classes": ["good", "bad"], "threshold": 0.5}, **more.pop("spec", {})}
        given = {"sensitivity": 2, **more}
        one = Registered(type="endpoint", id=name, labels=labels, spec=spec, **given)
        self.house.registry.put("default", one, self.clock.now_ns())

    def service(self, **more: Any) -> PipelineCaller:
        return PipelineCaller(self.house.ring, self.clock, PUBLIC, subject_type="service", subject_id="scorer", **more)

    def ask_as_service(self, caller: PipelineCaller, named: str, endpoint: str) -> httpx.Response:
        detail = AccessDetail("ostiary_endpoint", named, ("endpoint.predict",))
        path = self.path(endpoint)
        headers = caller.headers("POST", PUBLIC + path, caller.token(detail))
        return self.post(path, {"instances": [ROW]}, headers)

    def inferences(self, tenant: str = "default") -> list[tuple[str, InferenceRecord]]:
        found = self.house.log.iterate(tenant, "inference")
        return [(one.record_id, msgspec.json.decode(one.payload or b"", type=InferenceRecord)) for one in found]


def other_issuer(tenant: str) -> FakeIssuer:
    """Return who signs people of another tenant in."""
    return FakeIssuer(f"https://{tenant}.example", tenant, keys=[FakeKey.generate(f"of-{tenant}")])


def open_scene(root: Path, others: Sequence[FakeIssuer] = (), **sections: Any) -> Iterator[Scene]:
    """Yield a scene; ``sections`` change those of the settings, ``others`` are issuers of other tenants."""
    with ExitStack() as opened:
        clock, issuer = ShiftedClock(), FakeIssuer()
        root.mkdir(mode=0o700)
        (root / "catalogue").mkdir()
        (root / "catalogue" / "default.yaml").write_text(CATALOGUE)
        believed: list[dict[str, str]] = []
        for one in (issuer, *others):
            tenant, keys = "default" if one is issuer else one.tenant, root / f"idp-{len(believed)}.json"
            keys.write_text(one.jwks().inline)
            (root / "catalogue" / f"{tenant}.yaml").write_text(CATALOGUE)
            believed.append({"issuer": one.issuer, "audience": "ostiary", "jwks_path": str(keys), "tenant": tenant})
        given = {
            "server": {"public_url": PUBLIC, "deadline_ms": 10_000},  # a busy machine makes no test late
            "identity": {"issuers": believed},
            "devices": {"interval_s": 0, "attestation_max_age_s": 3600},
            "inference": {"loopback_http": True},
        }
        for name, section in sections.items():
            given[name] = given.get(name, {}) | section
        faults: list[Any] = []
        settings = load(None, environ={}, options=given).settings
        house = open_house(Places(root), settings, clock, lambda *told: faults.append(told))
        opened.callback(house.close)
        bootstrap(house)
        for one in others:
            house.tenants.create(one.tenant)
        house.warm_up(lambda *told: faults.append(told))
        served: list[InProcess] = []
        tell, wait = _run(house, served.append)
        opened.callback(wait)
        opened.callback(tell)
        model = opened.enter_context(FakeModel(lambda rows: [min(1.0, row["amount"] / 200) for row in rows]))
        yield Scene(served[0], clock, issuer, model)


def scene_fixture(name: str, **sections: Any) -> Callable[..., Iterator[Scene]]:
    """Return what a module-wide fixture yields from."""

    def make(factory: Any) -> Iterator[Scene]:
        yield from open_scene(factory.mktemp(name) / "data", **sections)

    return make
