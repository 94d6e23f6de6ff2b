"""A budget book in memory: for tokens without a budget, for tests and demonstrations; it forgets what has ended."""

import threading
from collections import OrderedDict
from typing import Final

from ostiary.pipeline.datasets.ports import Charge, Used

MAX_TOKENS: Final = 10_000
MAX_OBJECTS: Final = 10_000


class _Count:
    __slots__ = ("bytes", "expires_ns", "objects", "seen")

    def __init__(self) -> None:
        self.bytes = 0
        self.objects = 0
        self.seen: set[bytes] = set()
        self.expires_ns = 0


class MemoryBudgets:
    """Counts in a dictionary; implements ``ports.BudgetBook``.

    A token of which more than ``MAX_OBJECTS`` different objects were read counts an object again when it is read
    again; the oldest token of more than ``MAX_TOKENS`` is forgotten.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()
        self._lock = threading.Lock()

    def charge(self, charge: Charge, now_ns: int) -> str:
        """Count a read, or return which budget it would exceed."""
        with self._lock:
            self._forget(now_ns)
            count = self._counts.setdefault((charge.tenant, charge.token), _Count())
            fresh = charge.object not in count.seen
            if charge.max_bytes and count.bytes + charge.bytes > charge.max_bytes:
                return "bytes"
            if charge.max_objects and count.objects + fresh > charge.max_objects:
                return "objects"
            count.bytes += charge.bytes
            count.objects += fresh
            count.expires_ns = max(count.expires_ns, charge.expires_ns)
            if len(count.seen) < MAX_OBJECTS:
                count.seen.add(charge.object)
            return ""

    def give_back(self, tenant: str, token: str, count: int) -> None:
        """Take back bytes that did not leave."""
        with self._lock:
            kept = self._counts.get((tenant, token))
            if kept is not None:
                kept.bytes = max(kept.bytes - count, 0)

    def used(self, tenant: str, token: str) -> Used:
        """Return what was counted."""
        with self._lock:
            kept = self._counts.get((tenant, token))
            return Used(kept.bytes, kept.objects) if kept is not None else Used()

    def _forget(self, now_ns: int) -> None:
        while self._counts:
            key, oldest = next(iter(self._counts.items()))
            ended = oldest.expires_ns and oldest.expires_ns <= now_ns
            if not ended and len(self._counts) < MAX_TOKENS:
                return
            del self._counts[key]
