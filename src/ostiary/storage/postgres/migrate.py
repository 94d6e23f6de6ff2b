"""Brings a database's schema up to date, once, whoever comes first (``storage/migrations.py`` has the rules).

- Everything that is due runs in one transaction under a lock: after a fault in the middle nothing has happened.
- It runs as whoever the URL names. Only then are the rights of the application's role set anew (``rights.sql``).
- ``-- oldest: N`` is a migration's first line: the oldest schema whose Ostiary still works on what it leaves. An older
  Ostiary opens a newer schema where that says it may, so replicas are replaced one by one.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final

import asyncpg
import msgspec

from ostiary.errors import UnavailableError
from ostiary.storage.migrations import UNFINISHED, Migration, check, migrations_of, refuse_unfinished
from ostiary.storage.postgres.lines import connect, hang_up
from ostiary.storage.postgres.loop import LoopThread
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.vocabulary.clock import Clock

_LOCK: Final = "SELECT pg_advisory_xact_lock(1869835369, 2)"
_OLDEST: Final = re.compile(r"-- oldest: (\d+)\n")
_TABLE: Final = """CREATE SCHEMA IF NOT EXISTS ostiary;
CREATE TABLE IF NOT EXISTS ostiary.migrations (
  version BIGINT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, oldest BIGINT NOT NULL,
  applied_ns BIGINT NOT NULL
)"""
_HALF: Final = "SELECT to_regclass($1) IS NOT NULL"
_DONE: Final = "SELECT version, digest, oldest FROM ostiary.migrations"
_ROLE: Final = """DO $$
DECLARE
  role text := current_setting('ostiary.role');
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
    EXECUTE format('CREATE ROLE %I NOLOGIN', role);
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another database's owner was first
END
$$;
DO $$
DECLARE
  needed text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
  IF NOT pg_has_role(current_user, current_setting('ostiary.role'), needed) THEN
    EXECUTE format('GRANT %I TO CURRENT_USER', current_setting('ostiary.role'));
  END IF;
END
$$"""


class Done(msgspec.Struct, frozen=True):
    """A migration that has run."""

    version: int
    digest: str
    oldest: int


def migrations() -> list[Migration]:
    """Return every migration in order."""
    return migrations_of(__package__)


async def migrate(
    place: PostgresPlace, clock: Clock, steps: Sequence[Migration] | None = None, *, unfinished: bool = False
) -> int:
    """Bring the schema up to date; return its version.

    Raises:
        UnavailableError: ``schema_refused`` for an edited or a newer schema, and for half a copy unless ``unfinished``;
            ``storage_unavailable``.
    """
    wanted = list(steps or migrations())
    connection = await connect(place, as_owner=True)
    try:
        async with asyncio.timeout(place.lock_s):  # most starts change nothing, and none waits long to learn that
            if not unfinished and await connection.fetchval(_HALF, f"ostiary.{UNFINISHED}"):
                refuse_unfinished()
            if not pending(await done(connection), wanted):
                return wanted[-1].version
        async with connection.transaction():
            await connection.execute(_LOCK)
            await connection.execute(_TABLE)
            for step in pending(await done(connection), wanted):
                await connection.execute(step.sql)
                values = (step.version, step.name, step.digest, oldest(step), clock.now_ns())
                await connection.execute("INSERT INTO ostiary.migrations VALUES ($1, $2, $3, $4, $5)", *values)
            await connection.execute("SELECT set_config('ostiary.role', $1, true)", place.role)
            await connection.execute(_ROLE)
            await connection.execute(files(__package__).joinpath("rights.sql").read_text(encoding="utf-8"))
    finally:
        await hang_up(connection)
    return wanted[-1].version


def plan(place: PostgresPlace) -> list[Migration]:
    """Return the migrations that have not run; nothing is changed.

    Raises:
        UnavailableError: ``schema_refused``, ``storage_unavailable``.
    """

    async def look() -> list[Migration]:
        connection = await connect(place, as_owner=True)
        try:
            return pending(await done(connection), migrations())
        finally:
            await hang_up(connection)

    place.parameters()
    loop = LoopThread()
    try:
        return loop.run(look())
    finally:
        loop.stop()


async def done(connection: asyncpg.Connection) -> dict[int, Done]:
    """Return what has run; nothing where the database is new."""
    if await connection.fetchval("SELECT to_regclass('ostiary.migrations') IS NULL"):
        return {}
    return {row[0]: Done(*row) for row in await connection.fetch(_DONE)}


def pending(ran: Mapping[int, Done], steps: Sequence[Migration]) -> list[Migration]:
    """Return what is still to run.

    Raises:
        UnavailableError: ``schema_refused``.
    """
    newest = steps[-1].version
    ahead = [one for version, one in ran.items() if version > newest]
    if ahead and max(one.oldest for one in ahead) <= newest:
        ran = {version: one for version, one in ran.items() if version <= newest}
    check(steps, {version: one.digest for version, one in ran.items()})
    return [step for step in steps if step.version not in ran]


def oldest(step: Migration) -> int:
    """Return the oldest schema whose Ostiary works on what this migration leaves."""
    found = _OLDEST.match(step.sql)
    if found is None:
        raise UnavailableError("schema_refused", f"migration {step.version} does not say who still works on it")
    return int(found[1])
