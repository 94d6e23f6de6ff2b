"""The one place where time enters; everything else is handed a ``Clock``.

>>> SystemClock().now_ns() > 0
True
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in nanoseconds since the Unix epoch, UTC."""

    def now_ns(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ns(self) -> int:
        """Return nanoseconds since the Unix epoch, from the operating system."""
        return time.time_ns()  # noqa: TID251 - the one place where time enters
