"""One connection to PostgreSQL: how to get in, and statements sent so that each is exactly one.

- A DSN is a URL, ``postgresql://user:password@host:port/database``. TLS checks the server's certificate, unless the
  host is this machine or the URL says ``?sslmode=disable``: the driver's own default checks nothing, and falls back.
- Every statement goes by the extended protocol, which takes one at a time; values are bound.
"""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from pg8000 import native

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.storage.postgres.streaming import StreamingConnection, Taker

CONNECT_S: Final = 5
LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})
AWAY: Final = "source_unavailable"
PORT: Final = 5432


class PostgresSource(msgspec.Struct, frozen=True):
    """One database: how the projector gets in. ``dsn`` is a secret."""

    name: str
    dsn: str

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show which one it is, not how to get in."""
        return f"PostgresSource({self.name!r})"


class Link:
    """An open connection."""

    def __init__(self, source: PostgresSource, timeout_s: float, user: str = "", password: str = "") -> None:
        """Connect as ``user``, or as the DSN says.

        Raises:
            FaultyInputError: ``dsn_invalid``.
            UnavailableError: ``source_unavailable``.
        """
        parts = _parts(source.dsn)
        parts |= {"user": user, "password": password} if user else {}
        try:
            self.connection = StreamingConnection(**parts, timeout=timeout_s)
        except native.Error:
            raise away() from None  # the driver's words hold host and user
        self.broken = False

    def run(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Run exactly one statement with bound values; return its rows and columns.

        Raises:
            native.Error: what the server or the line says.
        """
        try:
            return self.connection.execute_unnamed(statement, values)
        except native.InterfaceError:
            self.broken = True
            raise

    def stream(self, query: str, taker: Taker) -> None:
        """Ask one query in a transaction that reads; ``taker`` takes the rows as they come.

        Raises:
            native.Error: what the server or the line says.
        """
        finished = False
        try:
            self.connection.stream(query, taker)
            finished = True
        except native.DatabaseError:
            finished = True  # the server said so, and is ready for the next
            raise
        finally:
            self.broken = self.broken or not finished

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[None]:
        """Do all or nothing."""
        self.run(begin)
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            if not self.broken:
                self.run("ROLLBACK")
            raise

    def close(self) -> None:
        """Close it, whatever the line says."""
        try:
            self.connection.close()
        except native.Error:
            self.broken = True


def state_of(fault: Exception) -> str:
    """Return the SQLSTATE of a fault, or an empty text."""
    told = fault.args[0] if fault.args else None
    return str(told.get("C", "")) if isinstance(told, dict) else ""


def words_of(fault: Exception) -> str:
    """Return the server's own words; they are for looking at, never for passing on."""
    told = fault.args[0] if fault.args else None
    return str(told.get("M", "")) if isinstance(told, dict) else ""


def away() -> UnavailableError:
    """Return what is said when the database cannot be asked."""
    return UnavailableError(AWAY, "this feature set's database cannot be asked now")


def _parts(dsn: str) -> dict[str, Any]:
    try:
        url = urlsplit(dsn)
        port = url.port or PORT
    except ValueError as fault:
        raise _invalid() from fault
    host, database = url.hostname, unquote(url.path.lstrip("/"))
    if url.scheme not in {"postgres", "postgresql"} or not host or not database or not url.username:
        raise _invalid()
    plain = host in LOCAL or parse_qs(url.query).get("sslmode") == ["disable"]
    return {
        "user": unquote(url.username),
        "password": unquote(url.password) if url.password else None,
        "host": host,
        "port": port,
        "database": database,
        "ssl_context": False if plain else ssl.create_default_context(),
    }


def _invalid() -> FaultyInputError:
    return FaultyInputError("dsn_invalid", "a DSN is `postgresql://user:password@host:port/database`")
