"""A SQLite file as a side of a copy."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ostiary.storage.copying import BATCH, BY_ARRIVAL, ITS_OWN
from ostiary.storage.migrations import UNFINISHED
from ostiary.storage.sqlite.database import connect, make_private, told
from ostiary.storage.sqlite.migrate import migrate
from ostiary.vocabulary.clock import Clock


class SqliteSide:
    """Reads and writes the tables of a database file. Use it as a context manager."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open or make a database file, and bring its schema up to date.

        Raises:
            UnavailableError: ``storage_unavailable``, ``schema_refused``.
        """
        make_private(path)
        with told():
            self._line = connect(path)
            migrate(self._line, clock, unfinished=True)

    def __enter__(self) -> Self:
        """Return the side itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._line.close()

    def tables(self) -> dict[str, tuple[str, ...]]:
        """Return the columns of every table, by name."""
        names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        found = [name for (name,) in self._do(names) if name not in ITS_OWN]
        return {name: tuple(sorted(row[1] for row in self._info(name))) for name in found}

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self._do(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - a table of ours

    def rows(self, table: str, columns: Sequence[str], skip: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield rows in pieces, from the one after ``skip`` on."""
        keys = [row[1] for row in sorted(self._info(table), key=lambda row: row[5]) if row[5]]
        order = ", ".join(keys) if keys and table not in BY_ARRIVAL else "rowid"
        names = ", ".join(columns)
        found = self._do(f"SELECT {names} FROM {table} ORDER BY {order} LIMIT -1 OFFSET ?", skip)  # noqa: S608 - as above
        while rows := found.fetchmany(BATCH):
            yield rows

    def marked(self) -> str | None:
        """Return the mark, if there is one."""
        if not self._info(UNFINISHED):
            return None
        return str(self._do(f"SELECT mark FROM {UNFINISHED}").fetchone()[0])  # noqa: S608 - as above

    def begin(self, mark: str) -> None:
        """Remove every row and leave the mark, all or nothing."""
        tables = list(self.tables())
        self._do("BEGIN IMMEDIATE")
        for table in tables:
            self._do(f"DELETE FROM {table}")  # noqa: S608 - as above
        self._do(f"DROP TABLE IF EXISTS {UNFINISHED}")
        self._do(f"CREATE TABLE {UNFINISHED} (mark TEXT NOT NULL) STRICT")
        self._do(f"INSERT INTO {UNFINISHED} VALUES (?)", mark)  # noqa: S608 - as above
        self._do("COMMIT")

    def add(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, all or none."""
        places = ", ".join("?" * len(columns))
        with told():
            self._line.execute("BEGIN IMMEDIATE")
            self._line.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)  # noqa: S608 - as above
            self._line.execute("COMMIT")

    def finish(self) -> None:
        """Take the mark away."""
        self._do(f"DROP TABLE {UNFINISHED}")

    def _info(self, table: str) -> list[tuple[Any, ...]]:
        return self._do(f"PRAGMA table_info({table})").fetchall()

    def _do(self, statement: str, *values: object) -> sqlite3.Cursor:
        with told():
            return self._line.execute(statement, values)
