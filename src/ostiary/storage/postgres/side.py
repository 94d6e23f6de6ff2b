"""A PostgreSQL database as a side of a copy: read and written as its owner, whom no policy binds."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

from ostiary.storage.copying import BATCH, BY_ARRIVAL, ITS_OWN
from ostiary.storage.migrations import UNFINISHED
from ostiary.storage.postgres.lines import connect, hang_up
from ostiary.storage.postgres.loop import LoopThread
from ostiary.storage.postgres.migrate import migrate
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.statements import kept, shown
from ostiary.vocabulary.clock import Clock

_COLUMNS: Final = """
SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'ostiary'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname COLLATE "C", a.attname COLLATE "C"
"""
_KEY: Final = """
SELECT a.attname FROM pg_index AS i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute AS a ON a.attnum = k.attnum
WHERE i.indisprimary AND i.indrelid = $1::text::regclass AND a.attrelid = i.indrelid ORDER BY k.place
"""
_COUNTERS: Final = """
SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attidentity <> ''
WHERE c.relnamespace = 'ostiary'::regnamespace AND c.relkind = 'r'
"""


class PostgresSide:
    """Reads and writes the tables of a database. Use it as a context manager."""

    def __init__(self, place: PostgresPlace, clock: Clock) -> None:
        """Connect as whom the URL names, and bring the schema up to date.

        Raises:
            FaultyInputError: ``store_url_invalid``, ``store_url_plain``.
            UnavailableError: ``storage_unavailable``, ``schema_refused``.
        """
        place.parameters()
        self._loop = LoopThread()
        self._run = self._loop.run
        try:
            self._run(migrate(place, clock, unfinished=True))
            self._line = self._run(connect(place, as_owner=True))
        except BaseException:
            self._loop.stop()
            raise

    def __enter__(self) -> Self:
        """Return the side itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._run(hang_up(self._line))
        self._loop.stop()

    def tables(self) -> dict[str, tuple[str, ...]]:
        """Return the columns of every table, by name."""
        found: dict[str, list[str]] = {}
        for table, column in self._run(self._line.fetch(_COLUMNS)):
            if table not in ITS_OWN and not (table in BY_ARRIVAL and column == "seq"):
                found.setdefault(table, []).append(column)
        return {table: tuple(columns) for table, columns in found.items()}

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self._run(self._line.fetchval(f"SELECT count(*) FROM {table}")))  # noqa: S608 - a table of ours

    def rows(self, table: str, columns: Sequence[str], skip: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield rows in pieces, from the one after ``skip`` on."""
        keys = [row[0] for row in self._run(self._line.fetch(_KEY, f"ostiary.{table}"))]
        order = "seq" if table in BY_ARRIVAL else ", ".join(keys) or "ctid"
        names = ", ".join(columns)
        query = f"SELECT {names} FROM {table} ORDER BY {order} OFFSET {int(skip)}"  # noqa: S608 - as above
        transaction = self._line.transaction(isolation="repeatable_read", readonly=True)
        self._run(transaction.start())
        try:
            cursor = self._run(self._cursor(query))
            while rows := self._run(cursor.fetch(BATCH)):
                yield [shown(row) for row in rows]
        finally:
            self._run(transaction.rollback())

    def marked(self) -> str | None:
        """Return the mark, if there is one."""
        if self._run(self._line.fetchval("SELECT to_regclass($1) IS NULL", f"ostiary.{UNFINISHED}")):
            return None
        return str(self._run(self._line.fetchval(f"SELECT mark FROM {UNFINISHED}")))  # noqa: S608 - as above

    def begin(self, mark: str) -> None:
        """Remove every row and leave the mark, all or nothing."""
        self._run(self._begin(list(self.tables()), mark))

    def add(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, all or none."""
        records = [tuple(map(kept, row)) for row in rows]
        self._run(
            self._line.copy_records_to_table(table, schema_name="ostiary", records=records, columns=list(columns))
        )

    def finish(self) -> None:
        """Take the mark away."""
        for table, column in self._run(self._line.fetch(_COUNTERS)):  # what is numbered goes on after the last one
            counter = f"pg_get_serial_sequence('ostiary.{table}', '{column}')"
            newest = f"SELECT setval({counter}, coalesce(max({column}), 1)) FROM {table}"  # noqa: S608 - as above
            self._run(self._line.execute(newest))
        self._run(self._line.execute(f"DROP TABLE {UNFINISHED}"))

    async def _cursor(self, query: str) -> Any:
        return await self._line.cursor(query)

    async def _begin(self, tables: list[str], mark: str) -> None:
        async with self._line.transaction():
            await self._line.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
            await self._line.execute(f"DROP TABLE IF EXISTS {UNFINISHED}")
            await self._line.execute(f"CREATE TABLE {UNFINISHED} (mark TEXT NOT NULL)")
            await self._line.execute(f"INSERT INTO {UNFINISHED} VALUES ($1)", mark)  # noqa: S608 - as above
