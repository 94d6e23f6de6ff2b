"""Copies a whole store into another one, table by table, and believes nothing that it has not read again.

1. A destination that holds anything but the beginning of this very copy is refused.
2. From the first row on it is marked, and no Ostiary opens it (``UNFINISHED``). The mark goes when all was verified.
3. A copy that was killed goes on where it stopped, for rows come in one order everywhere. Where the source's log has
   moved meanwhile, or what was copied turns out to differ, it begins anew.
4. At the end both sides are read whole: as many rows, and the same digest of them, in every table.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import RefusedError, VerificationError
from ostiary.storage.migrations import UNFINISHED

ITS_OWN: Final = frozenset({"migrations", UNFINISHED})
BY_ARRIVAL: Final = frozenset({"rag_chunks", "step_up_proofs"})
"""Tables whose rows have an order of their own, which is no column that anybody reads."""
FIRST: Final = ("dataset_budgets",)
BATCH: Final = 500
_FRESH: Final = {"log_head": 1, "tenants": 2, "session_mark": 1}

Progress = Callable[[str, int, int], None]
"""Told of a table, and how many rows of how many are done."""
_encode = msgspec.msgpack.Encoder().encode


class Side(Protocol):
    """One store as tables of rows; columns and rows come in the same order from every backend."""

    def tables(self) -> dict[str, tuple[str, ...]]:
        """Return the columns of every table, by name."""
        ...

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        ...

    def rows(self, table: str, columns: Sequence[str], skip: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield rows in pieces, from the one after ``skip`` on."""
        ...

    def marked(self) -> str | None:
        """Return the mark, if there is one."""
        ...

    def begin(self, mark: str) -> None:
        """Remove every row and leave the mark, all or nothing."""
        ...

    def add(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, all or none."""
        ...

    def finish(self) -> None:
        """Take the mark away."""
        ...


class Copied(msgspec.Struct, frozen=True):
    """What was copied of one table."""

    table: str
    rows: int
    digest: str


def copy_store(source: Side, destination: Side, progress: Progress) -> list[Copied]:
    """Copy everything, and verify it.

    Raises:
        RefusedError: ``store_copy_foreign``, ``store_copy_schema``.
        VerificationError: ``store_copy_differs``; the next copy begins anew.
    """
    tables = source.tables()
    if tables != destination.tables():
        raise RefusedError("store_copy_schema", "the two stores have different tables: run `ostiary migrate` on both")
    mark = _mark(source)
    _prepare(destination, mark)
    order = [*FIRST, *(name for name in sorted(tables) if name not in FIRST)]
    for table in order:
        total, done = source.count(table), destination.count(table)
        for rows in source.rows(table, tables[table], done):
            destination.add(table, tables[table], rows)
            done += len(rows)
            progress(table, done, total)
    found = []
    for table in order:
        progress(f"verifying {table}", 0, 0)
        one, other = (_digest(side, table, tables[table]) for side in (source, destination))
        if one != other:
            destination.begin("")
            text = f"`{table}` has {other.rows} rows at the destination and {one.rows} at the source, or others"
            raise VerificationError("store_copy_differs", f"{text}: was anybody writing? Copy again")
        found.append(one)
    destination.finish()
    return found


def _mark(source: Side) -> str:
    """Return what tells this source from every other, and then this moment of it from others: where its log stands."""
    tables = source.tables()
    salts = [row for rows in source.rows("tenants", ("tenant", "salt"), 0) for row in rows if row[0] == "system"]
    whose = hashlib.sha256(_encode(salts)).hexdigest()
    return " ".join([whose, *(_digest(source, name, tables[name]).digest for name in ("log_head", "session_mark"))])


def _prepare(destination: Side, mark: str) -> None:
    marked = destination.marked()
    if marked == mark:
        return
    if marked is None and not _is_fresh(destination):
        raise RefusedError("store_copy_foreign", "the destination holds something else: take an empty one")
    if marked and marked.partition(" ")[0] != mark.partition(" ")[0]:
        raise RefusedError("store_copy_foreign", "the destination holds the beginning of another store's copy")
    destination.begin(mark)


def _is_fresh(side: Side) -> bool:
    tables = side.tables()
    if any(side.count(table) != _FRESH.get(table, 0) for table in tables):
        return False
    size = next(side.rows("log_head", ("size",), 0))
    return size == [(0,)]


def _digest(side: Side, table: str, columns: Sequence[str]) -> Copied:
    told, count = hashlib.sha256(), 0
    for rows in side.rows(table, columns, 0):
        for row in rows:
            told.update(_encode(row))
        count += len(rows)
    return Copied(table, count, told.hexdigest())
