"""A JSON file that is read again when it changes: by its inode, times and size, before every check.

A file that is away, too large, malformed or older than one that was read before is a source that cannot be asked:
nothing of it is shown. So an old copy put back brings no right back. Other words under the same version are refused
as well: of two that call themselves equal, nobody can tell which is the older one. What is remembered is this
process's; after a restart the first reading counts.
"""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from ostiary.errors import UnavailableError
from ostiary.rag.sources.settled import settled, stamps

MAX_BYTES: Final = 128 << 20
AWAY: Final = "source_unavailable"
T = TypeVar("T")


class Watched(Generic[T]):
    """One file and what it says; safe for several threads."""

    def __init__(self, path: Path, read: Callable[[bytes], T], version: Callable[[T], int]) -> None:
        """Take where it is, what it means, and what its version is."""
        self._path = path
        self._read = read
        self._version = version
        self._known: tuple[str, T] | None = None
        self._last: T | None = None
        self._lock = threading.Lock()

    def now(self) -> tuple[str, T]:
        """Return a name for the file as it is, and what it says.

        Raises:
            UnavailableError: ``source_unavailable``.
        """
        with self._lock:
            try:
                return self._now()
            except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as fault:
                raise UnavailableError(AWAY, f"`{self._path.name}` cannot be read or is malformed") from fault

    def _now(self) -> tuple[str, T]:
        # A pipe in the file's place must not make everybody wait for whoever writes into it.
        opened = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(opened, "rb") as file:
            found = os.fstat(opened)
            name, remembered = stamps(found), settled(found)
            if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
                raise ValueError(name)
            if self._known is not None and self._known[0] == name:
                return self._known
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ValueError(name)
        return self._newer(name, raw, remembered=remembered)

    def _newer(self, name: str, raw: bytes, *, remembered: bool) -> tuple[str, T]:
        told = self._read(raw)
        if self._last is not None:
            now, before = self._version(told), self._version(self._last)
            if now < before or (now == before and told != self._last):
                raise UnavailableError(AWAY, f"`{self._path.name}` is older than what was read before")
        self._last = told
        self._known = (name, told) if remembered else None
        return name, told
