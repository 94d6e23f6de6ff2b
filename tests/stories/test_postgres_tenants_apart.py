"""Row-level security as the second line: a statement for one tenant meets no other, whatever its text forgot.

The attacker here is our own mistake: a statement without its WHERE, or with another tenant in its VALUES.
"""
# ruff: noqa: S608 - statements with mistakes, made from the schema

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
import pytest

from ostiary.storage.postgres.lines import Line, connect
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.statements import Scope, Statement, known

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attidentity <> '' FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'ostiary'::regnamespace AND c.relkind = 'r' ORDER BY c.oid, a.attnum
"""
VALUES = {"text": "'{}'", "bigint": "1", "bytea": "'x'", "double precision": "1.0"}
FOR_ALL = {
    # the log: its writer, its erasures, its verifier and who follows it
    "add_record", "many_add_record", "rows", "names", "entries", "erase_sealed", "many_erase_sealed", "count_beyond",
    "payloads_still_there", "erase_indexed_decisions", "tenants",
    # what replicas hand over to the one that writes the log, of all tenants
    "hand_over", "many_hand_over", "take_inbox", "inbox_waiting", "forget_taken",
    # what is looked for before it is known whose it is
    "peps", "save_pep", "find_invitation", "take_invitation",
    # what one server does for all: clearing up, what is due, what is new
    "forget_used_tokens", "forget_dataset_budgets", "forget_ssf_marks", "drop_proofs", "prune_cards",
    "untold_devices", "due_devices", "due_cards", "count_cards", "all_ssf_streams", "count_all_ssf_waiting",
    "terminated_sessions", "new_terminated_sessions", "new_living_sessions", "unread_living_sessions",
    "new_revocations", "new_proofs",
}  # fmt: skip
NO_TENANT = {"head", "set_head", "next_epoch", "cosigned", "set_cosigned", "tile", "put_tile"} | {
    "next_session_mark", "session_mark", "log_epoch", "leases", "take_lease", "end_lease", "lease_of", "lease_holds",
    "inbox_taken", "note_taken",
}  # fmt: skip


@pytest.fixture(params=["postgres_18", "postgres_15"])
def place(request: pytest.FixtureRequest, postgres_place: Callable[[str], PostgresPlace]) -> PostgresPlace:
    return postgres_place(request.param)


def within(place: PostgresPlace, work: Callable[[asyncpg.Connection, Line], Awaitable[Any]]) -> Any:
    """Do something with the owner's connection and the application's."""

    async def both() -> Any:
        owner, line = await connect(place, as_owner=True), Line(await connect(place))
        try:
            return await work(owner, line)
        finally:
            await owner.close()
            await line.connection.close()

    return asyncio.run(both())


async def tables_of(owner: asyncpg.Connection) -> dict[str, list[tuple[str, str, bool]]]:
    found: dict[str, list[tuple[str, str, bool]]] = {}
    for table, column, kind, identity in await owner.fetch(COLUMNS):
        found.setdefault(table, []).append((column, kind, identity))
    return {table: columns for table, columns in found.items() if "tenant" in [one[0] for one in columns]}


def row_of(table: str, columns: list[tuple[str, str, bool]], tenant: str, key: str) -> str:
    """Return an INSERT of a row of a tenant; ``key`` tells it from the others."""
    wanted = [(name, kind) for name, kind, identity in columns if not identity]
    keys = {"a": "1", "b": "2"}
    told = [
        f"'{tenant}'" if name == "tenant" else keys[key] if name == "idx" and table == "records"
        else VALUES[kind].format(key)
        for name, kind in wanted
    ]  # fmt: skip
    return f"INSERT INTO {table} ({', '.join(name for name, _ in wanted)}) VALUES ({', '.join(told)})"


def test_a_statement_that_forgot_its_tenant_sees_and_changes_one_tenant(place: PostgresPlace) -> None:
    async def work(owner: asyncpg.Connection, line: Line) -> int:
        tables = await tables_of(owner)
        for table, columns in tables.items():
            for tenant in ("a", "b"):
                await owner.execute(row_of(table, columns, tenant, tenant))
        await line.tell(Scope("a"))
        for table, columns in reversed(list(tables.items())):
            seen = {row[0] for row in await line.connection.fetch(f"SELECT tenant FROM {table}")}
            assert seen == {"a"}, table
            assert await line.connection.execute(f"UPDATE {table} SET tenant = tenant") == "UPDATE 1", table
            for attack in (f"UPDATE {table} SET tenant = 'b'", row_of(table, columns, "b", "a")):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await line.connection.execute(attack)
            assert await line.connection.execute(f"DELETE FROM {table}") == "DELETE 1", table
            left = {row[0] for row in await owner.fetch(f"SELECT tenant FROM {table}")}
            assert left - {"default", "system"} == {"b"}, table
        return len(tables)

    assert within(place, work) > 40


def test_who_was_told_nothing_sees_nothing(place: PostgresPlace) -> None:
    async def work(owner: asyncpg.Connection, line: Line) -> None:
        for table, columns in (await tables_of(owner)).items():
            await owner.execute(row_of(table, columns, "a", "a"))
            assert await line.connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
            for told in ("", "b", "*", "all", "%", "a' OR 'a' = 'a"):
                await line.tell(Scope(told))
                assert await line.connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
            await line.connection.execute("RESET ostiary.tenant; RESET ostiary.scope")

    within(place, work)


def test_the_role_of_the_application_owns_nothing_and_makes_nothing(place: PostgresPlace) -> None:
    async def work(owner: asyncpg.Connection, line: Line) -> None:
        owned = "SELECT count(*) FROM pg_class WHERE relowner = (SELECT oid FROM pg_roles WHERE rolname = $1)"
        assert await owner.fetchval(owned, place.role) == 0
        for attack in (
            "DROP TABLE ostiary.records",
            "ALTER TABLE ostiary.records DISABLE ROW LEVEL SECURITY",
            "DROP POLICY of_the_tenant_told ON ostiary.records",
            "CREATE TABLE ostiary.mine (a int)",
            "TRUNCATE ostiary.records",
            "DELETE FROM ostiary.migrations",
            "INSERT INTO ostiary.migrations VALUES (99, 'x', 'x', 0, 0)",
            "COPY ostiary.peps FROM PROGRAM 'id'",
        ):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)):
                await line.connection.execute(attack)
        bare = await owner.fetch(
            "SELECT relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant'"
            " WHERE relnamespace = 'ostiary'::regnamespace AND relkind = 'r' AND NOT relrowsecurity"
        )
        assert bare == []

    within(place, work)


def test_what_serves_every_tenant_is_named_here_and_nowhere_else() -> None:
    told = {"all": set[str](), "none": set[str]()}
    for name, one in known().items():
        if isinstance(one.tenant, str):
            told[one.tenant].add(name)
    assert told == {"all": FOR_ALL, "none": NO_TENANT}


@pytest.fixture
def careless() -> Statement:
    """A statement of one tenant, as it would be with a slip of the pen."""
    one = known()["snapshots"]
    return msgspec.structs.replace(one, sql=re.sub(r"tenant = \$1 AND", "($1::text IS NOT NULL) AND", one.sql))


def test_a_table_reads_no_other_tenant_by_a_slip(careless: Statement, stores: Callable[[str], Any]) -> None:
    store = stores("postgres_18")
    for tenant in ("acme", "beta"):
        store.snapshots.save(tenant, "profiles", tenant, b"of " + tenant.encode(), 1)
    fetch = store.database._readers.fetch
    found = store.database._run(fetch(careless, careless.values(("acme", "profiles"))))
    assert [tuple(row)[:2] for row in found] == [("acme", b"of acme")]


def test_a_role_that_no_policy_binds_is_refused(place: PostgresPlace) -> None:
    async def work(owner: asyncpg.Connection, line: Line) -> None:
        await owner.execute("CREATE ROLE unbound BYPASSRLS")
        try:
            with pytest.raises(Exception, match="bound by no policy"):
                await connect(msgspec.structs.replace(place, role="unbound"))
        finally:
            await owner.execute("DROP ROLE unbound")

    within(place, work)


def test_a_role_that_owns_a_table_is_refused_as_well(place: PostgresPlace) -> None:
    """Policies do not bind an owner: `store.role` set to the login that made the schema saw every tenant."""

    async def work(owner: asyncpg.Connection, line: Line) -> None:
        await owner.execute("CREATE ROLE landlord; CREATE ROLE heir; GRANT landlord TO heir")
        await owner.execute("GRANT CREATE ON SCHEMA ostiary TO landlord; ALTER TABLE ostiary.peps OWNER TO landlord")
        try:
            for role in ("landlord", "heir"):
                with pytest.raises(Exception, match="bound by no policy"):
                    await connect(msgspec.structs.replace(place, role=role))
        finally:
            await owner.execute("ALTER TABLE ostiary.peps OWNER TO CURRENT_USER")
            await owner.execute("REVOKE CREATE ON SCHEMA ostiary FROM landlord; DROP ROLE heir; DROP ROLE landlord")

    within(place, work)
