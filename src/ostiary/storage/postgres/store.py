"""The whole store in one PostgreSQL database."""

from ostiary.storage.postgres.database import PostgresDatabase
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock, SystemClock


class PostgresStore(Store):
    """All tables in one database."""

    def __init__(self, database: PostgresDatabase) -> None:
        """Use an open database."""
        super().__init__(database)
        self.database = database


def open_store(place: PostgresPlace, clock: Clock | None = None) -> PostgresStore:
    """Open a database and bring its schema up to date.

    Raises:
        FaultyInputError: ``store_url_invalid``, ``store_url_plain``.
        UnavailableError: ``storage_unavailable`` or ``schema_refused``.
    """
    return PostgresStore(PostgresDatabase(place, clock or SystemClock()))
