"""What was live when, told by the log alone: no table is asked, so none can lie.

- Only records of this tenant's model count, in the log's own order; approvals are taken back under any name.
- ``live_at`` says what was promoted, and whether it could be loaded at that moment: it may have been quarantined,
  retired, or its approval may have run out or been revoked.
"""

from collections.abc import Iterator

import msgspec

from ostiary.pipeline.registry.journal import KIND, event_of
from ostiary.pipeline.registry.model import Event
from ostiary.pipeline.registry.ports import Recorder

CHANGES = frozenset({"promote", "rollback", "withdraw"})
SHUTS = frozenset({"quarantine", "retire"})


class Entry(msgspec.Struct, frozen=True):
    """One event with its place in the log."""

    at_ns: int
    index: int
    record_id: str
    event: Event


class LiveAt(msgspec.Struct, frozen=True):
    """What was live at a moment; ``number`` 0 when nothing was."""

    stage: str
    number: int = 0
    digest: str = ""
    since_ns: int = 0
    record_id: str = ""
    decision_id: str = ""
    counter: int = 0
    loadable: bool = False
    why: str = ""


def events(log: Recorder, tenant: str, name: str) -> Iterator[Entry]:
    """Yield every event of one model, oldest first, refusals too."""
    return (entry for entry in _all_events(log, tenant) if entry.event.model == name)


def _all_events(log: Recorder, tenant: str) -> Iterator[Entry]:
    for record in log.iterate(tenant, KIND):
        event = event_of(record)
        if event is not None:
            yield Entry(record.time_ns, record.index, record.record_id, event)


def live_at(log: Recorder, tenant: str, name: str, stage: str, at_ns: int) -> LiveAt:
    """Return what was live in ``stage`` at ``at_ns``."""
    found = LiveAt(stage)
    approval, expires_ns = "", 0
    shut: dict[int, str] = {}
    revoked: set[str] = set()
    for entry in _all_events(log, tenant):
        event = entry.event
        if entry.at_ns > at_ns:
            continue
        if event.action == "revoke":
            revoked.add(event.approval)
        elif event.model != name:
            continue
        elif event.action in CHANGES and event.stage == stage:
            found = _became(entry)
            approval, expires_ns = event.approval, event.expires_ns
        elif event.action in SHUTS:
            shut[event.number] = event.action
        elif event.action == "release":
            shut.pop(event.number, None)
    return _judged(found, shut, approval in revoked, expired=at_ns >= expires_ns)


def _became(entry: Entry) -> LiveAt:
    event = entry.event
    return LiveAt(
        event.stage,
        event.number,
        event.digest,
        entry.at_ns,
        entry.record_id,
        event.decision_id,
        event.counter,
    )


def _judged(found: LiveAt, shut: dict[int, str], revoked: bool, *, expired: bool) -> LiveAt:  # noqa: FBT001
    if not found.number:
        return msgspec.structs.replace(found, why="nothing was live")
    why = {"quarantine": "quarantined", "retire": "retired"}.get(shut.get(found.number, ""), "")
    why = why or ("the approval was revoked" if revoked else "the approval or the model had expired" if expired else "")
    return msgspec.structs.replace(found, loadable=not why, why=why)
