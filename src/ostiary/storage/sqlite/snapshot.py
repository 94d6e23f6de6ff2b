"""A consistent copy of a database file while others write to it, and a look whether such a copy is whole.

- One read transaction is held from the first page to the last: the copy is the state of one commit, and writers do not
  wait (WAL). Pages go in pieces, so that progress can be told.
- The copy is one file without a write-ahead log, synced before it is said to be there.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ostiary.errors import UnavailableError, VerificationError
from ostiary.storage.sqlite.migrate import migrations

Progress = Callable[[int, int], None]
_PAGES: Final = 2_048


def copy_database(source: Path, target: Path, progress: Progress) -> None:
    """Copy the committed state of ``source`` to the new file ``target``, mode 0600.

    Args:
        source: an open or closed database; it is only read.
        target: where the copy goes; it must not be there.
        progress: told of pages done and pages in all.

    Raises:
        UnavailableError: ``storage_unavailable``.
    """
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        reading = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        writing = sqlite3.connect(target, isolation_level=None)
        try:
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the state is chosen here
            reading.backup(writing, pages=_PAGES, progress=lambda _status, left, total: progress(total - left, total))
            writing.execute("PRAGMA journal_mode = DELETE")
            writing.execute("PRAGMA synchronous = FULL")
        finally:
            writing.close()
            reading.close()
        with target.open("r+b") as file:
            os.fsync(file.fileno())
    except (sqlite3.Error, OSError) as fault:
        raise UnavailableError("storage_unavailable", f"the database could not be copied: {fault}") from fault


def check_database(path: Path) -> int:
    """Return the schema's version of a copy whose every page is in order.

    Raises:
        VerificationError: ``database_damaged``.
        UnavailableError: ``schema_refused``: it is from a newer Ostiary.
    """
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
        try:
            told = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            done = [row[0] for row in connection.execute("SELECT version FROM migrations")]
        finally:
            connection.close()
    except sqlite3.Error as fault:
        raise VerificationError("database_damaged", f"the copied database cannot be read: {fault}") from fault
    if told != "ok":
        raise VerificationError("database_damaged", f"the copied database is damaged: {told[:200]}")
    newest, known = max(done, default=0), migrations()[-1].version
    if newest > known:
        raise UnavailableError("schema_refused", f"it has schema {newest}, this Ostiary knows {known}: use a newer one")
    return int(newest)
