"""Budgets that need not outlive the process: for windows shorter than a restart takes, and for tests.

Bounded for each tenant: a key whose slots have all gone by is forgotten; when that is not enough, nothing new is
granted there, and other tenants do not notice.
"""

import threading
from collections.abc import Sequence
from typing import Final

from ostiary.defence.ports import NOTHING_BACK, Ask, Slot

MAX_KEYS: Final = 100_000


class _Kept:
    """The slots of one key."""

    __slots__ = ("newest", "reach", "slots")

    def __init__(self) -> None:
        self.slots: dict[int, int] = {}
        self.newest = self.reach = 0


class MemoryBudgets:
    """A ``BudgetStore`` in memory."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        """Keep at most ``max_keys`` budgets of a tenant."""
        self._max = max_keys
        self._kept: dict[str, dict[str, _Kept]] = {}
        self._now: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(
        self, tenant: str, key: str, slot: int, since: int, wanted: int, limit: int, back: Slot = NOTHING_BACK
    ) -> int:
        """Take up to ``wanted``; see ``BudgetStore``."""
        with self._lock:
            ask = Ask(key, slot, since, 0, wanted, limit, back)
            got = self._offered(tenant, ask)
            if got:
                self._take(tenant, ask, got)
            return got

    def take_all(self, tenant: str, asks: Sequence[Ask]) -> list[int]:
        """Take from all or from none; see ``BudgetStore``."""
        with self._lock:
            offered = [self._offered(tenant, ask) for ask in asks]
            if all(got >= ask.cost for ask, got in zip(asks, offered, strict=True)):
                for ask, got in zip(asks, offered, strict=True):
                    self._take(tenant, ask, got)
            return offered

    def taken(self, tenant: str, key: str, since: int) -> int:
        """Return how much is taken."""
        with self._lock:
            kept = self._kept.get(tenant, {}).get(key)
            return 0 if kept is None else sum(amount for number, amount in kept.slots.items() if number >= since)

    def _offered(self, tenant: str, ask: Ask) -> int:
        """Give back, and return how much could be taken now."""
        kept = self._of(tenant, ask.key, ask.slot, ask.since)
        if kept is None:
            return 0
        slots, back = kept.slots, ask.back
        for old in [number for number in slots if number < ask.since]:
            del slots[old]
        if back.amount and back.number in slots:
            slots[back.number] = max(0, slots[back.number] - back.amount)
        return max(0, min(ask.wanted, ask.limit - sum(slots.values())))

    def _take(self, tenant: str, ask: Ask, got: int) -> None:
        kept = self._kept[tenant].get(ask.key)
        if kept is not None and got:
            kept.slots[ask.slot] = kept.slots.get(ask.slot, 0) + got

    def _of(self, tenant: str, key: str, slot: int, since: int) -> _Kept | None:
        kind = _kind(key)
        self._now[kind] = max(slot, self._now.get(kind, slot))
        mine = self._kept.setdefault(tenant, {})
        kept = mine.get(key)
        if kept is None:
            if len(mine) >= self._max and not self._swept(mine):
                return None
            kept = mine[key] = _Kept()
        kept.newest, kept.reach = max(kept.newest, slot), slot - since
        return kept

    def _swept(self, mine: dict[str, _Kept]) -> bool:
        """Forget keys whose slots have all gone by; return whether there is room."""
        for name in [name for name, kept in mine.items() if kept.newest + kept.reach < self._now[_kind(name)]]:
            del mine[name]
        return len(mine) < self._max


def _kind(key: str) -> str:
    """Return the length of the window in a key: slots of one length have one numbering."""
    return key.rpartition(":")[2]
