"""What was read from datasets with each token; ``DatasetBudgetTable`` implements the datasets room's ``BudgetBook``.

- Looking and counting are one transaction that excludes every other writer: of many reads at once, in two processes
  even, none gets past the budget.
- What was counted is forgotten a while after the token's end, when nothing can be read with it any more.
"""

from typing import Final

from ostiary.pipeline.datasets.ports import Charge, Used
from ostiary.storage.tables.database import Database

_GRACE_NS: Final = 600_000_000_000  # clocks differ, and a long read may end after its token


class DatasetBudgetTable:
    """Counts by tenant and token."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def charge(self, charge: Charge, now_ns: int) -> str:
        """Count a read, or return which budget it would exceed; it is on disk when this returns."""
        name = (charge.tenant, charge.token)
        with self._database.transaction() as database:
            database.write("forget_dataset_budgets", now_ns - _GRACE_NS)
            database.write("open_dataset_budget", *name, charge.expires_ns)
            spent, seen = database.read_inside("dataset_budget", *name)[0]
            fresh = not database.read_inside("dataset_budget_object", *name, charge.object)
            if charge.max_bytes and spent + charge.bytes > charge.max_bytes:
                return "bytes"
            if charge.max_objects and seen + fresh > charge.max_objects:
                return "objects"
            database.write("spend_dataset_budget", charge.bytes, int(fresh), *name)
            if fresh:
                database.write("save_dataset_budget_object", *name, charge.object)
            return ""

    def give_back(self, tenant: str, token: str, count: int) -> None:
        """Take back bytes that did not leave."""
        self._database.write("give_back_dataset_bytes", count, tenant, token)

    def used(self, tenant: str, token: str) -> Used:
        """Return what was counted."""
        rows = self._database.read("dataset_budget", tenant, token)
        return Used(*rows[0]) if rows else Used()
