"""How much processor time a candidate may use: a share of one core, saved up for a little while.

>>> budget = CpuBudget(share=0.1, burst_s=1.0, now_ns=0)
>>> budget.may(0)
True
>>> budget.spend(1_500_000_000)
>>> budget.may(4_000_000_000), budget.may(6_000_000_000)
(False, True)
"""

import threading
from typing import Final

_NS: Final = 1_000_000_000


class CpuBudget:
    """A bucket of processor time that fills with the wall's; safe for several threads."""

    def __init__(self, share: float, burst_s: float, now_ns: int) -> None:
        """Start full; ``share`` is of one core, ``now_ns`` of a monotonic clock."""
        self._share = share
        self._most = int(burst_s * _NS)
        self._left = self._most
        self._seen_ns = now_ns
        self._lock = threading.Lock()

    def may(self, now_ns: int) -> bool:
        """Return whether anything is left."""
        with self._lock:
            filled = int(max(0, now_ns - self._seen_ns) * self._share)
            self._left = min(self._most, self._left + filled)
            self._seen_ns = max(self._seen_ns, now_ns)
            return self._left > 0

    def spend(self, cpu_ns: int) -> None:
        """Take what was used; the bucket may go into debt, and is paid for before anything else runs."""
        with self._lock:
            self._left -= cpu_ns
