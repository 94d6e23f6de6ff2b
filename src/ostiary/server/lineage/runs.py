"""Training runs as the log tells them: one row a run, newest first; one run with all that is on record of it.

1. A run's records have ids of their own, ``RUN-PHASE``: one run is found without a walk.
2. A list shows a run where it began, so that what is told of it later neither repeats nor hides it.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.errors import RefusedError
from ostiary.pipeline.commits import ApprovedCommit
from ostiary.server.lineage.walking import Walked, newest
from ostiary.server.models import DecidedRuns
from ostiary.server.training.runs import KIND, UNKNOWN
from ostiary.server.wiring import House

PHASES: Final = ("granted", "began", "ended", "refused")
_FIRST: Final = {"granted": (), "began": ("granted",), "ended": ("granted", "began"), "refused": ("granted", "began")}
"""For each phase, those that come before it where they are on record."""
_MOST_ID: Final = 200


def newest_runs(house: House, tenant: str, *, limit: int, below: int | None = None) -> Walked[dict[str, Any]]:
    """Return runs, the one that began last first, each with what is known of it by now."""

    def read(record: StoredRecord) -> dict[str, Any] | None:
        told = _read(record)
        run, phase = str(told.get("run", "")), str(told.get("phase", ""))
        if phase not in _FIRST or any(_record(house, tenant, run, before) for before in _FIRST[phase]):
            return None
        return _joined(house, tenant, run)

    return newest(house.log, tenant, KIND, read, limit=limit, below=below)


def one_run(house: House, tenant: str, run: str) -> dict[str, Any]:
    """Return all that is on record of one run.

    Raises:
        RefusedError: ``training_run_unknown``.
    """
    found = _joined(house, tenant, run) if len(run) <= _MOST_ID else {}
    if not found:
        raise RefusedError(UNKNOWN, "there is no such run")
    return found


def _joined(house: House, tenant: str, run: str) -> dict[str, Any]:
    records = [(phase, one) for phase in PHASES if (one := _record(house, tenant, run, phase)) is not None]
    if not records:
        return {}
    told: dict[str, Any] = {}
    for _, one in records:
        told |= _read(one)
    asked = DecidedRuns(house.log).asked_by(tenant, str(told.get("decision_id", "")))
    phases = {phase: one.time_ns for phase, one in records}
    return {**told, "phases": phases, "record_ids": [one.record_id for _, one in records], "asked_by": asked}


def _record(house: House, tenant: str, run: str, phase: str) -> StoredRecord | None:
    found = house.log.get(tenant, f"{run}-{phase}")
    return found if found is not None and found.kind == KIND and found.payload is not None else None


def _read(record: StoredRecord) -> dict[str, Any]:
    return msgspec.json.decode(record.payload or b"{}", type=dict[str, Any])


def approval_of(approved: Iterable[ApprovedCommit], commit: str, now_ns: int) -> ApprovedCommit | None:
    """Return the approval of a commit that holds now, whatever its repository, or ``None``."""
    return next((one for one in approved if commit and one.sha == commit and now_ns < one.until_ns), None)
