"""A run calls, and then leaves outputs that refuse it: what it called must be on record all the same."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import RefusedError
from ostiary.keys import SigningKey
from ostiary.pipeline.training.course import Course, Parts, Rules, Wanted
from ostiary.pipeline.training.environment import Environment, system
from ostiary.pipeline.training.ports import DatasetRef, Delivery, Granted, Question
from ostiary.testing.sandboxes import SMALL, Trial, as_user
from ostiary.vocabulary.clock import SystemClock

CALL = """
import os, socket
one = socket.create_connection(("127.0.0.1", 3128))
one.sendall(b"CONNECT evil.example:443 HTTP/1.1\\r\\n\\r\\n")
one.recv(100)
one.close()
"""
LINK = CALL + "os.symlink('/etc/passwd', '/outputs/model')\n"
CLOSED = CALL + "os.mkdir('/outputs/closed', 0)\n"


class House:
    """Allows all, keeps records in a list, takes nothing."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []

    def ask(self, _tenant: str, _question: Question) -> Granted:
        return Granted("dec", [("egress", {"allow": []})])

    def verified(self, _tenant: str, dataset: str) -> DatasetRef:
        raise RefusedError("dataset_unknown", f"there is no `{dataset}`")

    def stage(self, _tenant: str, dataset: DatasetRef, _folder: Path) -> None:
        raise RefusedError("dataset_unknown", f"there is no `{dataset.name}`")

    def write(self, _tenant: str, _record_id: str, document: Any) -> None:
        self.written.append(dict(document))

    def deliver(self, _tenant: str, _delivery: Delivery) -> str:
        raise AssertionError("a refused run delivers nothing")


@pytest.fixture(scope="module", autouse=True)
def _bubblewrap() -> None:
    tried = Trial().run("print('hello')") if Path("/usr/bin/bwrap").exists() else None
    if tried is None or tried.refused == "training_sandbox_died":
        words = "no sandbox runs here: tools/system.sh installs bubblewrap"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)


def run(script: str, runs: Path) -> list[Any]:
    """Return the code of the refusal, the hosts on record, and the kept logs."""
    house = House()
    signer = SigningKey.generate("runner")
    parts = Parts(house, house, house, house, signer, SystemClock(), lambda *_told: None)
    wanted = Wanted(pipeline="churn", command=("python3", "-c", script), environment=system())
    with pytest.raises(RefusedError) as no:
        Course("default", parts, Rules(limits=SMALL), runs).run(wanted)
    last = house.written[-1]
    hosts = [one["host"] for one in last.get("connections", ())]
    return [no.value.code, last["phase"], hosts, len(list(runs.rglob("egress.jsonl")))]


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user of this machine may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="ostiary-runs-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("script", [LINK, CLOSED])
@pytest.mark.parametrize("mode", ["root", "user"])
def test_what_a_refused_run_called_is_on_record(
    open_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, script: str
) -> None:
    monkeypatch.setattr(Environment, "digest", lambda _self: f"sha256:{'ef' * 32}")
    if mode == "root" and (script == CLOSED or os.getuid()):
        pytest.skip("root may read a closed folder" if script == CLOSED else "needs root")
    runs = open_path / "runs"
    runs.mkdir()
    runs.chmod(0o777)
    told = as_user(lambda: run(script, runs), list) if mode == "user" else run(script, runs)
    assert told == ["training_output_refused", "refused", ["evil.example"], 1]
