"""Transactions beside the one that excludes all writers: for rows that are only ever added, on a line of their own.

They hold a lock that all of them share, and that one who must be alone takes for himself: ``alone`` in ``database.py``.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from ostiary.storage.postgres.faults import FAULTS, is_gone
from ostiary.storage.postgres.lines import Line, hang_up, write_rows
from ostiary.storage.postgres.silence import Lines
from ostiary.storage.postgres.statements import known, shown
from ostiary.storage.tables.database import Row

_BEGIN: Final = "BEGIN; SELECT pg_advisory_xact_lock_shared(1869835369, 3)"
ALONE: Final = "SELECT pg_advisory_xact_lock(1869835369, 3)"
Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Adder:
    """One transaction at a time beside those of the database and of other processes; safe for many threads."""

    def __init__(self, lines: Lines, run: Run, lock: AbstractContextManager[object]) -> None:
        """Connect at the first use; ``run`` does work in the event loop and waits for it, ``lock`` keeps others out."""
        self._lines = lines
        self._run = run
        self._lock = lock
        self._line: Line | None = None

    @contextmanager
    def transaction(self) -> Iterator["Adder"]:
        """Add in one transaction; leaving it commits, an exception rolls back."""
        with self._lock:
            line = self._run(self._begun())
            try:
                yield self
                self._run(line.commit())
            except BaseException:
                self._run(line.roll_back())
                raise

    def read_inside(self, name: str, *values: object) -> list[Row]:
        """Run a named query inside the transaction."""
        statement = known()[name]
        return [shown(row) for row in self._run(self._open.fetch(statement, statement.values(values)))]

    def write_many(self, name: str, rows: Iterable[Sequence[object] | Mapping[str, object]]) -> None:
        """Run a named statement for every row, inside the transaction."""
        self._run(write_rows(self._open, name, list(rows)))

    def close(self) -> None:
        """Close the line."""
        with self._lock:
            if self._line is not None:
                self._run(hang_up(self._line.connection))

    @property
    def _open(self) -> Line:
        if self._line is None:
            msg = "nothing was begun"
            raise RuntimeError(msg)
        return self._line

    async def _begun(self) -> Line:
        if self._line is not None and self._lines.is_good(self._line):
            try:
                await self._line.begin(_BEGIN)
            except FAULTS as fault:
                await self._line.roll_back()
                if not is_gone(fault):
                    raise
            else:
                return self._line
        if self._line is not None:
            self._line.cut()
        self._line = await self._lines.open()
        await self._line.begin(_BEGIN)
        return self._line
