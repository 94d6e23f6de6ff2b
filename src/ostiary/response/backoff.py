"""How long to wait before trying again: longer each time, with a limit, and never all at the same moment.

>>> Backoff(base_s=1, cap_s=60, jitter=lambda: 1.0).delay_ns(3) / 1e9
4.0
"""

from collections.abc import Callable
from typing import Final

import msgspec

NS: Final = 1_000_000_000
_MAX_DOUBLINGS: Final = 30


class Backoff(msgspec.Struct, frozen=True):
    """Exponential back-off; ``jitter`` is injected and gives a number in [0, 1]."""

    base_s: float = 1.0
    cap_s: float = 300.0
    jitter: Callable[[], float] = lambda: 0.5

    def delay_ns(self, attempts: int) -> int:
        """Return the wait after this many attempts: half of it fixed, half of it by chance."""
        whole = min(self.cap_s, self.base_s * 2.0 ** min(max(attempts, 1) - 1, _MAX_DOUBLINGS))
        return int(whole * (0.5 + 0.5 * min(1.0, max(0.0, self.jitter()))) * NS)
