"""Open connections: made alike, told whose rows they may see, and thrown away as soon as one is in doubt.

- Everything a session depends on is said when it is opened, so nothing that was set for a role or a database counts:
  the schemas that are looked in, durability, isolation, and how long the server waits for what.
- A session acts as a role that owns nothing and is bound by the policies of the tables (``rights.sql``).
- A line that was left without its answer is cut: the answer may still be on its way. ``silence.py`` looks for those
  on which none will come.
- All of this runs in one event loop; ``database.py`` brings callers of many threads here.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from itertools import groupby
from typing import Any, Final, TypeVar

import asyncpg

from ostiary.errors import UnavailableError
from ostiary.storage.postgres.faults import FAULTS
from ostiary.storage.postgres.moving import is_moving
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.statements import Scope, Statement, columns, known, many

OLDEST: Final = 15
_MARGIN_S: Final = 2.0
"""The server gives up first, in order; where it cannot, this side does."""
_STATEMENTS: Final = 512
_BEGIN: Final = "BEGIN; SELECT pg_advisory_xact_lock(1869835369, 1)"
"""The one lock of all who write in this database, held to the transaction's end."""
_TELL: Final = "SELECT set_config('ostiary.tenant', $1, false), set_config('ostiary.scope', $2, false)"
_UNBOUND: Final = """SELECT rolsuper OR rolbypassrls OR EXISTS (
  SELECT 1 FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.to_regnamespace('ostiary')
  AND relkind IN ('r', 'p') AND pg_catalog.pg_has_role(current_user, relowner, 'USAGE')
) FROM pg_catalog.pg_roles WHERE rolname = current_user"""
"""A table's policies do not bind its owner, nor who has the owner's rights."""
T = TypeVar("T")


async def connect(place: PostgresPlace, *, as_owner: bool = False) -> asyncpg.Connection:
    """Open a connection as the application's role, or as who the URL names.

    Raises:
        UnavailableError: ``storage_unavailable``, ``schema_refused``.
    """
    connection = await asyncpg.connect(
        **place.parameters(),
        timeout=place.connect_s,
        command_timeout=place.statement_s + _MARGIN_S,
        statement_cache_size=_STATEMENTS,
        server_settings=_settings(place),
    )
    try:
        _suits(connection)
        if not as_owner:
            async with asyncio.timeout(place.connect_s):
                await _become(connection, place.role)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def hang_up(connection: asyncpg.Connection) -> None:
    """Take leave; where nobody answers, the line is cut."""
    try:
        await connection.close(timeout=_MARGIN_S)
    except FAULTS:
        connection.terminate()


def _settings(place: PostgresPlace) -> dict[str, str]:
    return {
        "application_name": "ostiary",
        # INVARIANT: no schema that others may write to is looked in. The server's own comes first without being named;
        # temporary tables, which would come even before it, are named last.
        "search_path": "ostiary, pg_temp",
        "ostiary.tenant": "",
        "ostiary.scope": "none",
        "synchronous_commit": "on",
        "default_transaction_isolation": "read committed",
        "default_transaction_read_only": "off",
        "row_security": "on",
        "standard_conforming_strings": "on",
        "timezone": "UTC",
        "jit": "off",
        "lock_timeout": str(int(place.lock_s * 1000)),
        "statement_timeout": str(int(place.statement_s * 1000)),
        "idle_in_transaction_session_timeout": str(int(place.idle_s * 1000)),
    }


async def _become(connection: asyncpg.Connection, role: str) -> None:
    """Act as a role whose name ``PostgresPlace.parameters`` has looked at."""
    await connection.execute(f'SET ROLE "{role}"')
    if await connection.fetchval(_UNBOUND):
        text = f"the role {role} is bound by no policy: it must be no superuser, have no BYPASSRLS and own no table"
        raise UnavailableError("schema_refused", text)


def _suits(connection: asyncpg.Connection) -> None:
    found = connection.get_server_version().major
    if found < OLDEST:
        raise UnavailableError("schema_refused", f"PostgreSQL {found} is too old: {OLDEST} or newer is needed")
    if connection.get_settings().server_encoding != "UTF8":
        raise UnavailableError("schema_refused", "the database is not encoded in UTF-8")


class Line:
    """One connection, and whose rows it was told to show.

    Attributes:
        server: number of its process and when its server began, in the server's own words: a pooler between tells
            numbers of its own; 0 and nothing where nobody asked.
        asked_at: since when somebody waits for an answer, ``None`` while nobody does; monotonic seconds.
        heard_at: when it was heard last.
    """

    def __init__(self, connection: asyncpg.Connection, server: tuple[int, str] = (0, "")) -> None:
        """Use an open connection that was told nothing."""
        self.connection = connection
        self.server = server
        self.asked_at: float | None = None
        self.heard_at = time.monotonic()
        self._scope: Scope | None = None

    async def fetch(self, statement: Statement, values: Sequence[object]) -> list[Any]:
        """Return the rows of a query."""
        await self.tell(statement.scope(values))
        found: list[Any] = await self.ask(self.connection.fetch(statement.sql, *values))
        return found

    async def execute(self, statement: Statement, values: Sequence[object]) -> int:
        """Run a statement; return how many rows it changed."""
        await self.tell(statement.scope(values))
        status: str = await self.ask(self.connection.execute(statement.sql, *values))
        return int(status.rpartition(" ")[2])

    async def ask(self, work: Awaitable[T]) -> T:
        """Wait for what was asked on this connection."""
        self.asked_at = time.monotonic()
        try:
            answer = await work
        except (TimeoutError, asyncio.CancelledError):
            self.cut()
            raise
        finally:
            self.asked_at = None
        self.heard_at = time.monotonic()
        return answer

    async def tell(self, scope: Scope | None) -> None:
        """Say whose rows are to be seen from here on."""
        if scope is None or scope == self._scope:
            return
        self._scope = None
        await self.ask(self.connection.fetch(_TELL, scope.tenant, "all" if scope.everyone else "one"))
        self._scope = scope

    async def begin(self, how: str = _BEGIN) -> None:
        """Begin a transaction and wait for every other writer of this database, unless ``how`` says otherwise."""
        await self.ask(self.connection.execute(how))

    async def commit(self) -> None:
        """Make it last; raise when the server says anything else, or nothing."""
        if await self.ask(self.connection.execute("COMMIT")) != "COMMIT":
            self._scope = None
            raise asyncpg.InFailedSQLTransactionError("a statement inside had failed")

    async def roll_back(self) -> None:
        """Undo what was done; a line that cannot say so any more is cut, and the server undoes it."""
        self._scope = None  # what was told inside is undone as well
        try:
            await self.ask(self.connection.execute("ROLLBACK"))
        except FAULTS:
            self.cut()

    def moves(self, within_s: float) -> bool:
        """Return whether bytes came, or the other end took some of ours, so lately; no where no system tells."""
        transport = self.connection._transport  # noqa: SLF001 - nothing else tells
        return is_moving(transport.get_extra_info("socket") if transport is not None else None, within_s)

    def cut(self) -> None:
        """End the connection at once."""
        self.connection.terminate()

    @property
    def is_open(self) -> bool:
        """Return whether it can still be used."""
        return not self.connection.is_closed()


async def write_rows(line: Line, name: str, rows: list[Any]) -> None:
    """Run a named statement for every row: at once where a statement says how."""
    at_once = many(name)
    if at_once and rows:
        await line.execute(at_once, columns(rows))
        return
    statement = known()[name]
    for scope, group in groupby([statement.values(row) for row in rows], statement.scope):
        await line.tell(scope)
        await line.ask(line.connection.executemany(statement.sql, group))
