"""How many tabs are told of changes at once, and not more."""

import threading

from ostiary.errors import UnavailableError


class Streams:
    """Places for tabs; safe for several threads."""

    def __init__(self, most: int) -> None:
        """Let ``most`` in."""
        self._most = most
        self._count = 0
        self._lock = threading.Lock()

    def enter(self) -> None:
        """Take a place.

        Raises:
            UnavailableError: ``console_streams_exhausted``.
        """
        with self._lock:
            if self._count >= self._most:
                raise UnavailableError("console_streams_exhausted", "too many tabs are open at once")
            self._count += 1

    def leave(self) -> None:
        """Give it back."""
        with self._lock:
            self._count -= 1

    def of_now(self) -> int:
        """How many places are taken."""
        return self._count
