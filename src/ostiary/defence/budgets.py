"""How much a subject may ask of something within a sliding window; exact under threads, and over restarts.

Rules:

- In no window of ``window_s`` seconds is more than ``limit`` granted. A window is counted in 60 slots and the one that
  it cuts, so that what is granted comes back a sixtieth of the window late at most, and never early.
- Taken is taken in the store first. So as not to write for each question, a thousandth of the limit is taken ahead and
  kept here; what is not used goes back with the next write. A crash costs the budget that much, and grants nothing.
- Time never goes back here: requests that come out of order are counted at the latest moment seen, for what has gone
  by at that moment was forgotten.
- What was taken ahead is at hand: ``take_at_hand`` and ``give_at_hand`` never wait, for the store or for anybody, so a
  loop may call them; where they cannot say yes at once they do nothing, and the others are asked beside it.
- Several budgets are taken from together: all of them or none, in one transaction. Locks are taken in one order.
- Keys are digests: who asked what stands in the log, not here.

>>> from ostiary.defence.memory import MemoryBudgets
>>> budgets, want = Budgets(MemoryBudgets()), Want(key_of("fraud", "user:ada"), Budget(2, 60))
>>> [budgets.take("acme", want, 1, now_ns=0) for _ in range(3)]
[True, True, False]
>>> budgets.take("acme", want, 1, now_ns=62_000_000_000)
True
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import msgspec

from ostiary.defence.ports import NOTHING_BACK, Ask, BudgetStore, Slot
from ostiary.errors import FaultyInputError
from ostiary.keys.hashing import sha256_hex

SLOTS: Final = 60
MAX_LIMIT: Final = 1_000_000_000
MAX_WINDOW_S: Final = 31 * 86_400
_LEASES: Final = 1024
_LOCKS: Final = 64
_NS: Final = 1_000_000_000


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much in so many seconds."""

    limit: int
    window_s: int

    def check(self) -> "Budget":
        """Return itself.

        Raises:
            FaultyInputError: ``budget_invalid``.
        """
        if not 0 <= self.limit <= MAX_LIMIT or not 1 <= self.window_s <= MAX_WINDOW_S:
            text = f"a budget is 0 to {MAX_LIMIT} in 1 to {MAX_WINDOW_S} seconds"
            raise FaultyInputError("budget_invalid", text)
        return self

    @property
    def slot_ns(self) -> int:
        """The length of one slot."""
        return self.window_s * _NS // SLOTS

    @property
    def wait_s(self) -> int:
        """Seconds after which it is worth asking again."""
        return -(-self.window_s // SLOTS)


class Want(msgspec.Struct, frozen=True):
    """Whose budget: a key, and how much it holds."""

    key: str
    budget: Budget

    @property
    def stored(self) -> str:
        """The key in the store: slots of another length are another budget."""
        return f"{self.key}:{self.budget.window_s}"


class _Lease:
    """What was taken ahead, in one slot."""

    __slots__ = ("left", "slot")

    def __init__(self, slot: int, left: int) -> None:
        self.slot, self.left = slot, left


class Budgets:
    """Grants from budgets; safe for many threads, and for several processes over one store."""

    def __init__(self, store: BudgetStore, max_leases: int = 65_536) -> None:
        """Keep what is taken in ``store``; at most ``max_leases`` are kept ahead."""
        self._store = store
        self._max = max_leases
        self._leases: OrderedDict[tuple[str, str], _Lease] = OrderedDict()
        self._guard = threading.Lock()
        self._latest_ns = 0
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def take(self, tenant: str, want: Want, cost: int, now_ns: int) -> bool:
        """Return whether ``cost`` was granted; if so it is taken for good, unless it is given back.

        Raises:
            UnavailableError: the store cannot be written: nothing may be granted.
            ValueError: the cost is negative.
        """
        if cost < 0:
            msg = "a cost is not negative"
            raise ValueError(msg)
        with self._lock(tenant, want):
            slot = self._latest(now_ns) // want.budget.slot_ns
            lease = self._lease(tenant, want)
            if lease is not None and lease.slot == slot and lease.left >= cost:
                lease.left -= cost
                return True
            back = Slot(lease.slot, lease.left) if lease is not None else NOTHING_BACK
            wanted = max(cost, want.budget.limit // _LEASES)
            limit = want.budget.limit
            got = self._store.take(tenant, want.stored, slot, slot - SLOTS, wanted, limit, back)
            granted = got >= cost
            self._keep(tenant, want, _Lease(slot, got - cost if granted else got))
            return granted

    def take_all(self, tenant: str, wants: Sequence[Want], cost: int, now_ns: int) -> tuple[int, ...]:
        """Take ``cost`` from all of ``wants``, or from none.

        Returns:
            The places in ``wants`` of those that have too little; empty when it was granted.

        Raises:
            UnavailableError: the store cannot be written: nothing may be granted.
            ValueError: the cost is negative, or two of them are one budget.
        """
        if cost < 0 or len({want.stored for want in wants}) != len(wants):
            msg = "a cost is not negative, and no budget is named twice"
            raise ValueError(msg)
        with ExitStack() as held:
            for number in sorted({self._number(tenant, want) for want in wants}):
                held.enter_context(self._locks[number])
            now = self._latest(now_ns)
            ahead = [self._ahead(tenant, want, cost, now) for want in wants]
            asks = [self._ask(tenant, want, cost, now) for want, lease in zip(wants, ahead, strict=True) if not lease]
            offered = iter(self._store.take_all(tenant, asks) if asks else ())
            got = [None if lease is not None else next(offered) for lease in ahead]
            lacking = tuple(place for place, amount in enumerate(got) if amount is not None and amount < cost)
            for want, lease, amount in zip(wants, ahead, got, strict=True):
                if lease is None:  # what it had taken ahead went back with the question
                    left = 0 if lacking or amount is None else amount - cost
                    self._keep(tenant, want, _Lease(now // want.budget.slot_ns, left))
                elif not lacking:
                    lease.left -= cost
            return lacking

    def give_all_back(self, tenant: str, wants: Sequence[Want], cost: int, now_ns: int) -> None:
        """Give back what was granted by ``take_all`` at ``now_ns``; what is too late stays taken."""
        for want in wants:
            self.give_back(tenant, want, cost, now_ns)

    def give_back(self, tenant: str, want: Want, cost: int, now_ns: int) -> None:
        """Give back what was granted at ``now_ns`` and came to nothing; what is too late stays taken."""
        slot = now_ns // want.budget.slot_ns
        with self._lock(tenant, want):
            now = self._latest(now_ns) // want.budget.slot_ns
            lease = self._lease(tenant, want)
            if lease is not None and lease.slot == slot == now:
                lease.left += cost
            elif slot == now:
                self._store.take(tenant, want.stored, now, now - SLOTS, 0, want.budget.limit, Slot(slot, cost))

    def take_at_hand(self, tenant: str, costs: Sequence[tuple[Want, int]], now_ns: int) -> bool:
        """Take all costs from what was taken ahead and say so, or take nothing; never waits.

        Raises:
            ValueError: a cost is negative, or two of them are of one budget.
        """
        if any(cost < 0 for _, cost in costs) or len({want.stored for want, _ in costs}) != len(costs):
            msg = "a cost is not negative, and no budget is named twice"
            raise ValueError(msg)
        with ExitStack() as held:
            if not self._holds(held, tenant, [want for want, _ in costs]):
                return False
            now = self._latest(now_ns)
            ahead = [(self._ahead(tenant, want, cost, now), cost) for want, cost in costs]
            found = [(lease, cost) for lease, cost in ahead if lease is not None]
            if len(found) < len(ahead):
                return False
            for lease, cost in found:
                lease.left -= cost
            return True

    def give_at_hand(self, tenant: str, costs: Sequence[tuple[Want, int]], now_ns: int) -> bool:
        """Give back as ``give_back`` does and say so, or do nothing where the store would be asked; never waits."""
        with ExitStack() as held:
            if not self._holds(held, tenant, [want for want, _ in costs]):
                return False
            latest, given = self._latest(now_ns), list[tuple[_Lease, int]]()
            for want, cost in costs:
                slot, now = now_ns // want.budget.slot_ns, latest // want.budget.slot_ns
                lease = self._lease(tenant, want)
                if slot == now and (lease is None or lease.slot != slot):
                    return False
                if lease is not None and slot == now:  # else it comes too late, and stays taken
                    given.append((lease, cost))
            for lease, cost in given:
                lease.left += cost
            return True

    def _holds(self, held: ExitStack, tenant: str, wants: Sequence[Want]) -> bool:
        """Take the locks of ``wants`` into ``held``, or return that somebody else has one."""
        for number in sorted({self._number(tenant, want) for want in wants}):
            if not self._locks[number].acquire(blocking=False):
                return False
            held.callback(self._locks[number].release)
        return True

    def taken(self, tenant: str, want: Want, now_ns: int) -> int:
        """Return how much is taken now, with what was taken ahead."""
        return self._store.taken(tenant, want.stored, now_ns // want.budget.slot_ns - SLOTS)

    def _ahead(self, tenant: str, want: Want, cost: int, now_ns: int) -> _Lease | None:
        """Return what was taken ahead in this slot, when it is enough."""
        lease = self._lease(tenant, want)
        enough = lease is not None and lease.slot == now_ns // want.budget.slot_ns and lease.left >= cost
        return lease if enough else None

    def _ask(self, tenant: str, want: Want, cost: int, now_ns: int) -> Ask:
        slot, lease, limit = now_ns // want.budget.slot_ns, self._lease(tenant, want), want.budget.limit
        back = Slot(lease.slot, lease.left) if lease is not None else NOTHING_BACK
        return Ask(want.stored, slot, slot - SLOTS, cost, max(cost, limit // _LEASES), limit, back)

    def _latest(self, now_ns: int) -> int:
        with self._guard:
            self._latest_ns = max(self._latest_ns, now_ns)
            return self._latest_ns

    def _lock(self, tenant: str, want: Want) -> threading.Lock:
        return self._locks[self._number(tenant, want)]

    @staticmethod
    def _number(tenant: str, want: Want) -> int:
        return hash((tenant, want.stored)) % _LOCKS

    def _lease(self, tenant: str, want: Want) -> _Lease | None:
        with self._guard:
            return self._leases.get((tenant, want.stored))

    def _keep(self, tenant: str, want: Want, lease: _Lease) -> None:
        with self._guard:
            self._leases[tenant, want.stored] = lease
            self._leases.move_to_end((tenant, want.stored))
            if len(self._leases) > self._max:  # what it held is lost: it counts as taken until its slot goes by
                self._leases.popitem(last=False)


def key_of(*parts: str) -> str:
    """Return the key of a budget: a digest of whose and what, from which neither can be read."""
    return sha256_hex("\0".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass"))[:40]
