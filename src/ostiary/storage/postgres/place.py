"""Where a database is and how it is talked to. A URL is a secret: it is never shown, logged or part of an error.

- ``postgresql://user:password@host:port/database``; ``?sslmode=verify-full`` (the default for another machine) checks
  the server's certificate and name, ``sslrootcert=FILE`` names its authority, ``host=/folder`` a Unix socket.
- A line to another machine without TLS must be asked for twice: ``sslmode=disable`` in the URL and ``plain`` beside it.
  What lies between (``prefer``, ``require``, ``verify-ca``) falls to whoever sits on the line, and is refused.
"""

import re
import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec

from ostiary.errors import FaultyInputError

PORT: Final = 5432
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
ROLE: Final = "ostiary_app"
_ROLE: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
_ASKED: Final = frozenset({"sslmode", "sslrootcert", "host"})
_MAX_URL: Final = 4096


class PostgresPlace(msgspec.Struct, frozen=True):
    """One database, and how long to wait for what (seconds). ``url`` is a secret."""

    url: str
    role: str = ROLE
    readers: int = 4
    plain: bool = False
    connect_s: float = 5.0
    lock_s: float = 10.0
    statement_s: float = 30.0
    answer_s: float = 2.0
    idle_s: float = 5.0

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show nothing of the URL."""
        return f"PostgresPlace(role={self.role!r})"

    def parameters(self) -> dict[str, Any]:
        """Return how the driver connects.

        Raises:
            FaultyInputError: ``store_url_invalid``, ``store_url_plain``.
        """
        if not _ROLE.match(self.role):
            raise FaultyInputError("store_url_invalid", "a role is lower-case letters, digits and underscores")
        url, asked = _parsed(self.url)
        host = asked.get("host") or url.hostname
        if not host:
            raise _invalid("it names no host")
        return {
            "host": host,
            "port": url.port or PORT,
            "user": unquote(url.username or ""),
            "password": unquote(url.password) if url.password else None,
            "database": unquote(url.path.lstrip("/")),
            "ssl": self._tls(host, asked),
        }

    def uses_plain_line(self) -> bool:
        """Return whether what is said goes over a network as it is."""
        parts = self.parameters()
        return parts["ssl"] is False and not _stays_here(parts["host"])

    def _tls(self, host: str, asked: dict[str, str]) -> ssl.SSLContext | bool:
        here = _stays_here(host)
        mode = asked.get("sslmode", "disable" if here else "verify-full")
        if mode == "verify-full" and not host.startswith("/"):
            return _context(asked.get("sslrootcert"))
        if mode != "disable":
            raise _invalid("sslmode is verify-full or disable")
        if not here and not self.plain:
            text = "a line to another machine without TLS must be allowed by `plain` in [store] too"
            raise FaultyInputError("store_url_plain", text)
        return False


def _stays_here(host: str) -> bool:
    return host in LOOPBACK or host.startswith("/")


def _parsed(text: str) -> tuple[SplitResult, dict[str, str]]:
    if len(text) > _MAX_URL or not text.isprintable():
        raise _invalid("it is too long or holds what cannot be printed")
    try:
        url = urlsplit(text)
        asked = dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
        url.port  # noqa: B018 - refuses what is no number
    except ValueError:
        raise _invalid("it is no URL") from None  # the words of the fault hold the text
    if url.scheme not in {"postgres", "postgresql"} or not url.username or not unquote(url.path.lstrip("/")):
        raise _invalid("a scheme, a user or a database is missing")
    if set(asked) - _ASKED or url.fragment:
        raise _invalid("it asks for more than sslmode, sslrootcert and host")
    if asked.get("host") and (url.hostname or not asked["host"].startswith("/")):
        raise _invalid("host is the folder of a Unix socket")
    return url, asked


def _context(authority: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authority or None)
    except OSError as fault:
        raise _invalid(f"sslrootcert cannot be read: {fault.strerror or 'no certificate'}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _invalid(why: str) -> FaultyInputError:
    text = f"a store's URL is `postgresql://user:password@host:port/database`: {why}"
    return FaultyInputError("store_url_invalid", text)


def read_url(path: Path) -> str:
    """Return the URL that lies alone in a file.

    Raises:
        FaultyInputError: ``store_url_invalid``.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as fault:
        raise _invalid(f"its file cannot be read: {type(fault).__name__}") from None
