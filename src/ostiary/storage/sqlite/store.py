"""The whole store in one file."""

from pathlib import Path

from ostiary.storage.sqlite.database import SqliteDatabase
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock, SystemClock


class FileStore(Store):
    """All tables in one SQLite file."""

    def __init__(self, database: SqliteDatabase) -> None:
        """Use an open database."""
        super().__init__(database)
        self.file = database
        self.path = database.path


def open_store(path: Path, clock: Clock | None = None) -> FileStore:
    """Open or make the database file ``path`` and bring its schema up to date.

    Raises:
        UnavailableError: ``storage_unavailable`` or ``schema_refused``.
    """
    return FileStore(SqliteDatabase(path, clock or SystemClock()))
