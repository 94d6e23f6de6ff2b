"""A clock that stands still until it is told to move.

>>> clock = FakeClock()
>>> start = clock.now_ns()
>>> clock.advance(1.5)
>>> (clock.now_ns() - start) / 1e9
1.5
"""

from typing import Final

START_NS: Final = 1_790_000_000_000_000_000
_SECOND_NS: Final = 1_000_000_000


class FakeClock:
    """Tells the time it was given; ``advance`` moves it, backwards too."""

    def __init__(self, now_ns: int = START_NS) -> None:
        """Stand at ``now_ns`` (nanoseconds since the Unix epoch, UTC)."""
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Return the time at which the clock stands."""
        return self._now_ns

    def advance(self, seconds: float) -> None:
        """Move by ``seconds``."""
        self._now_ns += round(seconds * _SECOND_NS)
