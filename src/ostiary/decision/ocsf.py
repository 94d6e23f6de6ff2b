"""One decision as an OCSF 1.8 event, API Activity (6003): what a SIEM reads, without the score and what led to it.

What was not told has no member: an empty value would say that it is empty.
"""

from typing import Any, Final

from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.events import AccessEvent, ActionClass
from ostiary.vocabulary.verdicts import DecisionRecord

VERSION: Final = "1.8.0"
_CLASS: Final = 6003
_ACTIVITIES: Final = {ActionClass.WRITE: 1, ActionClass.READ: 2, ActionClass.DELETE: 4, ActionClass.LIST: 2}
_OTHER: Final = 99
_USER_TYPES: Final = {"user": 1, "service": 4, "workload": 3}
_SEVERITY: Final = {
    Effect.ALLOW: 1,
    Effect.REDUCE: 2,
    Effect.STEP_UP: 2,
    Effect.DENY: 3,
    Effect.TERMINATE: 4,
}
_CRITICALITY: Final = {0: "Low", 1: "Low", 2: "Medium", 3: "High", 4: "Critical"}
_MS: Final = 1_000_000


def ocsf_of(record: DecisionRecord) -> dict[str, Any] | None:
    """Return the event, or ``None`` where the request never became an access."""
    event, outcome = record.event, record.outcome
    if event is None:
        return None
    activity = _ACTIVITIES.get(event.action_class, _OTHER)
    permits = outcome.effect.permits
    return _told(
        {
            "class_uid": _CLASS,
            "class_name": "API Activity",
            "category_uid": 6,
            "activity_id": activity,
            "type_uid": _CLASS * 100 + activity,
            "severity_id": _SEVERITY[outcome.effect],
            "time": event.time_ns // _MS,
            "status_id": 1 if permits else 2,
            "status": "Success" if permits else "Failure",
            "status_code": outcome.effect.name,
            "status_detail": ", ".join(outcome.reasons),
            "action_id": 1 if permits else 2,
            "action": "Allowed" if permits else "Denied",
            "metadata": {
                "version": VERSION,
                "uid": event.event_id,
                "tenant_uid": event.tenant,
                "product": {"name": "Ostiary", "vendor_name": "Ostiary"},
            },
            "actor": _actor(event),
            "api": {"operation": event.action},
            "resources": [_resource(event)],
            "src_endpoint": _source(event),
            "device": _told({"uid": event.device_id, "is_managed": event.device_managed, **_system(event)}),
            "http_request": _told({"user_agent": event.user_agent}),
            "traffic": _told({"bytes": event.bytes}),
            "unmapped": _told(
                {
                    "enforcement_point": record.pep,
                    "bundle": record.bundle,
                    "rules": [hit.rule for hit in outcome.rules],
                    "count": event.count,
                }
            ),
        }
    )


def _actor(event: AccessEvent) -> dict[str, Any]:
    user = {
        "uid": event.subject_id,
        "type_id": _USER_TYPES.get(event.subject_type, _OTHER),
        "type": event.subject_type,
        "groups": [{"name": name} for name in event.groups],
    }
    session = {"uid": event.session_id, "issuer": event.issuer, "is_mfa": event.mfa}
    return _told({"user": _told(user), "session": _told(session), "app_uid": event.client_id})


def _resource(event: AccessEvent) -> dict[str, Any]:
    critical = None if event.sensitivity is None else _CRITICALITY.get(event.sensitivity)
    told = {"type": event.resource_type, "uid": event.resource_id, "criticality": critical, "labels": [*event.labels]}
    return _told(told)


def _source(event: AccessEvent) -> dict[str, Any]:
    system = {} if event.asn is None else {"number": event.asn}
    return _told({"ip": event.ip, "location": _told({"country": event.country}), "autonomous_system": system})


def _system(event: AccessEvent) -> dict[str, Any]:
    return {"os": {"name": event.ua_os}} if event.ua_os else {}


def _told(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members that say something."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {})}
