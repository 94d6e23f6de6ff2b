"""How fast something may be asked: several rates at once, all of them or none, by the generic cell rate algorithm.

- A rate is one request every so often, and ``burst`` of them at once after a rest. It keeps one number: the moment at
  which the bucket is full again. Nothing is counted, and a window has no edge to ask twice at.
- What is not known counts as used up when the memory began (``since_ns``), so that forgetting grants nothing.
- A memory that is full of buckets in use takes no new one: whoever asks waits.

>>> rates, ask = MemoryRates(since_ns=-60_000_000_000), RateAsk.per_minute("user:ann", 60, burst=2)
>>> [rates.admit("acme", [ask], now_ns=0) for _ in range(3)]
[0, 0, 1000000000]
>>> rates.admit("acme", [ask], now_ns=1_000_000_000)
0
"""

import threading
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

MAX_KEYS: Final = 100_000
MAX_PER_MINUTE: Final = 10_000_000
_MINUTE_NS: Final = 60_000_000_000
_S: Final = 1_000_000_000


class RateAsk(msgspec.Struct, frozen=True):
    """One rate among several: whose, the time that one request takes of it, and how many may come at once."""

    key: str
    every_ns: int
    burst: int

    @classmethod
    def per_minute(cls, key: str, count: int, burst: int) -> "RateAsk":
        """Return the rate of ``count`` a minute."""
        return cls(key, max(1, _MINUTE_NS // max(1, count)), max(1, burst))

    @property
    def rest_ns(self) -> int:
        """After which time without a request the bucket is full, whatever was before."""
        return self.every_ns * self.burst

    def part(self, share: float) -> "RateAsk":
        """Return a part of it."""
        return RateAsk(self.key, int(self.every_ns / share), max(1, int(self.burst * share)))


class RateStore(Protocol):
    """Buckets by tenant and key."""

    def admit(self, tenant: str, asks: Sequence[RateAsk], now_ns: int) -> int:
        """Take one from each rate and return 0; or take nothing and return after how many ns to ask again."""
        ...


class MemoryRates:
    """A ``RateStore`` of one process; safe for many threads."""

    def __init__(self, since_ns: int, max_keys: int = MAX_KEYS) -> None:
        """Know nothing of what was before ``since_ns``; keep at most ``max_keys`` buckets."""
        self._since, self._max = since_ns, max_keys
        self._full_at: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def admit(self, tenant: str, asks: Sequence[RateAsk], now_ns: int) -> int:
        """Take one from each, or from none; see ``RateStore``."""
        with self._lock:
            after = {(tenant, ask.key): self._after(tenant, ask, now_ns) for ask in asks}
            waits = [at - ask.rest_ns - now_ns for at, ask in zip(after.values(), asks, strict=True)]
            if max(waits, default=0) > 0:
                return max(waits)
            if not self._has_room(after, now_ns):
                return _S
            self._full_at.update(after)
            return 0

    def _after(self, tenant: str, ask: RateAsk, now_ns: int) -> int:
        """Return when the bucket would be full again, were one taken now."""
        kept = self._full_at.get((tenant, ask.key), 0)
        full_at = min(max(kept, self._since + ask.rest_ns, now_ns), now_ns + ask.rest_ns)
        return full_at + ask.every_ns

    def _has_room(self, after: dict[tuple[str, str], int], now_ns: int) -> bool:
        fresh = sum(name not in self._full_at for name in after)
        if len(self._full_at) + fresh > self._max:
            self._full_at = {name: at for name, at in self._full_at.items() if at > now_ns}
        return len(self._full_at) + fresh <= self._max
