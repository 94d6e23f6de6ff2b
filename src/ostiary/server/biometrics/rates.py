"""How many windows may come: a bucket for each name, filled evenly, with room for half a minute's worth at once.

Whoever was told to wait is told so again without being looked at: a flood costs no proofs, which decisions need too.

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


class Pauses:
    """Until when whom was told to wait; of ``most`` the oldest is forgotten. For one thread.

    >>> pauses = Pauses(most=10)
    >>> pauses.put("a", until_ns=2_000_000_000)
    >>> pauses.left_s("a", now_ns=500_000_000), pauses.left_s("a", now_ns=2_000_000_000)
    (2, 0)
    """

    def __init__(self, most: int) -> None:
        """Start with nobody."""
        self._most = most
        self._until: OrderedDict[Hashable, int] = OrderedDict()

    def put(self, name: Hashable, until_ns: int) -> None:
        """Remember one."""
        self._until[name] = until_ns
        self._until.move_to_end(name)
        if len(self._until) > self._most:
            self._until.popitem(last=False)

    def left_s(self, name: Hashable, now_ns: int) -> int:
        """Return how many seconds are left, rounded up; 0 where there is nothing to wait for."""
        left_ns = self._until.get(name, 0) - now_ns
        if left_ns <= 0:
            self._until.pop(name, None)
        return max(0, -(-left_ns // _NS))
