"""Numbered migrations, from the first schema on.

- ``migrations/NNNN_name.sql`` are run in order, each in a transaction of its own, exactly once.
- What ran is written down with its digest: a migration that was edited afterwards is refused, and so is a database
  from a newer Ostiary.
"""

import re
import sqlite3
from importlib.resources import files
from typing import Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.keys import sha256_hex
from ostiary.vocabulary.clock import Clock

_FILE: Final = re.compile(r"(\d{4})_(\w+)\.sql\Z")
_TABLE: Final = """CREATE TABLE IF NOT EXISTS migrations (
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, applied_ns INTEGER NOT NULL
) STRICT"""


class Migration(msgspec.Struct, frozen=True):
    """One step of the schema."""

    version: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hex."""
        return sha256_hex(self.sql.encode())


def migrations() -> list[Migration]:
    """Return every migration in order."""
    found = []
    for file in files(__package__).joinpath("migrations").iterdir():
        name = _FILE.match(file.name)
        if name:
            found.append(Migration(int(name[1]), name[2], file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda step: step.version)


def migrate(connection: sqlite3.Connection, clock: Clock, upto: int | None = None) -> int:
    """Bring the schema up to date (or to version ``upto``); return its version.

    Raises:
        UnavailableError: ``schema_refused`` for an edited or a newer schema.
    """
    steps = [step for step in migrations() if upto is None or step.version <= upto]
    if _up_to_date(connection, steps):
        return steps[-1].version  # without waiting for whoever writes now
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_TABLE)
        done = _done(connection)
        _check(steps, done, partial=upto is not None)
        for step in steps:
            if step.version not in done:
                _run(connection, step, clock.now_ns())
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return steps[-1].version


def _up_to_date(connection: sqlite3.Connection, steps: list[Migration]) -> bool:
    table = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").fetchone()
    return table is not None and _done(connection) == {step.version: step.digest for step in steps}


def _done(connection: sqlite3.Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT version, digest FROM migrations").fetchall())


def _check(steps: list[Migration], done: dict[int, str], *, partial: bool) -> None:
    known = {step.version: step.digest for step in steps}
    if not partial and set(done) - set(known):
        newest = max(done)
        text = f"the database has schema {newest}, this Ostiary knows {max(known)}: use a newer one"
        raise UnavailableError("schema_refused", text)
    for version, digest in done.items():
        if known.get(version, digest) != digest:
            raise UnavailableError("schema_refused", f"migration {version} was changed after it had run")


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
