"""How many windows may come: a bucket for each name, filled evenly, with room for half a minute's worth at once.

>>> rates = Rates(per_minute=60, most=10)
>>> [rates.wait_s("a", now_ns=0) for _ in range(31)][-1]
1.0
>>> rates.wait_s("a", now_ns=1_000_000_000)
0.0
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

_NS: Final = 1_000_000_000
_MINUTE_S: Final = 60


class Rates:
    """Buckets by name; of ``most`` names the one that was asked for longest ago is forgotten. Not thread-safe."""

    def __init__(self, per_minute: int, most: int) -> None:
        """Take how many a minute, and how many names are remembered."""
        self._per_s = per_minute / _MINUTE_S
        self._room = max(1.0, per_minute / 2)
        self._most = most
        self._buckets: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def wait_s(self, name: Hashable, now_ns: int) -> float:
        """Take one and return 0, or return after how many seconds there is one to take."""
        level, then_ns = self._buckets.pop(name, (self._room, now_ns))
        level = min(self._room, level + max(0, now_ns - then_ns) / _NS * self._per_s)
        allowed = level >= 1.0
        self._buckets[name] = (level - 1.0 if allowed else level, now_ns)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - level) / self._per_s
