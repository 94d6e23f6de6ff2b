"""Budgets for inference; ``BudgetTable`` implements ``defence.ports.BudgetStore``.

What is left is counted and taken in one transaction that excludes every other writer, of other processes too: two who
take at once never take more than there is.
"""

from collections.abc import Sequence

from ostiary.defence.ports import NOTHING_BACK, Ask, Slot
from ostiary.storage.tables.database import Database


class BudgetTable:
    """What was taken, by tenant, key and slot."""

    def __init__(self, database: Database) -> None:
        """Keep it in ``database``."""
        self._database = database

    def take(
        self, tenant: str, key: str, slot: int, since: int, wanted: int, limit: int, back: Slot = NOTHING_BACK
    ) -> int:
        """Take up to ``wanted``, on disk when this returns; see ``BudgetStore``."""
        with self._database.transaction() as database:
            got = _offered(database, tenant, Ask(key, slot, since, 0, wanted, limit, back))
            if got:
                database.write("take_budget", tenant, key, slot, got)
            return got

    def take_all(self, tenant: str, asks: Sequence[Ask]) -> list[int]:
        """Take from all or from none, on disk when this returns; see ``BudgetStore``."""
        with self._database.transaction() as database:
            offered = [_offered(database, tenant, ask) for ask in asks]
            if all(got >= ask.cost for ask, got in zip(asks, offered, strict=True)):
                for ask, got in zip(asks, offered, strict=True):
                    if got:
                        database.write("take_budget", tenant, ask.key, ask.slot, got)
            return offered

    def taken(self, tenant: str, key: str, since: int) -> int:
        """Return how much is taken."""
        return int(self._database.read("budget_taken", tenant, key, since)[0][0])


def _offered(database: Database, tenant: str, ask: Ask) -> int:
    """Give back, and return how much could be taken now."""
    database.write("forget_budget_slots", tenant, ask.key, ask.since)
    if ask.back.amount:
        database.write("give_back_budget", ask.back.amount, tenant, ask.key, ask.back.number)
    taken = int(database.read_inside("budget_taken", tenant, ask.key, ask.since)[0][0])
    return max(0, min(ask.wanted, ask.limit - taken))
