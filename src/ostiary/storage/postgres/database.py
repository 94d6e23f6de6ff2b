"""PostgreSQL below the tables: one connection that writes, a few that read, for callers on many threads.

- One lock in the database (``pg_advisory_xact_lock``) excludes every other writer of the store, on other machines too;
  it goes with the transaction, however that ends. A transaction entered again by the same thread joins the outer one.
- A commit that the server did not confirm is reported as failed: it may have come to pass, and is never said to have.
- After a restart of the server reading and beginning are tried a second time, on a new connection; nothing else is.
- A writer that stands still inside a transaction loses it after ``idle_s``, so that nobody waits for it for ever.
- What is erased can be read by no statement again. Its bytes stay in the server's files until it has cleaned up, in its
  write-ahead log and in backups: what must not outlive its erasure is kept under keys that are destroyed.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from ostiary.storage.postgres.adding import ALONE, Adder
from ostiary.storage.postgres.faults import FAULTS, is_gone
from ostiary.storage.postgres.lines import Line, Readers, connect, hang_up, write_rows
from ostiary.storage.postgres.loop import LoopThread
from ostiary.storage.postgres.migrate import migrate
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.statements import Statement, columns, known, many, shown
from ostiary.storage.tables.database import Beside, Row
from ostiary.vocabulary.clock import Clock


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
        self._lock = threading.RLock()
        self._depth = 0
        self._loop = LoopThread()
        self._run = self._loop.run
        try:
            self.version = self._run(migrate(place, clock))
            self._writer = self._run(self._line())
            self._readers = Readers(place)
            self._adder = Adder(place, self._run)
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
            self._run(self._writer.connection.execute(ALONE))

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
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._depth > 0
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            if self._loop.runs:
                self._adder.close()
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

    async def _line(self) -> Line:
        return Line(await connect(self._place))

    async def _begin(self) -> None:
        if self._writer.is_open:
            try:
                await self._writer.begin()
            except FAULTS as fault:
                await self._writer.roll_back()
                if not is_gone(fault):
                    raise
            else:
                return
        self._writer = await self._line()
        await self._writer.begin()
