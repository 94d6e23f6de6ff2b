"""Numbered migrations, from the first schema on.

- ``migrations/NNNN_name.sql`` are run in order, each in a transaction of its own, exactly once.
- What ran is written down with its digest: a migration that was edited afterwards is refused, and so is a database
  from a newer Ostiary.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.storage.migrations import UNFINISHED, Migration, check, migrations_of, refuse_unfinished
from ostiary.vocabulary.clock import Clock

_TABLE: Final = """CREATE TABLE IF NOT EXISTS migrations (
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, applied_ns INTEGER NOT NULL
) STRICT"""


def migrations() -> list[Migration]:
    """Return every migration in order."""
    return migrations_of(__package__)


def migrate(connection: sqlite3.Connection, clock: Clock, upto: int | None = None, *, unfinished: bool = False) -> int:
    """Bring the schema up to date (or to version ``upto``); return its version.

    Raises:
        UnavailableError: ``schema_refused`` for an edited or a newer schema, and for half a copy unless ``unfinished``.
    """
    if not unfinished and _has(connection, UNFINISHED):
        refuse_unfinished()
    steps = [step for step in migrations() if upto is None or step.version <= upto]
    if _up_to_date(connection, steps):
        return steps[-1].version  # without waiting for whoever writes now
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_TABLE)
        done = _done(connection)
        check(steps, done, partial=upto is not None)
        for step in steps:
            if step.version not in done:
                _run(connection, step, clock.now_ns())
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return steps[-1].version


def pending(path: Path) -> list[Migration]:
    """Return the migrations that have not run on a file, which may be missing; nothing is changed.

    Raises:
        UnavailableError: ``storage_unavailable``, ``schema_refused``.
    """
    steps = migrations()
    if not path.exists():
        return steps
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            done = _done(connection) if _has(connection, "migrations") else {}
    except sqlite3.Error as fault:
        raise UnavailableError("storage_unavailable", f"`{path}` cannot be read: {fault}") from fault
    check(steps, done)
    return [step for step in steps if step.version not in done]


def _up_to_date(connection: sqlite3.Connection, steps: list[Migration]) -> bool:
    return _has(connection, "migrations") and _done(connection) == {step.version: step.digest for step in steps}


def _has(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone() is not None


def _done(connection: sqlite3.Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT version, digest FROM migrations").fetchall())


def _run(connection: sqlite3.Connection, step: Migration, now_ns: int) -> None:
    for sql in _split(step.sql):
        connection.execute(sql)
    row = (step.version, step.name, step.digest, now_ns)
    connection.execute("INSERT INTO migrations VALUES (?, ?, ?, ?)", row)


def _split(script: str) -> list[str]:
    """Return the statements of a script; ``executescript`` would commit the transaction around it."""
    found: list[str] = []
    gathered = ""
    for line in script.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            found.append(gathered)
            gathered = ""
    return found
