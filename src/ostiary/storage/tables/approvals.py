"""Numbers of approvals' acts; ``ApprovalTable`` implements ``approvals.ports.ApprovalBook``.

Inside the transaction of a record (``AuditLog.append_effect``) a write joins it: it comes from the thread that has it.
"""

from collections.abc import Sequence
from typing import Final

from ostiary.storage.tables.database import Database

APPROVAL_ERASURES: Final = ("delete_tenant_approvals",)


class ApprovalTable:
    """Acts by tenant, topic and number."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def add(self, tenant: str, topic: str, seq: int, record_id: str) -> bool:
        """Give a number of a topic to a record, if it is free."""
        return self._database.write("add_approval_act", tenant, topic, seq, record_id) == 1

    def acts(self, tenant: str, topic: str) -> Sequence[tuple[int, str]]:
        """Return numbers and records of a topic, in order."""
        return [(row[0], row[1]) for row in self._database.read("approval_acts", tenant, topic)]

    def topics(self, tenant: str, limit: int) -> Sequence[str]:
        """Return the newest proposals, newest first."""
        return [row[0] for row in self._database.read("approval_topics", tenant, limit)]

    def sizes(self, tenant: str, limit: int) -> Sequence[tuple[str, int]]:
        """Return the newest proposals, newest first, and how many numbers each has."""
        return [(row[0], row[1]) for row in self._database.read("approval_sizes", tenant, limit)]
