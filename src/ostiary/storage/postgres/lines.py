"""Open connections: made alike, told whose rows they may see, and thrown away as soon as one is in doubt.

- Everything a session depends on is said when it is opened, so nothing that was set for a role or a database counts:
  the schemas that are looked in, durability, isolation, and how long the server waits for what.
- A session acts as a role that owns nothing and is bound by the policies of the tables (``rights.sql``).
- All of this runs in one event loop; ``database.py`` brings callers of many threads here.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any, Final

import asyncpg

from ostiary.errors import UnavailableError
from ostiary.storage.postgres.faults import FAULTS, is_gone
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.statements import Scope, Statement, columns, known, many

OLDEST: Final = 15
_MARGIN_S: Final = 2.0
"""The server gives up first, in order; where it cannot, this side does."""
_STATEMENTS: Final = 512
_BEGIN: Final = "BEGIN; SELECT pg_advisory_xact_lock(1869835369, 1)"
"""The one lock of all who write in this database, held to the transaction's end."""
_TELL: Final = "SELECT set_config('ostiary.tenant', $1, false), set_config('ostiary.scope', $2, false)"
_BOUND: Final = "SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user"


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
    if await connection.fetchval(_BOUND):
        text = f"the role {role} is bound by no policy: it must be no superuser and have no BYPASSRLS"
        raise UnavailableError("schema_refused", text)


def _suits(connection: asyncpg.Connection) -> None:
    found = connection.get_server_version().major
    if found < OLDEST:
        raise UnavailableError("schema_refused", f"PostgreSQL {found} is too old: {OLDEST} or newer is needed")
    if connection.get_settings().server_encoding != "UTF8":
        raise UnavailableError("schema_refused", "the database is not encoded in UTF-8")


class Line:
    """One connection, and whose rows it was told to show."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Use an open connection that was told nothing."""
        self.connection = connection
        self._scope: Scope | None = None

    async def fetch(self, statement: Statement, values: Sequence[object]) -> list[Any]:
        """Return the rows of a query."""
        await self.tell(statement.scope(values))
        found: list[Any] = await self.connection.fetch(statement.sql, *values)
        return found

    async def execute(self, statement: Statement, values: Sequence[object]) -> int:
        """Run a statement; return how many rows it changed."""
        await self.tell(statement.scope(values))
        status: str = await self.connection.execute(statement.sql, *values)
        return int(status.rpartition(" ")[2])

    async def tell(self, scope: Scope | None) -> None:
        """Say whose rows are to be seen from here on."""
        if scope is None or scope == self._scope:
            return
        self._scope = None
        await self.connection.fetch(_TELL, scope.tenant, "all" if scope.everyone else "one")
        self._scope = scope

    async def begin(self, how: str = _BEGIN) -> None:
        """Begin a transaction and wait for every other writer of this database, unless ``how`` says otherwise."""
        await self.connection.execute(how)

    async def commit(self) -> None:
        """Make it last; raise when the server says anything else, or nothing."""
        if await self.connection.execute("COMMIT") != "COMMIT":
            self._scope = None
            raise asyncpg.InFailedSQLTransactionError("a statement inside had failed")

    async def roll_back(self) -> None:
        """Undo what was done; a line that cannot say so any more is cut, and the server undoes it."""
        self._scope = None  # what was told inside is undone as well
        try:
            await self.connection.execute("ROLLBACK")
        except FAULTS:
            self.cut()

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
        await line.connection.executemany(statement.sql, group)


class Readers:
    """A few connections for reading, made when they are needed."""

    def __init__(self, place: PostgresPlace) -> None:
        """Open none yet."""
        self._place = place
        self._free = asyncio.Semaphore(place.readers)
        self._idle: list[Line] = []

    async def fetch(self, statement: Statement, values: Sequence[object]) -> list[Any]:
        """Return the rows of a query; after a restart of the server, at the second try."""
        try:
            async with self._one() as line:
                return await line.fetch(statement, values)
        except FAULTS as fault:
            if not is_gone(fault):
                raise
            self._drop()  # the others were cut with it
        async with self._one() as line:
            return await line.fetch(statement, values)

    async def close(self) -> None:
        """Close all that wait."""
        while self._idle:
            await hang_up(self._idle.pop().connection)

    def _drop(self) -> None:
        while self._idle:
            self._idle.pop().cut()

    @asynccontextmanager
    async def _one(self) -> AsyncIterator[Line]:
        async with asyncio.timeout(self._place.lock_s):
            await self._free.acquire()
        try:
            line = self._idle.pop() if self._idle else Line(await connect(self._place))
            try:
                yield line
            except BaseException as fault:
                if is_gone(fault) or not isinstance(fault, asyncpg.PostgresError):
                    line.cut()  # an answer may still be on its way
                raise
            finally:
                if line.is_open:
                    self._idle.append(line)
        finally:
            self._free.release()
