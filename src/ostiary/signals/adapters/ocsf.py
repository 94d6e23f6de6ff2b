"""OCSF 1.8: API Activity 6003, Datastore Activity 6005, Authentication 3002, Authorize Session 3003 and their kin.

Rules:
- Classes that tell no access (findings, inventory, system activity …) are rejected as ``class_unsupported``.
- The subject is ``actor.user``; in the authentication classes, where nobody acts yet, it is ``user``.
- Where ``activity_id`` is vague (0 unknown, 99 other) the name of the operation tells the class of the action.
"""

from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.signals.actions import class_of
from ostiary.signals.fields import (
    address,
    at,
    country,
    fallback_id,
    first,
    flag,
    milliseconds,
    moment,
    needed,
    number,
    text,
    texts,
)
from ostiary.signals.marking import told_of
from ostiary.signals.pieces import Shape
from ostiary.signals.whereabouts import place_of
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

FORMAT: Final = "ocsf"
DESCRIBE: Final = "OCSF 1.8 events: API, datastore, file hosting, web resources, authentication, account changes"
SHAPE: Final = Shape.JSON
ENVELOPES: Final = ("events", "Records")

_A: Final = ActionClass
_ADMIN: Final = dict.fromkeys(range(1, 40), _A.ADMIN)
_LOGIN: Final = dict.fromkeys(range(1, 20), _A.AUTHENTICATE)
_FILES: Final = {
    1: _A.WRITE,  # upload
    2: _A.EXPORT,  # download
    3: _A.WRITE,
    4: _A.DELETE,
    5: _A.WRITE,
    6: _A.EXPORT,  # copy
    7: _A.WRITE,
    8: _A.WRITE,
    9: _A.READ,  # preview
    10: _A.ADMIN,  # lock
    11: _A.ADMIN,
    12: _A.ADMIN,  # share
    13: _A.ADMIN,
    14: _A.READ,
    15: _A.EXPORT,  # sync
    16: _A.WRITE,
    17: _A.LIST,  # access check
}
_LEVELS: Final = {"low": 1, "medium": 2, "high": 3, "critical": 4}
_CLASSES: Final[dict[int, dict[int, ActionClass]]] = {
    3001: _ADMIN,
    3002: _LOGIN,
    3003: _LOGIN,
    3004: {1: _A.ADMIN, 2: _A.READ, 3: _A.ADMIN, 4: _A.ADMIN},
    3005: _ADMIN,
    3006: _ADMIN,
    4002: {1: _A.OTHER, 2: _A.DELETE, 3: _A.READ, 4: _A.READ, 5: _A.READ, 6: _A.WRITE, 7: _A.WRITE},
    6001: {1: _A.WRITE, 2: _A.READ, 3: _A.WRITE, 4: _A.DELETE, 5: _A.LIST, 6: _A.WRITE, 7: _A.WRITE, 8: _A.EXPORT},
    6002: _ADMIN,
    6003: {1: _A.WRITE, 2: _A.READ, 3: _A.WRITE, 4: _A.DELETE},
    6004: {1: _A.READ, 2: _A.READ, 3: _A.READ},
    6005: {1: _A.READ, 2: _A.WRITE, 3: _A.OTHER, 4: _A.READ, 5: _A.WRITE, 6: _A.WRITE, 7: _A.DELETE, 8: _A.LIST},
    6006: _FILES,
}
_SIGNING_IN: Final = frozenset({3002, 3003})
_WORKLOADS: Final = {3: "system", 4: "service"}
_STATUS: Final = {1: EventOutcome.SUCCESS, 2: EventOutcome.FAILURE}
_DENIED: Final = 2
_NS: Final = 1_000_000_000
_WIDEST_MIN: Final = 14 * 60
_MAX_GROUPS: Final = 32
_THINGS: Final[tuple[tuple[str, *tuple[int, ...]], ...]] = (
    ("resources", 0),
    ("resource",),
    ("web_resources", 0),
    ("table",),
    ("database",),
    ("databucket",),
    ("file",),
)
_ENTITIES: Final = ("entity", "group", "app", "user")


