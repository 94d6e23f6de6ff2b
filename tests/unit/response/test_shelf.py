"""The shelf of playbooks: shipped, a tenant's own, broken, changed."""

import os
from pathlib import Path

import pytest

from ostiary.response.shelf import Shelf
from ostiary.testing.fake_clock import FakeClock

TEXT = "name: {name}\ntriggers: [signal:x]\ndescribe: {words}\nsteps: [{{do: notify}}]\n"


class Room:
    """A shelf over two folders."""

    def __init__(self, root: Path) -> None:
        self.shipped, self.own, self.clock = root / "shipped", root / "own", FakeClock()
        self.shipped.mkdir()
        self.own.mkdir()
        self.faults: list[str] = []
        self.shelf = Shelf(
            self.shipped,
            lambda tenant: root / "own" if tenant == "acme" else root / "none",
            self.clock.now_ns,
            self.fault,
        )

    def fault(self, code: str, _fault: BaseException) -> None:
        self.faults.append(code)

    def write(self, folder: Path, name: str, words: str, text: str = TEXT) -> None:
        path = folder / f"{name}.yaml"
        path.write_text(text.format(name=name, words=words))
        os.utime(path, ns=(self.clock.now_ns(), self.clock.now_ns()))

    def words(self, tenant: str = "acme") -> dict[str, str]:
        self.clock.advance(2)
        return {book.name: book.describe for book in self.shelf.playbooks(tenant)}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_a_tenants_own_playbook_wins_and_is_nobody_elses(room: Room) -> None:
    room.write(room.shipped, "a", "shipped")
    room.write(room.shipped, "b", "shipped")
    room.write(room.own, "b", "own")
    assert room.words() == {"a": "shipped", "b": "own"}
    assert room.words("beta") == {"a": "shipped", "b": "shipped"}


def test_breaking_a_file_does_not_switch_a_response_off(room: Room) -> None:
    room.write(room.shipped, "a", "shipped")
    room.write(room.own, "a", "own")
    room.write(room.own, "b", "own")
    assert room.words() == {"a": "own", "b": "own"}
    room.write(room.own, "a", "", "name: [")
    assert room.words() == {"a": "own", "b": "own"}
    assert room.words() == {"a": "own", "b": "own"}
    assert room.faults == ["playbook_malformed"], "told once, not every second"


def test_a_file_that_was_always_broken_leaves_the_shipped_one(room: Room) -> None:
    room.write(room.shipped, "a", "shipped")
    room.write(room.own, "a", "", "name: [")
    assert room.words() == {"a": "shipped"}


def test_a_changed_and_a_removed_file_are_seen(room: Room) -> None:
    room.write(room.own, "a", "one")
    assert room.words() == {"a": "one"}
    room.write(room.own, "a", "two!")
    assert room.words() == {"a": "two!"}
    (room.own / "a.yaml").unlink()
    assert room.words() == {}


def test_a_file_is_named_after_its_playbook(room: Room) -> None:
    room.write(room.own, "a", "x", TEXT.replace("{name}", "other"))
    assert room.words() == {}
    assert room.faults == ["playbook_misnamed"]
