"""Who guessed at sealed codes at two replicas at once had as many tries as he liked: each wrote over the other's."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import RefusedError
from ostiary.keys import KeyRing
from ostiary.server.break_glass.codes import TRIES_OF_ALL, TRIES_OF_ONE, WINDOW_NS, CodeShelf
from ostiary.server.signed_shelf import ShelfStore
from ostiary.storage.tables.rooms import Snapshot
from ostiary.vocabulary.clock import SystemClock


class Rows(ShelfStore):
    """What both replicas share; ``meanwhile`` happens once, after the next reading."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], bytes] = {}
        self.meanwhile: Any = None

    def _then(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        self.rows[tenant, kind, name] = data

    def add(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> bool:
        return self.rows.setdefault((tenant, kind, name), data) is data

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        found = self.rows.get((tenant, kind, name))
        self._then()
        return found

    def all(self, tenant: str, kind: str) -> list[Snapshot]:
        found = [Snapshot(key[2], data, 0) for key, data in sorted(self.rows.items()) if key[:2] == (tenant, kind)]
        self._then()
        return found

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        return self.rows.pop((tenant, kind, name), None) is not None


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def doors(rows: Rows, tmp_path: Path) -> tuple[CodeShelf, CodeShelf]:
    used: Any = None
    return tuple(CodeShelf(rows, used, KeyRing(tmp_path / "keys", SystemClock())) for _ in range(2))  # type: ignore[return-value]


def test_tries_at_two_doors_at_once_all_count(rows: Rows, doors: tuple[CodeShelf, CodeShelf]) -> None:
    tried, refused = 0, set()

    def guess(door: CodeShelf, now_ns: int, by: str = "mallory") -> None:
        nonlocal tried
        try:
            door.count_try("acme", by, now_ns)
            tried += 1
        except RefusedError as no:
            refused.add(no.code)

    for turn in range(4):
        rows.meanwhile = lambda turn=turn: guess(doors[1], 1_000 + turn)
        guess(doors[0], 1_000 + turn)
    assert tried <= TRIES_OF_ONE
    for turn in range(15):
        rows.meanwhile = lambda turn=turn: guess(doors[1], 2_000 + turn, f"b{turn}")
        guess(doors[0], 2_000 + turn, f"a{turn}")
    assert tried <= TRIES_OF_ALL
    assert len(rows.rows) <= TRIES_OF_ALL, "who is refused leaves nothing"
    assert refused == {"break_glass_codes_limited"}
    tried = 0
    guess(doors[1], WINDOW_NS + 10_000)
    assert (tried, len(rows.rows)) == (1, 1), "a quarter of an hour later all is forgotten"


def test_a_good_try_at_one_door_takes_no_other_off(rows: Rows, doors: tuple[CodeShelf, CodeShelf]) -> None:
    made = doors[0].count_try("acme", "ada", 1)
    doors[1].count_try("acme", "mallory", 1)
    doors[0].was_good("acme", made)
    assert len(rows.rows) == 1
