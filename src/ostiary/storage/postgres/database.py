"""PostgreSQL below the tables: one connection that writes, a few that read, for callers on many threads.

- One lock in the database (``pg_advisory_xact_lock``) excludes every other writer of the store, on other machines too;
  it goes with the transaction, however that ends. A transaction entered again by the same thread joins the outer one.
- A commit that the server did not confirm is reported as failed: it may have come to pass, and is never said to have.
- After a restart of the server reading and beginning are tried a second time, on a new connection; nothing else is.
- A writer that stands still inside a transaction loses it after ``idle_s``, so that nobody waits for it for ever.
- A thread that decides waits for each statement, and for its turn to write, no longer than ``answer_s``; lines on which
  nothing comes any more are found and cut for all (``silence.py``).
- What is erased can be read by no statement again. Its bytes stay in the server's files until it has cleaned up, in its
  write-ahead log and in backups: what must not outlive its erasure is kept under keys that are destroyed.
"""

from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from ostiary.storage.hurry import Turn, in_a_hurry
from ostiary.storage.postgres.adding import ALONE, Adder
from ostiary.storage.postgres.faults import FAULTS, is_gone
from ostiary.storage.postgres.lines import hang_up, write_rows
from ostiary.storage.postgres.loop import LoopThread
from ostiary.storage.postgres.migrate import migrate
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.readers import Readers
from ostiary.storage.postgres.silence import Lines
from ostiary.storage.postgres.statements import Statement, columns, known, many, shown
from ostiary.storage.tables.database import Beside, Row
from ostiary.vocabulary.clock import Clock

T = TypeVar("T")


class PostgresDatabase:
    """An open database; safe for many threads."""

    def __init__(self, place: PostgresPlace, clock: Clock) -> None:
        """Connect, and bring the schema up to date.

        Raises:
            FaultyInputError: ``store_url_invalid``, ``store_url_plain``.
            UnavailableError: ``storage_unavailable`` or ``schema_refused``.
        """
        self._place = place
        place.parameters()
        self._lock = Turn(place.answer_s)
        self._depth = 0
        self._loop = LoopThread()
        self._lines = Lines(place)
        try:
            self.version = self._run(migrate(place, clock))
            self._writer = self._run(self._lines.open())
            self._readers = Readers(place, self._lines)
            self._adder = Adder(self._lines, self._run, Turn(place.answer_s))
            self._run(self._lines.start())
        except BaseException:
            self._loop.stop()
            raise

    @contextmanager
    def transaction(self) -> Iterator["PostgresDatabase"]:
        """Write in one transaction; leaving it commits, an exception rolls back."""
        with self._lock:
            if self._depth:
                yield self
                return
            self._run(self._begin())
            self._depth = 1
            try:
                yield self
                self._run(self._writer.commit())
            except BaseException:
                self._run(self._writer.roll_back())
                raise
            finally:
                self._depth = 0

    def beside(self) -> AbstractContextManager[Beside]:
        """Add rows in a transaction of its own, beside all others."""
        return self._adder.transaction()

    def alone(self) -> None:
        """Inside a transaction: keep out those ``beside``, once the ones under way have ended, until it ends."""
        with self.transaction():
            self._run(self._writer.ask(self._writer.connection.execute(ALONE)))

    def write(self, name: str, *values: object) -> int:
        """Run a named statement inside a transaction; return how many rows it changed."""
        return self._write(name, values)

    def write_named(self, name: str, values: dict[str, object]) -> int:
        """Like ``write``, with named values."""
        return self._write(name, values)

    def write_many(self, name: str, rows: Iterable[Sequence[object] | Mapping[str, object]]) -> None:
        """Run a named statement for every row, inside a transaction."""
        with self.transaction():
            self._run(write_rows(self._writer, name, list(rows)))

    def erase(self, name: str, rows: Iterable[Sequence[object]]) -> int:
        """Like ``write_many``; return how many rows it changed. No statement reads again what goes."""
        with self.transaction():
            return self._run(self._each(name, list(rows)))

    def read_inside(self, name: str, *values: object) -> list[Row]:
        """Run a named query on the writing connection, inside a transaction: sees what it has written so far."""
        return self._read_inside(name, values)

    def read_inside_named(self, name: str, values: dict[str, object]) -> list[Row]:
        """Like ``read_inside``, with named values."""
        return self._read_inside(name, values)

    def read(self, name: str, *values: object) -> list[Row]:
        """Run a named query on committed data."""
        return self._read(name, values)

    def read_named(self, name: str, values: dict[str, object]) -> list[Row]:
        """Run a named query with named values on committed data."""
        return self._read(name, values)

    def inside(self) -> bool:
        """Return whether this thread is in a transaction."""
        if not self._lock.take_at_once():
            return False
        try:
            return self._depth > 0
        finally:
            self._lock.let_go()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            if self._loop.runs:
                self._adder.close()
                self._run(self._lines.stop())
                self._run(self._readers.close())
                self._run(hang_up(self._writer.connection))
                self._loop.stop()

    def _write(self, name: str, told_values: Sequence[object] | Mapping[str, object]) -> int:
        statement = known()[name]
        values = statement.values(told_values)
        with self.transaction():
            return self._run(self._writer.execute(statement, values))

    def _read_inside(self, name: str, told_values: Sequence[object] | Mapping[str, object]) -> list[Row]:
        statement = known()[name]
        values = statement.values(told_values)
        with self.transaction():
            return [shown(row) for row in self._run(self._writer.fetch(statement, values))]

    def _read(self, name: str, told_values: Sequence[object] | Mapping[str, object]) -> list[Row]:
        statement = known()[name]
        values = statement.values(told_values)
        return [shown(row) for row in self._run(self._readers.fetch(statement, values))]

    async def _each(self, name: str, rows: list[Sequence[object]]) -> int:
        at_once = many(name)
        if at_once and rows:
            return await self._writer.execute(at_once, columns(rows))
        statement: Statement = known()[name]
        return sum([await self._writer.execute(statement, statement.values(row)) for row in rows])

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(work, self._place.answer_s if in_a_hurry() else None)

    async def _begin(self) -> None:
        if self._lines.is_good(self._writer):
            try:
                await self._writer.begin()
            except FAULTS as fault:
                await self._writer.roll_back()
                if not is_gone(fault):
                    raise
            else:
                return
        self._writer.cut()
        self._writer = await self._lines.open()
        await self._writer.begin()
