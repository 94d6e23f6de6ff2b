"""Who is in a hurry: a thread that decides waits for a store no longer than an answer may take.

It is said once, where such threads begin; whoever waits for something on their way asks here how long that may be.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Final

from ostiary.errors import UnavailableError

_hurrying: Final[ContextVar[bool]] = ContextVar("ostiary_hurrying", default=False)


def in_a_hurry() -> bool:
    """Return whether this thread decides, and an answer waits for what it does."""
    return _hurrying.get()


@contextmanager
def hurrying() -> Iterator[None]:
    """Be in a hurry in here."""
    before = _hurrying.set(True)
    try:
        yield
    finally:
        _hurrying.reset(before)


class Turn:
    """A lock that its holder may take again. Those in a hurry wait no longer than ``most_s`` seconds for it."""

    def __init__(self, most_s: float) -> None:
        """Belong to nobody yet."""
        self._lock = threading.RLock()
        self._most_s = most_s

    def __enter__(self) -> None:
        """Wait for it.

        Raises:
            UnavailableError: ``storage_unavailable``: it took too long.
        """
        if not self._lock.acquire(timeout=self._most_s if in_a_hurry() else -1):
            raise UnavailableError("storage_unavailable", "the store is busy with others")

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one have it."""
        self.let_go()

    def take_at_once(self) -> bool:
        """Take it if nobody else has it; return whether it is ours now, to be let go again."""
        return self._lock.acquire(blocking=False)

    def let_go(self) -> None:
        """Let the next one have it."""
        self._lock.release()
