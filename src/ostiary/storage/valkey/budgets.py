"""Budgets that all replicas take from: counted on disk, handed out of a pool; ``PooledBudgets`` is a ``BudgetStore``.

- The store below is the truth. So that not each question is a transaction there, a part of the limit is taken ahead
  and lies in Valkey, where all replicas take from it: several budgets in one script, all or none.
- So a flush, a failover, a restart cost a budget what lay in its pool, and grant nothing. What another run of the
  server left behind is never handed out: it may have been spent already.
- Away, each question is a transaction in the store: slower, and as exact.
- When the store has too little, the pools are asked once more: another replica may have taken the last of it ahead.
- A replica whose clock is off takes nothing: the store forgets what went by at the replica's word.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from ostiary.defence.ports import NOTHING_BACK, Ask, BudgetStore, Slot
from ostiary.errors import UnavailableError
from ostiary.storage.valkey.link import Link
from ostiary.storage.valkey.names import key
from ostiary.storage.valkey.replies import Reply
from ostiary.storage.valkey.wire import Argument, away

AHEAD: Final = 128
"""A pool takes this part of a limit ahead; a budget that is smaller has none."""
KEPT_MS: Final = 3_600_000
_NEVER: Final = 1 << 53


class PooledBudgets:
    """A ``BudgetStore`` over another one."""

    def __init__(self, link: Link, kept: BudgetStore) -> None:
        """Pool in Valkey what is taken ahead from ``kept``."""
        self._link, self._kept = link, kept

    def take(
        self, tenant: str, key: str, slot: int, since: int, wanted: int, limit: int, back: Slot = NOTHING_BACK
    ) -> int:
        """Take up to ``wanted``; see ``BudgetStore``."""
        self._check_clock()
        ask = Ask(key, slot, since, wanted, wanted, limit)
        if not wanted or not _ahead(limit):
            return self._kept.take(tenant, key, slot, since, wanted, limit, back)
        self._give_back(tenant, [ask], [back])
        pooled = self._pooled(tenant, [ask])
        if pooled is not None:
            return pooled[0]
        more = 0 if self._link.away else _ahead(limit)
        got = self._kept.take(tenant, key, slot, since, wanted + more, limit)
        if got > wanted:
            self._put(tenant, [ask], [got - wanted])
        elif got < wanted and (last := self._pooled(tenant, [replace(ask, cost=wanted - got, wanted=wanted - got)])):
            return got + last[0]
        return min(got, wanted)

    def taken(self, tenant: str, key: str, since: int) -> int:
        """Return how much is taken, with what lies in the pool."""
        return self._kept.taken(tenant, key, since)

    def take_all(self, tenant: str, asks: Sequence[Ask]) -> list[int]:
        """Take from all or from none; see ``BudgetStore``."""
        self._check_clock()
        if any(not _ahead(ask.limit) for ask in asks):
            got = self._kept.take_all(tenant, asks)
            if _enough(got, asks):
                return got
            lacking = [replace(ask, back=NOTHING_BACK) for ask in asks]
            self._pooled(tenant, [replace(ask, cost=_NEVER) for ask in lacking if _ahead(ask.limit)])
            return self._kept.take_all(tenant, lacking)
        self._give_back(tenant, asks, [ask.back for ask in asks])
        plain = [replace(ask, back=NOTHING_BACK) for ask in asks]
        pooled = self._pooled(tenant, plain)
        return pooled if pooled is not None else self._refilled(tenant, plain)

    def _refilled(self, tenant: str, asks: Sequence[Ask]) -> list[int]:
        """Ask the store, and put what comes ahead into the pools."""
        more = 0 if self._link.away else 1
        wanted = [replace(ask, wanted=ask.wanted + more * _ahead(ask.limit)) for ask in asks]
        offered = self._kept.take_all(tenant, wanted)
        mine = [min(have, ask.wanted) for have, ask in zip(offered, asks, strict=True)]
        if _enough(offered, asks):
            self._put(tenant, asks, [have - own for have, own in zip(offered, mine, strict=True)])
            return mine
        return self._pooled(tenant, asks) or mine

    def _pooled(self, tenant: str, asks: Sequence[Ask]) -> list[int] | None:
        """Take from the pools; when one has too little all are emptied, and what they held is in the store again."""
        if not asks:
            return None
        told: list[Argument] = [value for ask in asks for value in (ask.slot, ask.cost, ask.wanted)]
        try:
            taken, back = _read(self._link.run("pool_take", self._pools(tenant, asks), told, 0), asks)
        except UnavailableError:
            return None  # what the pools hold counts as taken
        self._give_back(tenant, asks, back)
        return taken

    def _give_back(self, tenant: str, asks: Sequence[Ask], back: Sequence[Slot]) -> None:
        for ask, slot in zip(asks, back, strict=True):
            if slot.amount:
                self._kept.take(tenant, ask.key, ask.slot, ask.since, 0, ask.limit, slot)

    def _put(self, tenant: str, asks: Sequence[Ask], rest: Sequence[int]) -> None:
        full = [(ask, amount) for ask, amount in zip(asks, rest, strict=True) if amount]
        told: list[Argument] = [value for ask, amount in full for value in (ask.slot, amount, KEPT_MS)]
        try:
            self._link.run("pool_put", self._pools(tenant, [ask for ask, _ in full]), told, 0)
        except UnavailableError:
            return  # whether it is there is not known, and it counts as taken

    def _check_clock(self) -> None:
        if self._link.skewed:
            raise UnavailableError("clock_skewed", "this machine's clock and Valkey's differ by more than 30 s")

    @staticmethod
    def _pools(tenant: str, asks: Sequence[Ask]) -> list[bytes]:
        return [key(tenant, "pool", ask.key) for ask in asks]


def _ahead(limit: int) -> int:
    return limit // AHEAD


def _enough(got: Sequence[int], asks: Sequence[Ask]) -> bool:
    return all(have >= ask.cost for have, ask in zip(got, asks, strict=True))


def _read(reply: Reply, asks: Sequence[Ask]) -> tuple[list[int] | None, list[Slot]]:
    """Return what was taken, or what was in the pools.

    Raises:
        UnavailableError: the server answers what no script of ours does.
    """
    numbers = [one for one in reply if isinstance(one, int)] if isinstance(reply, list) else []
    state, told = (numbers[0], numbers[1:]) if numbers else (-1, [])
    if state == 1 and len(told) == len(asks):
        if all(ask.cost <= have <= ask.wanted for have, ask in zip(told, asks, strict=True)):
            return told, [NOTHING_BACK] * len(asks)
    elif state == 0 and len(told) == 2 * len(asks):
        slots = [Slot(*pair) for pair in zip(told[::2], told[1::2], strict=True)]
        if all(0 <= slot.amount <= ask.limit for slot, ask in zip(slots, asks, strict=True)):
            return None, slots
    raise away("it answers something else than what it was asked")