def normalise(record: dict[str, Any], tenant: str) -> AccessEvent:
    """Return the event of one OCSF record."""
    kind = number(record, "class_uid")
    if kind is None or kind not in _CLASSES:
        raise FaultyInputError("class_unsupported", f"OCSF class `{kind}` tells no access", "class_uid")
    time_ns = _time(record)
    acting, named = at(record, "actor", "user"), at(record, "user")
    user = (named or acting) if kind in _SIGNING_IN else (acting or named)
    session = at(record, "actor", "session") or at(record, "session")
    action = needed(first(record, ("api", "operation"), ("activity_name",), ("type_name",)), "api.operation")
    resource_type, resource_id = _resource(record)
    subject = needed(first(user, ("uid",), ("email_addr",), ("name",), ("uid_alt",)), "actor.user.uid")
    return AccessEvent(
        event_id=first(record, ("metadata", "uid"), ("metadata", "correlation_uid")) or fallback_id(record),
        tenant=tenant,
        time_ns=time_ns,
        subject_id=subject,
        subject_type=_WORKLOADS.get(number(user, "type_id") or 0, "user"),
        action=action,
        resource_type=resource_type,
        resource_id=resource_id,
        action_class=_class(kind, number(record, "activity_id"), action),
        outcome=_outcome(record),
        sensitivity=_sensitivity(record),
        session_id=text(session, "uid"),
        client_id=first(record, ("actor", "app_uid"), ("actor", "app_name")),
        issuer=text(session, "issuer"),
        auth_method=first(record, ("auth_protocol",), ("logon_type",)),
        mfa=_mfa(record, session),
        auth_age_s=_auth_age(session, time_ns),
        ip=address(text(record, "src_endpoint", "ip")),
        country=country(text(record, "src_endpoint", "location", "country")),
        asn=number(record, "src_endpoint", "autonomous_system", "number"),
        place=place_of(at(record, "src_endpoint", "location"), ("region", "city", "lat", "long")),
        device_id=first(record, ("device", "uid"), ("src_endpoint", "uid"), ("device", "hostname")),
        device_managed=flag(record, "device", "is_managed"),
        user_agent=text(record, "http_request", "user_agent"),
        ua_os=text(record, "device", "os", "name"),
        tz_offset_min=_offset(record),
        bytes=number(record, "traffic", "bytes"),
        groups=_groups(user),
        labels=texts(record, "resources", 0, "labels"),
        source=FORMAT,
        detail=first(record, ("status_detail",), ("status_code",), ("api", "response", "error")),
        marks=told_of(action, record, (subject,), f"{resource_type} {resource_id}").marks,
    )


def _time(record: dict[str, Any]) -> int:
    if "time" not in record and "time_dt" in record:
        return moment(record["time_dt"])
    return milliseconds(record.get("time"))


def _auth_age(session: Any, time_ns: int) -> float | None:
    begun = number(session, "created_time")
    return None if begun is None else max(0.0, time_ns / _NS - begun / 1_000)


def _offset(record: dict[str, Any]) -> int | None:
    offset = at(record, "timezone_offset")
    valid = isinstance(offset, int) and not isinstance(offset, bool) and -_WIDEST_MIN <= offset <= _WIDEST_MIN
    return offset if valid else None


def _resource(record: dict[str, Any]) -> tuple[str, str]:
    """Return type and id of what was accessed, from the narrowest object that the class offers."""
    for path in _THINGS:
        found = at(record, *path)
        name = first(found, ("uid",), ("path",), ("url_string",), ("name",))
        if name is not None:
            return (text(found, "type") if path[0] != "file" else None) or path[0].removesuffix("s"), name
    if at(record, "actor", "user") is not None:
        for kind in _ENTITIES:
            name = first(record, (kind, "uid"), (kind, "name"))
            if name is not None:
                return kind, name
    service = first(record, ("api", "service", "name"), ("service", "name"), ("http_request", "url", "hostname"))
    endpoint = first(record, ("dst_endpoint", "svc_name"), ("dst_endpoint", "hostname"), ("dst_endpoint", "ip"))
    return "service", service or endpoint or needed(text(record, "metadata", "product", "name"), "resources")


def _class(kind: int, activity: int | None, action: str) -> ActionClass:
    return _CLASSES[kind].get(activity or 0) or class_of(action)


def _outcome(record: dict[str, Any]) -> EventOutcome:
    if number(record, "action_id") == _DENIED or number(record, "disposition_id") == _DENIED:
        return EventOutcome.DENIED
    return _STATUS.get(number(record, "status_id") or 0, EventOutcome.UNKNOWN)


def _sensitivity(record: dict[str, Any]) -> int | None:
    return _LEVELS.get((text(record, "resources", 0, "criticality") or "").lower())


def _mfa(record: dict[str, Any], session: Any) -> bool | None:
    told = flag(record, "is_mfa")
    return flag(session, "is_mfa") if told is None else told


def _groups(user: Any) -> tuple[str, ...]:
    groups = at(user, "groups")
    names = [first(group, ("name",), ("uid",)) for group in groups[:_MAX_GROUPS]] if isinstance(groups, list) else []
    return tuple(name for name in names if name is not None)
