"""What budgets need from storage."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Slot(msgspec.Struct, frozen=True):
    """A part of a sliding window, and how much of a budget was taken in it."""

    number: int
    amount: int


NOTHING_BACK = Slot(0, 0)


class Ask(msgspec.Struct, frozen=True):
    """One budget among several that are taken from together.

    Attributes:
        key: of the budget.
        slot, since: the slot of now, and the first one that still counts.
        cost: what must be had, or nothing is taken anywhere.
        wanted: what may be had ahead; at least the cost.
        limit: what all slots that count may hold.
        back: what goes back first.
    """

    key: str
    slot: int
    since: int
    cost: int
    wanted: int
    limit: int
    back: Slot = NOTHING_BACK


class BudgetStore(Protocol):
    """How much was taken of each budget, slot by slot; what ``take`` returns is on disk where the store is durable."""

    def take(
        self, tenant: str, key: str, slot: int, since: int, wanted: int, limit: int, back: Slot = NOTHING_BACK
    ) -> int:
        """Give back ``back``, then take up to ``wanted`` in ``slot`` and return how much; all in one transaction.

        Never more than leaves ``limit`` for all slots from ``since`` on, later ones than ``slot`` too; slots before
        ``since`` are forgotten.

        Raises:
            UnavailableError: it cannot be written; nothing was taken.
        """
        ...

    def taken(self, tenant: str, key: str, since: int) -> int:
        """Return how much is taken in all slots from ``since`` on."""
        ...

    def take_all(self, tenant: str, asks: Sequence[Ask]) -> list[int]:
        """Give back what each gives back, then take from all budgets or from none; all in one transaction.

        Returns:
            How much was taken of each, at least its cost; or, when one has too little, how much each *would* have given
            at that moment: then nothing was taken of any. No two of them have one key.

        Raises:
            UnavailableError: it cannot be written; nothing was taken.
        """
        ...
