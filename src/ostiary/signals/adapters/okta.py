"""Okta System Log events: one event a line, or the array that the API answers with."""

from typing import Any, Final

from ostiary.signals.actions import class_of
from ostiary.signals.fields import address, at, country, fallback_id, first, moment, needed, number, text
from ostiary.signals.marking import told_of
from ostiary.signals.pieces import Shape
from ostiary.signals.whereabouts import place_of
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome
from ostiary.vocabulary.facts import NetworkKind

FORMAT: Final = "okta"
DESCRIBE: Final = "Okta System Log (JSON array or JSON lines)"
SHAPE: Final = Shape.JSON
ENVELOPES: Final = ("events", "value")

_OUTCOMES: Final = {
    "ALLOW": EventOutcome.SUCCESS,
    "CHALLENGE": EventOutcome.FAILURE,
    "DENY": EventOutcome.DENIED,
    "FAILURE": EventOutcome.FAILURE,
    "SUCCESS": EventOutcome.SUCCESS,
}
_PLACE: Final = ("state", "city", "geolocation.lat", "geolocation.lon")
_LOGINS: Final = (
    "user.session",
    "user.authentication",
    "user.mfa.attempt",
    "app.oauth2.as.authorize",
    "policy.evaluate",
)
_ADMIN: Final = (
    "user.account",
    "user.lifecycle",
    "group.",
    "application.",
    "policy.",
    "system.",
    "zone.",
    "user.mfa.factor",
)


def normalise(record: dict[str, Any], tenant: str) -> AccessEvent:
    """Return the event of one System Log entry."""
    action = needed(text(record, "eventType"), "eventType")
    actor = record.get("actor")
    kind = text(actor, "type") or "User"
    target_type, target = _target(record)
    subject = needed(first(actor, ("alternateId",), ("id",)), "actor.alternateId")
    device = at(record, "device") or at(record, "client", "device")
    return AccessEvent(
        event_id=text(record, "uuid") or fallback_id(record),
        tenant=tenant,
        time_ns=moment(record.get("published")),
        subject_id=subject,
        subject_type="user" if kind == "User" else kind.lower(),
        action=action,
        resource_type=target_type,
        resource_id=target,
        action_class=_class(action),
        outcome=_OUTCOMES.get(text(record, "outcome", "result") or "", EventOutcome.UNKNOWN),
        session_id=text(record, "authenticationContext", "externalSessionId"),
        client_id=text(record, "client", "id"),
        issuer=text(record, "authenticationContext", "issuer", "id"),
        auth_method=first(
            record, ("authenticationContext", "credentialType"), ("authenticationContext", "authenticationProvider")
        ),
        ip=address(text(record, "client", "ipAddress")),
        country=country(text(record, "client", "geographicalContext", "country")),  # a name: enrichment looks it up
        asn=number(record, "securityContext", "asNumber"),
        place=place_of(at(record, "client", "geographicalContext"), _PLACE, _kind(record)),
        device_id=text(device, "id"),
        device_managed=at(device, "managed") if isinstance(at(device, "managed"), bool) else None,
        user_agent=text(record, "client", "userAgent", "rawUserAgent"),
        source=FORMAT,
        detail=text(record, "outcome", "reason"),
        marks=told_of(action, record, (subject,), f"{target_type} {target}").marks,
    )


def _kind(record: dict[str, Any]) -> NetworkKind | None:
    return NetworkKind.PROXY if at(record, "securityContext", "isProxy") is True else None


def _target(record: dict[str, Any]) -> tuple[str, str]:
    found = at(record, "target", 0)
    name = first(found, ("alternateId",), ("displayName",), ("id",))
    return (text(found, "type") or "target", name) if name is not None and name != "unknown" else ("service", "okta")


def _class(action: str) -> ActionClass:
    if action.startswith(_LOGINS):
        return ActionClass.AUTHENTICATE
    return ActionClass.ADMIN if action.startswith(_ADMIN) else class_of(action)
