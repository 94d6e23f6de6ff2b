"""An environment that was approved is put back after the run, and was another one while it ran.

Its digest is measured before the decision; its folder is shown to the run as it lies on the host.
"""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import RefusedError, UnavailableError
from ostiary.keys import SigningKey
from ostiary.pipeline.training.course import Course, Parts, Rules, Wanted
from ostiary.pipeline.training.environment import Environment, Mount, system
from ostiary.pipeline.training.ports import DatasetRef, Delivery, Granted, Question
from ostiary.pipeline.training.sealing import Seal
from ostiary.testing.sandboxes import SMALL, Trial, as_user
from ostiary.vocabulary.clock import SystemClock

USE = "import time; time.sleep({}); print(open('/srv/venv/lib/torch.py').read())"


class House:
    """Allows all, and does something while it decides."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self.meanwhile = meanwhile
        self.written: list[dict[str, Any]] = []

    def ask(self, _tenant: str, _question: Question) -> Granted:
        self.meanwhile()
        return Granted("dec", [("egress", {"allow": []})])

    def verified(self, _tenant: str, dataset: str) -> DatasetRef:
        raise AssertionError(dataset)

    def stage(self, _tenant: str, dataset: DatasetRef, _folder: Path) -> None:
        raise AssertionError(dataset)

    def write(self, _tenant: str, _record_id: str, document: Any) -> None:
        self.written.append(dict(document))

    def deliver(self, _tenant: str, _delivery: Delivery) -> str:
        raise AssertionError("nothing is delivered")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user of this machine may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="ostiary-envs-") as name:
        Path(name).chmod(0o755)
        folder = Path(name, "venv", "lib")
        folder.mkdir(parents=True)
        (folder / "torch.py").write_text("good")
        yield Path(name)


def environment(place: Path) -> Environment:
    found = system()
    mounts = (*found.mounts, Mount(str(place / "venv"), "/srv/venv", read=True))
    return Environment("venv", mounts, found.python, found.links, found.variables)


def swapped(place: Path) -> None:
    """Put another file there, of the same size and time."""
    file = place / "venv" / "lib" / "torch.py"
    told = file.stat()
    file.write_text("evil")
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns))


def moved(place: Path) -> None:
    """Put another folder there."""
    (place / "venv").rename(place / "good")
    (place / "venv" / "lib").mkdir(parents=True)
    (place / "venv" / "lib" / "torch.py").write_text("evil")


def course(place: Path, house: House, wait_s: float = 0) -> None:
    parts = Parts(house, house, house, house, SigningKey.generate("r"), SystemClock(), lambda *_told: None)
    wanted = Wanted(pipeline="churn", command=("python3", "-c", USE.format(wait_s)), environment=environment(place))
    Course("default", parts, Rules(limits=SMALL), place / "runs").run(wanted)


@pytest.fixture
def _bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = Trial().run("print('hello')") if Path("/usr/bin/bwrap").exists() else None
    if tried is None or tried.refused == "training_sandbox_died":
        words = "no sandbox runs here: tools/system.sh installs bubblewrap"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)
    monkeypatch.setattr(Environment, "digest", lambda _self: f"sha256:{'ef' * 32}")  # of /usr it takes long


@pytest.mark.usefixtures("_bubblewrap")
@pytest.mark.parametrize("change", [swapped, moved])
def test_what_was_changed_after_the_decision_does_not_begin(place: Path, change: Callable[[Path], None]) -> None:
    house = House(lambda: change(place))
    with pytest.raises(RefusedError) as no:
        course(place, house)
    assert no.value.code == "training_environment_changed"
    assert [one["phase"] for one in house.written] == ["refused"]


@pytest.mark.usefixtures("_bubblewrap")
def test_what_was_changed_while_it_ran_counts_for_nothing(place: Path) -> None:
    """The record said that it ran with what was approved, and the model was delivered."""
    house = House(lambda: None)

    def change() -> None:
        while not any(one["phase"] == "began" for one in house.written):
            time.sleep(0.02)
        swapped(place)
        (place / "venv" / "lib" / "torch.py").write_text("good")

    meanwhile = threading.Thread(target=change)
    meanwhile.start()
    with pytest.raises(RefusedError) as no:
        course(place, house, wait_s=0.5)
    meanwhile.join()
    assert no.value.code == "training_environment_changed"
    assert [one["phase"] for one in house.written] == ["began", "refused"]


@pytest.mark.usefixtures("_bubblewrap")
def test_an_ordinary_user_sees_what_is_mounted(place: Path) -> None:
    (place / "runs").mkdir()
    (place / "runs").chmod(0o777)

    def run() -> str:
        house = House(lambda: None)
        course(place, house)
        return str(house.written[-1]["phase"])

    assert as_user(run, str) == "ended"


@pytest.mark.parametrize("kind", ["file", "new", "gone", "mode", "link", "moved"])
def test_every_change_is_seen_and_none_where_there_is_none(place: Path, kind: str) -> None:
    mounts = (Mount(str(place / "venv"), str(place / "venv"), read=True), Mount("/usr", "/usr"))
    file = place / "venv" / "lib" / "torch.py"
    with Seal(Environment("venv", mounts, "python3")) as seal:
        seal.hold(os.getpid())
        file.read_text()
        seal.check()
        changes: dict[str, Callable[[], object]] = {
            "file": lambda: swapped(place),
            "new": (file.parent / "sitecustomize.py").touch,
            "gone": file.unlink,
            "mode": lambda: file.chmod(0o755),
            "link": lambda: os.link(file, place / "again"),
            "moved": lambda: (file.rename(place / "x"), (place / "x").rename(file)),
        }
        time.sleep(0.02)  # the kernel's notes are as exact as its clock's tick
        changes[kind]()
        with pytest.raises(RefusedError) as no:
            seal.check()
        assert no.value.code == "training_environment_changed"


def test_folders_without_end_and_files_without_number_are_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns an environment decides how deep it is: no walk through it ends otherwise than refused."""
    shown = Environment("deep", (Mount(str(place), "/srv/venv", read=True),), "/usr/bin/python3")
    Seal(shown)
    monkeypatch.setattr("ostiary.pipeline.training.sealing.MAX_ENTRIES", 1)
    with pytest.raises(UnavailableError, match="too many files"):
        Seal(shown)
    monkeypatch.undo()
    here = os.open(place, os.O_DIRECTORY)
    for _ in range(1_200):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    looks: tuple[Callable[[], object], ...] = (lambda: Seal(shown), shown.digest)
    try:
        for look in looks:
            with pytest.raises(UnavailableError) as refused:
                look()
            assert refused.value.code == "training_environment_unreadable"
    finally:
        subprocess.run(["rm", "-rf", str(place / "d")], check=True)  # Python's own removal goes no deeper either
