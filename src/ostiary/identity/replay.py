"""Remembers used proofs in memory; the ``ReplayMemory`` of a single process.

Rules:

- Bounded per tenant, so that one tenant cannot make another's proofs fail; when full, it refuses (fail closed).
- A proof is remembered a little longer than it is good: requests are judged by the time of their receipt, and one
  that waited in a queue must not find its twin forgotten by a request that came later.
- A restart forgets. ``since_ns`` tells, and ``DpopVerifier`` refuses proofs made before it.

>>> memory = MemoryReplay(since_ns=0, max_per_tenant=10)
>>> [memory.remember("acme", b"jti", expires_ns=5, now_ns=1) for _ in range(2)]
[True, False]
"""

import heapq
import threading
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.identity.dates import SECOND_NS
from ostiary.identity.reasons import Refusal

GRACE_NS: Final = 60 * SECOND_NS


class MemoryReplay:
    """A bounded memory of used proofs. Thread-safe."""

    def __init__(self, since_ns: int, max_per_tenant: int) -> None:
        """Start with nothing remembered; ``since_ns`` is now."""
        self._since_ns = since_ns
        self._max = max_per_tenant
        self._lock = threading.Lock()
        self._tenants: dict[str, _Used] = {}

    @property
    def since_ns(self) -> int:
        """When this memory began."""
        return self._since_ns

    def remember(self, tenant: str, key: bytes, expires_ns: int, now_ns: int) -> bool:
        """Return whether ``key`` is new, and remember it.

        Raises:
            UnavailableError: ``dpop_replay_memory_full``.
        """
        with self._lock:
            used = self._tenants.setdefault(tenant, _Used())
            used.forget(now_ns - GRACE_NS)
            if key in used.keys:
                return False
            if len(used.keys) >= self._max:
                message = f"{self._max} proofs are remembered, no more can be told apart from replays"
                raise UnavailableError(Refusal.DPOP_REPLAY_MEMORY_FULL, message)
            used.add(key, expires_ns)
            return True


class _Used:
    __slots__ = ("_order", "keys")

    def __init__(self) -> None:
        self.keys: set[bytes] = set()
        self._order: list[tuple[int, bytes]] = []

    def add(self, key: bytes, expires_ns: int) -> None:
        self.keys.add(key)
        heapq.heappush(self._order, (expires_ns, key))

    def forget(self, before_ns: int) -> None:
        while self._order and self._order[0][0] <= before_ns:
            self.keys.discard(heapq.heappop(self._order)[1])
