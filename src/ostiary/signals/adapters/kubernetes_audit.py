"""Kubernetes audit events (``audit.k8s.io/v1``): one event a line, or an ``EventList``.

Rules:
- Only the stages that tell an outcome count (``ResponseComplete``, ``ResponseStarted``, ``Panic``); the announcement of
  the same request (``RequestReceived``) is rejected as ``stage_announcement``, so that nothing counts twice or is lost.
- Service accounts, nodes and other ``system:`` names are workloads, not people.
- Of ``sourceIPs`` the last counts: all before it are what the client says of itself (``X-Forwarded-For``).
- ``exec``, ``attach`` and the like, and any change of roles, are ``admin`` whatever the verb.
"""

from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.signals.fields import address, fallback_id, moment, needed, number, text, texts
from ostiary.signals.marking import told_of
from ostiary.signals.pieces import Shape
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

FORMAT: Final = "kubernetes_audit"
DESCRIBE: Final = "Kubernetes audit log (JSON lines or an EventList, plain or gzip)"
SHAPE: Final = Shape.JSON
ENVELOPES: Final = ("items",)

_VERBS: Final[dict[str, ActionClass]] = {
    "get": ActionClass.READ,
    "list": ActionClass.LIST,
    "watch": ActionClass.LIST,
    "create": ActionClass.WRITE,
    "update": ActionClass.WRITE,
    "patch": ActionClass.WRITE,
    "post": ActionClass.WRITE,
    "put": ActionClass.WRITE,
    "delete": ActionClass.DELETE,
    "deletecollection": ActionClass.DELETE,
    "approve": ActionClass.ADMIN,
    "bind": ActionClass.ADMIN,
    "escalate": ActionClass.ADMIN,
    "impersonate": ActionClass.ADMIN,
}
_CHANGES: Final = (ActionClass.WRITE, ActionClass.DELETE)
_ENTERS: Final = frozenset({"attach", "exec", "portforward", "proxy", "ephemeralcontainers"})
_POWERS: Final = frozenset(
    {"roles", "rolebindings", "clusterroles", "clusterrolebindings", "serviceaccounts", "certificatesigningrequests"}
)
_CROWDS: Final = frozenset({"system:authenticated", "system:unauthenticated", "system:serviceaccounts"})
_REFUSED: Final = (401, 403)
_ERROR: Final = 400


def normalise(record: dict[str, Any], tenant: str) -> AccessEvent:
    """Return the event of one audit record."""
    if text(record, "kind") not in {"Event", None}:
        raise FaultyInputError("record_malformed", "the record is no audit event")
    if text(record, "stage") == "RequestReceived":
        raise FaultyInputError("stage_announcement", "the record only announces a request")
    kind, subject = _subject(needed(text(record, "user", "username"), "user.username"))
    verb = needed(text(record, "verb"), "verb")
    target = record.get("objectRef")
    resource_type, resource_id = _resource(record, target)
    action = f"{verb} {resource_type}"
    says = told_of(action, record, (subject,), resource_type)
    return AccessEvent(
        event_id=text(record, "auditID") or fallback_id(record),
        tenant=tenant,
        time_ns=moment(_begun(record)),
        subject_id=subject,
        subject_type=kind,
        action=action,
        resource_type=resource_type,
        resource_id=resource_id,
        action_class=_class(verb, target),
        outcome=_outcome(record),
        client_id=text(record, "user", "extra", "authentication.kubernetes.io/pod-name", 0),
        ip=_address(record),
        user_agent=text(record, "userAgent"),
        groups=tuple(group for group in texts(record, "user", "groups") if group not in _CROWDS),
        source=FORMAT,
        detail=text(record, "responseStatus", "reason"),
        marks=says.marks,
    )


def _address(record: dict[str, Any]) -> str | None:
    told = record.get("sourceIPs")
    return address(text(told, len(told) - 1)) if isinstance(told, list) and told else None


def _begun(record: dict[str, Any]) -> str | None:
    return text(record, "requestReceivedTimestamp") or text(record, "stageTimestamp")


def _subject(name: str) -> tuple[str, str]:
    if name.startswith("system:serviceaccount:"):
        return "service", name.removeprefix("system:serviceaccount:").replace(":", "/", 1)
    if name.startswith("system:node:"):
        return "node", name.removeprefix("system:node:")
    return ("service" if name.startswith("system:") else "user"), name


def _resource(record: dict[str, Any], target: Any) -> tuple[str, str]:
    kind = text(target, "resource")
    if kind is None:
        return "url", needed(text(record, "requestURI"), "requestURI").partition("?")[0]
    part = text(target, "subresource")
    place, name = text(target, "namespace") or "_cluster", text(target, "name") or "_all"
    return f"{kind}/{part}" if part else kind, f"{place}/{name}"


def _class(verb: str, target: Any) -> ActionClass:
    kind = _VERBS.get(verb.lower(), ActionClass.OTHER)
    enters = text(target, "subresource") in _ENTERS
    changes_power = kind in _CHANGES and (text(target, "resource") in _POWERS)
    return ActionClass.ADMIN if enters or changes_power else kind


def _outcome(record: dict[str, Any]) -> EventOutcome:
    code = number(record, "responseStatus", "code")
    if code in _REFUSED or text(record, "annotations", "authorization.k8s.io/decision") == "forbid":
        return EventOutcome.DENIED
    if code is None:
        return EventOutcome.FAILURE if text(record, "stage") == "Panic" else EventOutcome.UNKNOWN
    return EventOutcome.FAILURE if code >= _ERROR else EventOutcome.SUCCESS
