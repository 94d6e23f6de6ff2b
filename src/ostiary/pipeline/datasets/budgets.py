"""How much may be read with one token, and by one workload with all of its tokens: bytes, and different objects.

- What a read takes is charged before its first byte, as one: a read that would take one byte too many takes none.
- What the settings let a token read is shared by all tokens of its grant (``identity.exchange.grant``): exchanging
  again gives nothing more. What a token bounds itself to is its own.
- What was charged and did not leave is given back at the end; after a crash it stays charged.
- An object is counted once for each version that is read, whatever ranges of it.
- A token without a budget is counted all the same, in memory: an administrator can see what it read.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.errors import OstiaryError, RefusedError
from ostiary.identity.exchange.details import AccessDetail
from ostiary.identity.exchange.grant import Grant
from ostiary.keys import sha256
from ostiary.pipeline.datasets.ports import BudgetBook, Charge, Used

BYTES_SPENT: Final = "dataset_bytes_spent"
OBJECTS_SPENT: Final = "dataset_objects_spent"
_CODES: Final = {"bytes": BYTES_SPENT, "objects": OBJECTS_SPENT}


class Budget(msgspec.Struct, frozen=True):
    """The budget of one token.

    Attributes:
        tenant: whose.
        token: names the token; never the token itself.
        max_bytes, max_objects: 0 leaves it open.
        expires_ns: when the token ends.
        shared: the budget of the grant that the token was exchanged under, or ``None``; charged as well.
    """

    tenant: str
    token: str
    max_bytes: int = 0
    max_objects: int = 0
    expires_ns: int = 0
    shared: "Budget | None" = None

    @property
    def bounded(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self.max_bytes or self.max_objects or self.shared)


class Bounds(msgspec.Struct, frozen=True):
    """What the settings let every token read; 0 leaves it open.

    Attributes:
        most_bytes: where a token does not tell.
        max_bytes, max_objects: whatever it tells.
    """

    most_bytes: int = 0
    max_bytes: int = 0
    max_objects: int = 0


def budget_of(
    tenant: str, token: str, expires_ns: int, detail: AccessDetail | None, bounds: Bounds, grant: Grant | None = None
) -> Budget:
    """Return the budget of a token, and of the grant that it was exchanged under."""
    told = (detail.max_bytes, detail.max_objects) if detail is not None else (0, 0)
    most = bounds.max_bytes or (0 if told[0] else bounds.most_bytes)
    shared = None
    if grant is not None and (most or bounds.max_objects):
        shared = Budget(tenant, grant.id, most, bounds.max_objects, max(grant.until_ns, expires_ns))
    return Budget(tenant, token, told[0] or bounds.most_bytes, told[1], expires_ns, shared)


class Meter:
    """Charges reads and gives back what did not leave."""

    def __init__(self, book: BudgetBook, loose: BudgetBook, now_ns: Callable[[], int]) -> None:
        """Take the book that outlives a restart, and one in memory for tokens without a budget."""
        self._book = book
        self._loose = loose
        self._now = now_ns

    def charge(self, budget: Budget, dataset: str, name: str, etag: str, count: int) -> None:
        """Charge one read of ``count`` bytes.

        Raises:
            RefusedError: ``dataset_bytes_spent`` or ``dataset_objects_spent``; nothing was charged.
            UnavailableError: it cannot be counted.
        """
        version = sha256(f"{dataset}\0{name}\0{etag}".encode())
        self._charge(budget, version, count, "token")
        if budget.shared is None:
            return
        try:
            self._charge(budget.shared, version, count, "workload")
        except OstiaryError:
            self._give_back(budget, count)
            raise

    def _charge(self, budget: Budget, version: bytes, count: int, whose: str) -> None:
        charge = Charge(
            budget.tenant, budget.token, version, count, budget.max_bytes, budget.max_objects, budget.expires_ns
        )
        no = self._of(budget).charge(charge, self._now())
        if no:
            raise RefusedError(_CODES[no], f"the {whose}'s budget of {no} does not reach for this")

    def give_back(self, budget: Budget, count: int) -> None:
        """Give back bytes that did not leave."""
        if count > 0:
            self._give_back(budget, count)
            if budget.shared is not None:
                self._give_back(budget.shared, count)

    def _give_back(self, budget: Budget, count: int) -> None:
        self._of(budget).give_back(budget.tenant, budget.token, count)

    def used(self, budget: Budget) -> Used:
        """Return what was read with a token."""
        return self._of(budget).used(budget.tenant, budget.token)

    def _of(self, budget: Budget) -> BudgetBook:
        return self._book if budget.bounded else self._loose
