"""How a probe is judged: an attempt refused as expected *held*; one that gets through *escaped*; all else *failed*.

A probe that fails for a reason nobody expected has shown nothing, so it counts against the sandbox as well.
"""

from __future__ import annotations

import ctypes
import errno
import os

TYPE_CHECKING = False  # as typing has it; importing that would cost every start three milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Order = dict[str, Any]
    Probe = tuple[str, Callable[[Order], str]]

HELD, ESCAPED, FAILED = "held", "escaped", "failed"


class EscapedError(Exception):
    """An attempt got through."""


def refused(attempt: Callable[[], object], *expected: int) -> str:
    """Return how an attempt was refused; it must be by one of the expected error numbers."""
    try:
        found = attempt()
    except OSError as fault:
        if fault.errno not in expected:
            raise
        return errno.errorcode.get(fault.errno or 0, "")
    raise EscapedError(f"it worked: {found!r}"[:120])


def must(held: object, words: str) -> str:
    """Raise unless something holds."""
    if not held:
        raise EscapedError(words[:120])
    return words[:120]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def syscall(number: int, *arguments: int | bytes) -> int:
    """Make one system call; raises OSError when it fails."""
    ctypes.set_errno(0)
    words: list[Any] = [a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    found: int = _libc.syscall(ctypes.c_long(number), *words)
    if found == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return found


def try_all(probes: Iterable[Probe], order: Order) -> list[list[str]]:
    """Return ``[name, verdict, words]`` of every probe."""
    return [_try(name, probe, order) for name, probe in probes]


def _try(name: str, probe: Callable[[Order], str], order: Order) -> list[str]:
    try:
        return [name, HELD, str(probe(order))[:200]]
    except EscapedError as broken:
        return [name, ESCAPED, str(broken)[:200]]
    except BaseException as fault:  # whatever it is: this probe has shown nothing
        return [name, FAILED, f"{type(fault).__name__}: {fault}"[:200]]
