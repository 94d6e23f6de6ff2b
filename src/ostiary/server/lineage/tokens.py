"""What became of tokens, newest first: exchanged, minted, taken back; never a token itself."""

from typing import Any

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.server.lineage.walking import LOOKED, Walked, newest
from ostiary.server.tokens.records import KIND
from ostiary.server.wiring import House


def newest_tokens(
    house: House,
    tenant: str,
    *,
    limit: int,
    below: int | None = None,
    resource: str = "",
    subject: str = "",
    most: int = LOOKED,
) -> Walked[dict[str, Any]]:
    """Return records of tokens; of one with a budget also what was read with it (``used``).

    Args:
        house: the house.
        tenant: whose they are.
        limit: how many.
        below: only what stands below this index of the log.
        resource: only tokens for the resource of this id; empty for any.
        subject: only those of this subject, ``type:id``; empty for any.
        most: how many records to open at most.
    """
    budgets = house.store.dataset_budgets

    def read(record: StoredRecord) -> dict[str, Any] | None:
        told = msgspec.json.decode(record.payload or b"{}", type=dict[str, Any])
        detail = told.get("detail") or {}
        if (resource and detail.get("identifier") != resource) or (subject and told.get("subject") != subject):
            return None
        row = {"record_id": record.record_id, "at_ns": record.time_ns, **told}
        if detail.get("max_bytes") or detail.get("max_objects"):
            used = budgets.used(tenant, str(told.get("session_id", "")))
            row["used"] = {"bytes": used.bytes, "objects": used.objects}
        return row

    return newest(house.log, tenant, KIND, read, limit=limit, below=below, most=most)
