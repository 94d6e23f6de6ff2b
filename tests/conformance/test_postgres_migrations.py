"""The schema in PostgreSQL: made once, whoever comes first; by no edited text; older code goes on working on it."""

import asyncio
import re
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
from backends import empty_database
from store_workload import run, steps
from store_worlds import MemoryWorld, TableWorld

from ostiary.errors import UnavailableError
from ostiary.storage.migrations import Migration
from ostiary.storage.postgres.database import PostgresDatabase
from ostiary.storage.postgres.migrate import migrate, migrations, oldest
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.store import open_store
from ostiary.storage.sqlite.migrate import migrations as of_sqlite
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.postgres import PostgresServer

CLOCK = FakeClock()
FIRST = 21
NARROWS = re.compile(r"\b(DROP|RENAME|SET NOT NULL|ALTER COLUMN|TYPE)\b", re.IGNORECASE)
NEXT = Migration(
    9999,
    "next",
    "-- oldest: 21\nALTER TABLE records ADD COLUMN shard BIGINT NOT NULL DEFAULT 0;\n"
    'CREATE TABLE later (tenant TEXT COLLATE "C" PRIMARY KEY, what BYTEA NOT NULL);\n',
)


def execute(url: str, *statements: str) -> None:
    async def work() -> None:
        line = await asyncpg.connect(url)
        for one in statements:
            await line.execute(one)
        await line.close()

    asyncio.run(work())


def test_numbers_and_names_are_those_of_sqlite() -> None:
    ours = [(step.version, step.name) for step in migrations()]
    assert ours[0] == (FIRST, "schema")
    assert ours[1:] == [(step.version, step.name) for step in of_sqlite() if step.version > FIRST]


def test_what_narrows_the_schema_says_that_older_code_is_gone() -> None:
    for step in migrations()[1:]:
        if NARROWS.search(step.sql):
            assert oldest(step) >= step.version - 1, f"{step.version} takes away what its predecessor may still use"
        else:
            assert oldest(step) < step.version


def test_this_code_runs_on_the_schema_of_the_next_one(postgres_url: str) -> None:
    asyncio.run(migrate(PostgresPlace(postgres_url), CLOCK, [*migrations(), NEXT]))
    workload = steps(11, 80)
    with open_store(PostgresPlace(postgres_url), CLOCK) as store:
        assert list(run(TableWorld(store), workload)) == list(run(MemoryWorld(), workload))
        (bound,) = store.database._run(
            store.database._writer.connection.fetch("SELECT relrowsecurity FROM pg_class WHERE relname = 'later'")
        )
        assert bound[0], "a new table with tenants is bound without being told"


def test_a_schema_that_left_this_code_behind_is_refused(postgres_url: str) -> None:
    left = msgspec.structs.replace(NEXT, sql=NEXT.sql.replace("oldest: 21", "oldest: 9999"))
    asyncio.run(migrate(PostgresPlace(postgres_url), CLOCK, [*migrations(), left]))
    with pytest.raises(UnavailableError, match="9999") as caught:
        PostgresDatabase(PostgresPlace(postgres_url), CLOCK)
    assert caught.value.code == "schema_refused"


def test_an_edited_migration_is_refused(postgres_url: str) -> None:
    PostgresDatabase(PostgresPlace(postgres_url), CLOCK).close()
    execute(postgres_url, "UPDATE ostiary.migrations SET digest = 'x'")
    with pytest.raises(UnavailableError, match="was changed"):
        PostgresDatabase(PostgresPlace(postgres_url), CLOCK)


def test_a_migration_that_fails_leaves_nothing(postgres_url: str) -> None:
    broken = msgspec.structs.replace(NEXT, sql="-- oldest: 21\nCREATE TABLE half (a int);\nSELECT 1 / 0;")
    place = PostgresPlace(postgres_url)
    with pytest.raises(asyncpg.DivisionByZeroError):
        asyncio.run(migrate(place, CLOCK, [*migrations(), broken]))
    assert asyncio.run(migrate(place, CLOCK)) == migrations()[-1].version


def test_of_many_that_come_first_each_finds_one_schema(postgres_url: str) -> None:
    found: list[int] = []

    def come() -> None:
        database = PostgresDatabase(PostgresPlace(postgres_url), CLOCK)
        found.append(database.version)
        database.close()

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [migrations()[-1].version] * 4


@pytest.mark.parametrize("version", ["postgres_18", "postgres_15"])
def test_an_owner_need_not_be_a_superuser_and_a_server_need_not_be_the_owner(
    request: pytest.FixtureRequest, version: str
) -> None:
    server: PostgresServer = request.getfixturevalue(version)
    name = urlsplit(empty_database(server)).path.strip("/")
    execute(
        server.dsn(),
        f"CREATE ROLE owner_{name} LOGIN CREATEROLE PASSWORD 'p'",
        f"CREATE ROLE server_{name} LOGIN PASSWORD 'p'",
        f"ALTER DATABASE {name} OWNER TO owner_{name}",
    )
    role = f"app_{name}"
    owner = PostgresPlace(server.dsn(f"owner_{name}", "p", name), role=role)
    login = PostgresPlace(server.dsn(f"server_{name}", "p", name), role=role)
    with pytest.raises(UnavailableError):
        open_store(login, CLOCK)  # it may make nothing
    with open_store(owner, CLOCK) as store:
        store.snapshots.save("acme", "k", "n", b"x", 1)
    execute(owner.url, f"GRANT {role} TO server_{name}")
    with open_store(login, CLOCK) as store:
        assert store.snapshots.load("acme", "k", "n") == b"x"
        store.snapshots.save("acme", "k", "n", b"y", 2)


def test_a_database_that_is_not_utf_8_is_refused(postgres_18: PostgresServer) -> None:
    execute(
        postgres_18.dsn(),
        "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    )
    with pytest.raises(UnavailableError, match="UTF-8"):
        PostgresDatabase(PostgresPlace(postgres_18.dsn(database="latin")), CLOCK)


def test_forgetting_a_tenant_leaves_it_in_no_table_but_the_logs(stores: Callable[[str], object]) -> None:
    store = stores("postgres_18")
    list(run(TableWorld(store), steps(5, 500)))  # type: ignore[arg-type]
    store.forget_tenant("acme")  # type: ignore[attr-defined]
    asyncio.run(_none_left(store.database._place, "acme"))  # type: ignore[attr-defined]


async def _none_left(place: PostgresPlace, tenant: str) -> None:
    line = await asyncpg.connect(place.url)
    tables = await line.fetch(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'ostiary' AND column_name = 'tenant'"
    )
    kept = set()
    for (table,) in tables:
        if await line.fetchval(f"SELECT count(*) FROM ostiary.{table} WHERE tenant = $1", tenant):  # noqa: S608 - ours
            kept.add(table)
    await line.close()
    assert kept <= {"records", "tenants", "subject_keys"}
