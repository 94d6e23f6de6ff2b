"""What PostgreSQL and the line to it say, in our own words: never a value, a row, a statement or a URL.

The driver's texts hold them (``DETAIL: Key (tenant, …)``), so nothing is chained to them either.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from ostiary.errors import UnavailableError

FAULTS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, EOFError, UnicodeEncodeError)
_FULL: Final = "53100"
_GONE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    ConnectionError,
    EOFError,
)


def is_gone(fault: BaseException) -> bool:
    """Return whether the line itself is what failed: what was asked may be asked again on a new one."""
    return isinstance(fault, _GONE) and not isinstance(fault, asyncpg.DataError)


@contextmanager
def told() -> Iterator[None]:
    """Turn every fault of driver and server into ``disk_full`` or ``storage_unavailable``."""
    try:
        yield
    except FAULTS as fault:
        raise unavailable(fault) from None


def unavailable(fault: BaseException) -> UnavailableError:
    """Return what callers are told."""
    state = str(getattr(fault, "sqlstate", None) or "")
    if state == _FULL:
        return UnavailableError("disk_full", "the disk of the database is full")
    return UnavailableError("storage_unavailable", f"the database failed: {type(fault).__name__} {state}".rstrip())
