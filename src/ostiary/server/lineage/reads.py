"""What was read of a dataset or a feature set, newest first, by the doors' own records."""

from typing import Any, Literal

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.server.lineage.walking import Walked, newest
from ostiary.server.wiring import House

_MEMBER = {"dataset": "dataset", "feature": "feature_set"}


def newest_reads(
    house: House, tenant: str, kind: Literal["dataset", "feature"], name: str, *, limit: int, below: int | None = None
) -> Walked[dict[str, Any]]:
    """Return records of accesses to ``name``, refused ones too, with ``record_id`` and ``at_ns``."""

    def read(record: StoredRecord) -> dict[str, Any] | None:
        told = msgspec.json.decode(record.payload or b"{}", type=dict[str, Any])
        fits = told.get(_MEMBER[kind]) == name
        return {"record_id": record.record_id, "at_ns": record.time_ns, **told} if fits else None

    return newest(house.log, tenant, kind, read, limit=limit, below=below)
