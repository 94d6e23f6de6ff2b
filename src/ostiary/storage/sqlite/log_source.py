"""A data directory's database file as the verifier's ``LogSource``: opened read-only, read in one snapshot."""

import sqlite3
from pathlib import Path
from typing import Any

from ostiary.errors import UnavailableError
from ostiary.storage.log_source import TableSource, with_keys
from ostiary.storage.sqlite.statements import statement


class SqliteSource(TableSource):
    """Reads the log in one database file; close it, or use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Open ``path`` read-only.

        Raises:
            UnavailableError: ``log_unavailable``.
        """
        try:
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            connection.execute(statement("head")).fetchone()
        except sqlite3.Error as fault:
            raise UnavailableError("log_unavailable", f"`{path}` holds no log: {fault}") from fault

        def fetch(name: str, *values: object) -> list[tuple[Any, ...]]:
            try:
                return connection.execute(statement(name), values).fetchall()
            except sqlite3.Error as fault:
                raise UnavailableError("log_unavailable", f"the log cannot be read: {fault}") from fault

        super().__init__(fetch, connection.close)


def open_source(database: Path, keys: Path, *, payloads: bool = True) -> SqliteSource:
    """Open a log for verification; ``keys`` is the key folder beside it, which may be missing.

    Raises:
        UnavailableError: ``log_unavailable``.
        RefusedError: ``key_permissions``.
    """
    return with_keys(SqliteSource(database), keys, payloads=payloads)
