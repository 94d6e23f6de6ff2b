"""What budgets need from storage."""

from typing import Protocol

import msgspec


class Slot(msgspec.Struct, frozen=True):
    """A part of a sliding window, and how much of a budget was taken in it."""

    number: int
    amount: int


NOTHING_BACK = Slot(0, 0)


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
