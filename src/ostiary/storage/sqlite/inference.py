"""Budgets for inference; ``BudgetTable`` implements ``defence.ports.BudgetStore``.

What is left is counted and taken in one transaction that excludes every other writer, of other processes too: two who
take at once never take more than there is.
"""

from ostiary.defence.ports import NOTHING_BACK, Slot
from ostiary.storage.sqlite.database import Database


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
            database.write("forget_budget_slots", tenant, key, since)
            if back.amount:
                database.write("give_back_budget", back.amount, tenant, key, back.number)
            taken = int(database.read_inside("budget_taken", tenant, key, since)[0][0])
            got = max(0, min(wanted, limit - taken))
            if got:
                database.write("take_budget", tenant, key, slot, got)
            return got

    def taken(self, tenant: str, key: str, since: int) -> int:
        """Return how much is taken."""
        return int(self._database.read("budget_taken", tenant, key, since)[0][0])
