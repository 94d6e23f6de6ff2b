"""Stores of every backend for the conformance suite. A pytest plugin beside ``backends``.

- A server of each version a worker, one database of it for all stores: what a test left there is removed before the
  next one, which is ten times quicker than a new database.
- ``stores("postgres_18")`` opens a store; asked again in the same test, it is another process on the same data.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from backends import empty_database, over_valkey

from ostiary.storage import sqlite
from ostiary.storage.postgres import store as postgres
from ostiary.storage.postgres.lines import connect
from ostiary.storage.postgres.migrate import migrate
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.tables import Store
from ostiary.testing.fake_clock import FakeClock

TABLES = ("sqlite", "postgres_18", "postgres_15")
EVERY = ("memory", *TABLES)
SHARED = (*EVERY, "valkey")
"""For ports that replicas share through Valkey; the store below it is PostgreSQL."""
Stores = Callable[[str], Store]

# As after the migrations: what they insert is kept, salts and all.
_EMPTY = """
DO $$
DECLARE place regclass;
BEGIN
  FOR place IN
    SELECT oid::regclass FROM pg_class WHERE relnamespace = 'ostiary'::regnamespace AND relkind = 'r'
      AND relname NOT IN ('migrations', 'log_head', 'tenants', 'session_mark') AND pg_relation_size(oid) > 0
  LOOP
    EXECUTE format('DELETE FROM %s', place);
  END LOOP;
END
$$;
DELETE FROM tenants WHERE tenant NOT IN ('default', 'system');
UPDATE tenants SET deleted_ns = NULL, created_ns = 0, salt = sha256(convert_to(tenant, 'UTF8'));
UPDATE session_mark SET mark = 1;
UPDATE log_head SET origin = '', size = 0, root = sha256(''), checkpoint = '', cosigned = '', at_ns = 0, epoch = 1;
"""


def _database(request: pytest.FixtureRequest, version: str) -> str:
    url: str = empty_database(request.getfixturevalue(version))
    asyncio.run(migrate(PostgresPlace(url), FakeClock()))
    return url


@pytest.fixture(scope="session")
def _database_18(request: pytest.FixtureRequest) -> str:
    return _database(request, "postgres_18")


@pytest.fixture(scope="session")
def _database_15(request: pytest.FixtureRequest) -> str:
    return _database(request, "postgres_15")


async def _emptied(place: PostgresPlace) -> None:
    line = await connect(place, as_owner=True)
    try:
        await line.execute(_EMPTY)
    finally:
        await line.close()


@pytest.fixture
def postgres_place(request: pytest.FixtureRequest) -> Callable[[str], PostgresPlace]:
    """Where a database with an empty schema is, by version; asked again it is the same, and not emptied."""
    known: dict[str, PostgresPlace] = {}

    def place(version: str) -> PostgresPlace:
        if version not in known:
            known[version] = PostgresPlace(request.getfixturevalue(f"_database_{version[-2:]}"))
            asyncio.run(_emptied(known[version]))
        return known[version]

    return place


@pytest.fixture
def stores(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_place: Callable[[str], PostgresPlace]
) -> Iterator[Stores]:
    """Open a store by the name of its backend; all are closed with the test."""
    with ExitStack() as opened:

        def open_one(backend: str) -> Store:
            if backend == "valkey":
                return over_valkey(open_one("postgres_18"), request.getfixturevalue("valkey_link"))
            if backend == "sqlite":
                return opened.enter_context(sqlite.open_store(tmp_path / "ostiary.db", FakeClock()))
            return opened.enter_context(postgres.open_store(postgres_place(backend), FakeClock()))

        yield open_one


@pytest.fixture(params=TABLES)
def tables(request: pytest.FixtureRequest, stores: Stores) -> Any:
    """A store of each backend with tables."""
    return stores(request.param)


@pytest.fixture(params=TABLES)
def again(request: pytest.FixtureRequest, stores: Stores) -> Callable[[], Store]:
    """Open the same store of each backend with tables as often as wanted."""
    return lambda: stores(request.param)
