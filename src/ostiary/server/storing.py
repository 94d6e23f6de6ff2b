"""The only place that knows which store there is: whoever wants it, or the log in it, asks here."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.server.places import Places
from ostiary.server.settings.store import StoreSection
from ostiary.storage import sqlite
from ostiary.storage.copying import Side
from ostiary.storage.log_source import TableSource
from ostiary.storage.migrations import Migration
from ostiary.storage.sqlite.migrate import pending as sqlite_pending
from ostiary.storage.sqlite.side import SqliteSide
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock

if TYPE_CHECKING:
    from ostiary.storage.postgres.place import PostgresPlace


def open_store(places: Places, settings: StoreSection, clock: Clock) -> Store:
    """Open the store of a data directory and bring its schema up to date; a missing directory is made.

    Raises:
        FaultyInputError: ``store_url_invalid``, ``store_url_plain``.
        UnavailableError: ``storage_unavailable``, ``schema_refused``, ``extra_missing``.
    """
    try:
        places.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        text = f"the data directory `{places.root}` cannot be made: {fault.strerror}"
        raise UnavailableError("storage_unavailable", text) from fault
    if settings.backend == "sqlite":
        return sqlite.open_store(places.database, clock)
    place = postgres_place(settings)
    from ostiary.storage.postgres import store  # noqa: PLC0415 - a driver that the embedded default does not need

    return store.open_store(place, clock)


def open_source(places: Places, settings: StoreSection, *, payloads: bool = True) -> TableSource:
    """Open the log for the verifier: read-only, in one snapshot.

    Raises:
        FaultyInputError: ``store_url_invalid``, ``store_url_plain``.
        UnavailableError: ``log_unavailable``, ``extra_missing``.
        RefusedError: ``key_permissions``.
    """
    if settings.backend == "sqlite":
        return sqlite.open_source(places.database, places.keys, payloads=payloads)
    place = postgres_place(settings)
    from ostiary.storage.postgres import log_source  # noqa: PLC0415 - as above

    return log_source.open_source(place, places.keys, payloads=payloads)


def holds_data(places: Places, settings: StoreSection) -> bool:
    """Return whether a data directory has been used: it has a database, or keys for one elsewhere."""
    return (places.database if settings.backend == "sqlite" else places.keys).exists()


def plain_line(settings: StoreSection) -> bool:
    """Return whether records go over a network as they are; a URL that is none is told of where it is opened."""
    try:
        return settings.backend == "postgres" and postgres_place(settings).uses_plain_line()
    except OstiaryError:
        return False


def postgres_place(settings: StoreSection) -> "PostgresPlace":
    """Return where the database is.

    Raises:
        UnavailableError: ``extra_missing``.
    """
    try:
        import asyncpg  # noqa: F401, PLC0415 - said here in words

        from ostiary.storage.postgres.place import PostgresPlace  # noqa: PLC0415 - as above
    except ImportError:
        raise UnavailableError("extra_missing", "PostgreSQL needs `pip install 'ostiary[postgres]'`") from None
    return PostgresPlace(
        settings.url.get_secret_value(),
        role=settings.role,
        readers=settings.readers,
        plain=settings.plain,
        connect_s=settings.connect_s,
        lock_s=settings.lock_s,
        statement_s=settings.statement_s,
        answer_s=settings.answer_s,
        idle_s=settings.idle_s,
    )


@contextmanager
def open_side(where: str, clock: Clock, settings: StoreSection) -> Iterator[Side]:
    """Open one side of a copy: a PostgreSQL URL, ``@FILE`` with one in it, a data directory or its database file.

    Args:
        where: what the caller named.
        clock: for migrations.
        settings: role, waits and whether a plain line is allowed; their URL is not looked at.

    Raises:
        FaultyInputError: ``store_url_invalid``, ``store_url_plain``.
        UnavailableError: ``storage_unavailable``, ``schema_refused``, ``extra_missing``.
    """
    with ExitStack() as opened:
        if where.startswith(("@", "postgresql://", "postgres://")):
            place = _named(where, settings)
            from ostiary.storage.postgres.side import PostgresSide  # noqa: PLC0415 - as above

            yield opened.enter_context(PostgresSide(place, clock))
            return
        path = Path(where)
        yield opened.enter_context(SqliteSide(Places(path).database if path.is_dir() else path, clock))


def pending(places: Places, settings: StoreSection) -> list[Migration]:
    """Return the migrations that have not run; nothing is changed and nothing made.

    Raises:
        FaultyInputError: ``store_url_invalid``, ``store_url_plain``.
        UnavailableError: ``storage_unavailable``, ``schema_refused``, ``extra_missing``.
    """
    if settings.backend == "sqlite":
        return sqlite_pending(places.database)
    place = postgres_place(settings)
    from ostiary.storage.postgres.migrate import plan  # noqa: PLC0415 - as above

    return plan(place)


def open_side_source(where: str, keys: Path, settings: StoreSection) -> TableSource:
    """Open the log of one side of a copy for the verifier; ``keys`` lie in the data directory.

    Raises:
        FaultyInputError: ``store_url_invalid``, ``store_url_plain``.
        UnavailableError: ``log_unavailable``, ``extra_missing``.
        RefusedError: ``key_permissions``.
    """
    path = Path(where)
    if not where.startswith(("@", "postgresql://", "postgres://")):
        return sqlite.open_source(Places(path).database if path.is_dir() else path, keys)
    place = _named(where, settings)
    from ostiary.storage.postgres import log_source  # noqa: PLC0415 - as above

    return log_source.open_source(place, keys)


def _named(where: str, settings: StoreSection) -> "PostgresPlace":
    place = postgres_place(settings)
    from ostiary.storage.postgres.place import read_url  # noqa: PLC0415 - as above

    url = read_url(Path(where[1:])) if where.startswith("@") else where
    return msgspec.structs.replace(place, url=url)
