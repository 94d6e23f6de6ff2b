"""What session models remember: restored when first asked, kept on save, gone with a person, and never needed."""

from typing import Any

from ostiary.errors import FaultyInputError
from ostiary.server.session_memory import KIND, NAME, SessionMemory
from ostiary.testing.parts import FixedScorer


class Shelf:
    """Snapshots in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], bytes] = {}

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        self.kept[tenant, kind, name] = data

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        return self.kept.get((tenant, kind, name))


class Memories:
    """One tenant's memory that keeps its subjects as lines of text."""

    def __init__(self) -> None:
        self.subjects: set[str] = set()
        self.open = False

    def tenants(self) -> tuple[str, ...]:
        return ("acme",) if self.open else ()

    def scorer(self, tenant: str) -> "Memories":
        self.open = True
        return self

    def snapshot(self) -> bytes:
        return "\n".join(sorted(self.subjects)).encode()

    def restore(self, data: bytes) -> None:
        if data == b"torn":
            raise FaultyInputError("session_memory_malformed", "the memory of sessions cannot be read")
        self.subjects = set(data.decode().split("\n"))

    def forget(self, tenant: str, subject: str) -> None:
        self.subjects.discard(subject)


def memory(shelf: Shelf, faults: list[str]) -> tuple[Any, Memories]:
    made: Any = SessionMemory(shelf, lambda code, _fault: faults.append(code))
    inside = Memories()
    made._memories, made._kind = inside, FixedScorer
    return made, inside


def test_it_comes_back_after_a_restart() -> None:
    shelf = Shelf()
    first, inside = memory(shelf, [])
    assert first.scorer("acme", FixedScorer(0.1)) is inside
    inside.subjects = {"user:ann", "user:bob"}
    first.save(1)
    second, again = memory(shelf, [])
    assert second.scorer("acme", FixedScorer(0.1)) is again
    assert again.subjects == {"user:ann", "user:bob"}


def test_a_person_is_forgotten_in_what_is_kept_too() -> None:
    shelf = Shelf()
    shelf.kept["acme", KIND, NAME] = b"user:ann\nuser:bob"
    made, _ = memory(shelf, [])
    made.forget("acme", "user:ann", 2)
    assert shelf.kept["acme", KIND, NAME] == b"user:bob"


def test_a_torn_memory_is_told_and_begins_anew() -> None:
    shelf = Shelf()
    faults: list[str] = []
    shelf.kept["acme", KIND, NAME] = b"torn"
    made, inside = memory(shelf, faults)
    assert made.scorer("acme", FixedScorer(0.1)) is inside
    assert faults == ["session_memory_malformed"]
    assert inside.subjects == set()


def test_without_a_model_there_is_no_memory() -> None:
    made = SessionMemory(Shelf(), lambda _code, _fault: None)
    assert made.scorer("acme", FixedScorer(0.1)) is None
