"""Events of models, newest first, from the log alone."""

from typing import Any, Literal

from ostiary.audit.pending import StoredRecord
from ostiary.pipeline.registry.history import Entry
from ostiary.pipeline.registry.journal import KIND, event_of
from ostiary.server.lineage.walking import Walked, newest
from ostiary.server.model_door.readings import event_shown
from ostiary.server.wiring import House

Only = Literal["all", "refused", "changes"]
REFUSED = ".refused"


def newest_events(
    house: House, tenant: str, name: str, only: Only, *, limit: int, below: int | None = None
) -> Walked[dict[str, Any]]:
    """Return events of one model, of all when ``name`` is empty; ``changes`` leaves out refusals and loads."""

    def read(record: StoredRecord) -> dict[str, Any] | None:
        event = event_of(record)
        if event is None or (name and event.model != name):
            return None
        refused = event.action.endswith(REFUSED)
        if (only == "refused" and not refused) or (only == "changes" and (refused or event.action == "load")):
            return None
        return event_shown(Entry(record.time_ns, record.index, record.record_id, event))

    return newest(house.log, tenant, KIND, read, limit=limit, below=below)
