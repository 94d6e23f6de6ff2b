"""Which records a stream may tell, and what each says as an OCSF 1.8 event.

Rules:

- A record becomes exactly one event, whatever it holds: one that was erased, or that cannot be read, takes its number
  too and says so. Otherwise a receiver could not tell what is missing from what was never there.
- A decision is an API Activity (6003), what an inspector, drift or a rule found a Detection Finding (2004), what people
  and administrators did Entity Management (3004).

>>> sorted(CONTENTS)
['admin', 'approvals', 'decisions', 'detections']
>>> content_of("inspection"), content_of("profiles")
('detections', '')
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.decision.ocsf import VERSION, ocsf_of
from ostiary.vocabulary.verdicts import DecisionRecord

CONTENTS: Final[Mapping[str, frozenset[str]]] = {
    "admin": frozenset({"admin", "log_key", "model", "phases", "tool-pin"}),
    "approvals": frozenset({"approval"}),
    "decisions": frozenset({"decision"}),
    "detections": frozenset({"drift", "inspection", "sigma"}),
}
ERASED: Final = "dev.ostiary.erased.v1"
UNREADABLE: Final = "dev.ostiary.unreadable.v1"
_CONTENT: Final = {kind: content for content, kinds in CONTENTS.items() for kind in kinds}
_TYPES: Final = {
    "admin": "dev.ostiary.admin.v1",
    "approvals": "dev.ostiary.approval.v1",
    "decisions": "dev.ostiary.decision.v1",
    "detections": "dev.ostiary.detection.v1",
}
_LEVELS: Final = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_MS: Final = 1_000_000


def content_of(kind: str) -> str:
    """Return the content that a kind of record belongs to, or an empty text."""
    return _CONTENT.get(kind, "")


def told_of(stored: StoredRecord) -> tuple[str, dict[str, Any]]:
    """Return the type of a record's event, and what it says."""
    if stored.payload is None:
        return ERASED, {"kind": stored.kind, "uid": stored.record_id}
    content = _CONTENT[stored.kind]
    try:
        return _TYPES[content], _MAKERS[content](stored, stored.payload)
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):  # it never gets better; its number must not be lost
        return UNREADABLE, {"kind": stored.kind, "uid": stored.record_id}


def _decision(stored: StoredRecord, payload: bytes) -> dict[str, Any]:
    record = msgspec.json.decode(payload, type=DecisionRecord)
    told = ocsf_of(record)
    if told is not None:
        return told
    # A request that never became an access: nothing of what it claimed is known to be true.
    return {
        **_event(stored, 6003, "API Activity", 6, 99),
        "severity_id": 3,
        "status_id": 2,
        "status": "Failure",
        "status_code": record.outcome.effect.name,
        "status_detail": ", ".join(record.outcome.reasons),
        "action_id": 2,
        "action": "Denied",
        "actor": {"app_uid": record.pep or "unknown"},
        "api": {"operation": "unknown"},
        "src_endpoint": {"uid": record.pep or "unknown"},
    }


def _detection(stored: StoredRecord, payload: bytes) -> dict[str, Any]:
    told = msgspec.json.decode(payload, type=dict[str, Any])
    title = str(told.get("title") or f"{stored.kind}: {told.get('outcome') or told.get('decision_id') or 'found'}")
    attacks = [{"technique": {"uid": tag}} for tag in told.get("attack", ()) if isinstance(tag, str)]
    return {
        **_event(stored, 2004, "Detection Finding", 2, 1),
        "severity_id": _LEVELS.get(str(told.get("level", "")), 3),
        "finding_info": {"uid": stored.record_id, "title": title[:500], **({"attacks": attacks} if attacks else {})},
        "unmapped": told,
    }


def _entity(stored: StoredRecord, payload: bytes) -> dict[str, Any]:
    told = msgspec.json.decode(payload, type=dict[str, Any])
    action = str(told.get("action") or told.get("type") or stored.kind)
    return {
        **_event(stored, 3004, "Entity Management", 3, 99),
        "activity_name": action,
        "severity_id": 1,
        "status_id": 1,
        "actor": {"user": {"uid": str(told.get("by") or told.get("who") or "unknown")}},
        "entity": {"name": action, "type": stored.kind, "uid": stored.record_id},
        "unmapped": told,
    }


def _event(stored: StoredRecord, uid: int, name: str, category: int, activity: int) -> dict[str, Any]:
    return {
        "class_uid": uid,
        "class_name": name,
        "category_uid": category,
        "activity_id": activity,
        "type_uid": uid * 100 + activity,
        "time": stored.time_ns // _MS,
        "metadata": {
            "version": VERSION,
            "uid": stored.record_id,
            "tenant_uid": stored.tenant,
            "product": {"name": "Ostiary", "vendor_name": "Ostiary"},
        },
    }


_MAKERS: Final[Mapping[str, Callable[[StoredRecord, bytes], dict[str, Any]]]] = {
    "admin": _entity,
    "approvals": _entity,
    "decisions": _decision,
    "detections": _detection,
}
