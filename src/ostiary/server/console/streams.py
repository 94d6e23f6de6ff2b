"""How many tabs are told of changes at once, and not more; one person takes only its share of them."""

import threading
from collections import Counter
from typing import Final

from ostiary.errors import UnavailableError

EACH: Final = 10


class Streams:
    """Places for tabs; safe for several threads."""

    def __init__(self, most: int) -> None:
        """Let ``most`` in, of one person at most ``EACH``."""
        self._most = most
        self._taken = Counter[str]()
        self._lock = threading.Lock()

    def enter(self, who: str) -> None:
        """Take a place for a person.

        Raises:
            UnavailableError: ``console_streams_exhausted``.
        """
        with self._lock:
            if self._taken[who] >= EACH:
                raise UnavailableError("console_streams_exhausted", f"you have {EACH} tabs open already: close one")
            if self._taken.total() >= self._most:
                raise UnavailableError("console_streams_exhausted", "too many tabs are open at once")
            self._taken[who] += 1

    def leave(self, who: str) -> None:
        """Give it back."""
        with self._lock:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]

    def of_now(self) -> int:
        """How many places are taken."""
        return self._taken.total()
