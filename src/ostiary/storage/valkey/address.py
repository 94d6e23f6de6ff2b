"""Where a Valkey is and how one proves oneself there: read from one URL, which never shows its password.

>>> at = read_address("valkeys://ostiary:secret@cache.example:6380/2")
>>> at.host, at.port, at.tls, at.user, at.database
('cache.example', 6380, True, 'ostiary', 2)
>>> at
Address(cache.example:6380)
"""

import ssl
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec
from typing_extensions import override

from ostiary.errors import FaultyInputError

_PLAIN: Final = frozenset({"valkey", "redis"})
_TLS: Final = frozenset({"valkeys", "rediss"})
_PORT: Final = 6379
_MOST_DATABASES: Final = 1 << 16


class Address(msgspec.Struct, frozen=True):
    """One server, and who we are to it."""

    host: str
    port: int = _PORT
    tls: bool = False
    user: str = ""
    password: str = ""
    database: int = 0

    @override
    def __repr__(self) -> str:
        """Return where it is, and nothing that is secret."""
        return f"Address({self.host}:{self.port})"


def read_address(url: str) -> Address:
    """Return the address in a URL ``valkey://user:password@host:port/database``, or ``valkeys://`` for TLS.

    Raises:
        FaultyInputError: ``valkey_url_invalid``; the text never holds the URL, for that may hold a password.
    """
    try:
        parts = urlsplit(url)
        port, database = parts.port or _PORT, parts.path.lstrip("/") or "0"
    except ValueError:
        raise _invalid("its port or its host is none") from None
    if parts.scheme not in _PLAIN | _TLS or not parts.hostname:
        raise _invalid("it begins with valkey:// or valkeys:// and names a host")
    if not (database.isascii() and database.isdigit() and int(database[:9]) < _MOST_DATABASES) or parts.query:
        raise _invalid("after the host comes the number of a database at most")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Address(parts.hostname, port, parts.scheme in _TLS, user, password, int(database))


def tls_for(ca: Path | None = None, cert: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """Return a context that believes ``ca`` (else the system's authorities) and shows ``cert``.

    Raises:
        FaultyInputError: ``tls_invalid``.
    """
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if cert is not None:
            context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as fault:
        raise FaultyInputError("tls_invalid", "the certificates for Valkey cannot be read") from fault
    return context


def _invalid(why: str) -> FaultyInputError:
    return FaultyInputError("valkey_url_invalid", f"the address of Valkey is none: {why}")
