"""Microsoft Entra sign-in logs: the Graph answer ``{"value": [...]}``, or diagnostic lines with ``properties``.

An application is called by its id: its name is whatever its maker likes, a person's name too.
"""

from typing import Any, Final

from ostiary.signals.fields import address, at, country, fallback_id, first, flag, moment, needed, number, text
from ostiary.signals.marking import told_of
from ostiary.signals.pieces import Shape
from ostiary.signals.whereabouts import place_of
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

FORMAT: Final = "entra"
DESCRIBE: Final = "Microsoft Entra sign-in logs (Graph answer or diagnostic JSON lines)"
SHAPE: Final = Shape.JSON
ENVELOPES: Final = ("value", "records")

_PLACE: Final = ("state", "city", "geoCoordinates.latitude", "geoCoordinates.longitude")
_BLOCKED: Final = frozenset({50053, 50057, 53000, 53001, 53003, 53004, 50105, 530032})


def normalise(record: dict[str, Any], tenant: str) -> AccessEvent:
    """Return the log-in that one sign-in record tells of."""
    outer, record = record, at(record, "properties") or record
    device = at(record, "deviceDetail")
    service = first(record, ("servicePrincipalId",)) if text(record, "userId") is None else None
    user = service or first(record, ("userPrincipalName",), ("userId",), ("servicePrincipalName",))
    subject = needed(user, "userPrincipalName").lower()
    return AccessEvent(
        event_id=text(record, "id") or fallback_id(record),
        tenant=tenant,
        time_ns=moment(text(record, "createdDateTime") or text(outer, "time")),
        subject_id=subject,
        subject_type="user" if service is None else "service",
        action="sign-in",
        resource_type="application",
        resource_id=first(record, ("resourceDisplayName",), ("resourceId",), ("appDisplayName",)) or "unknown",
        action_class=ActionClass.AUTHENTICATE,
        outcome=_outcome(record),
        session_id=first(record, ("sessionId",), ("correlationId",)),
        client_id=first(record, ("appDisplayName",), ("appId",)),
        issuer=text(record, "tokenIssuerName"),
        auth_method=first(record, ("authenticationProtocol",), ("clientAppUsed",)),
        mfa=_mfa(record),
        ip=address(text(record, "ipAddress")),
        country=country(text(record, "location", "countryOrRegion")),
        asn=number(record, "autonomousSystemNumber"),
        place=place_of(at(record, "location"), _PLACE),
        device_id=text(device, "deviceId"),
        device_managed=flag(device, "isManaged"),
        user_agent=text(record, "userAgent"),
        ua_family=text(device, "browser"),
        ua_os=text(device, "operatingSystem"),
        source=FORMAT,
        detail=first(record, ("status", "failureReason"), ("status", "errorCode")),
        marks=told_of("sign-in", record, (subject,)).marks,
    )


def _outcome(record: dict[str, Any]) -> EventOutcome:
    code = number(record, "status", "errorCode")
    if code is None:
        return EventOutcome.UNKNOWN
    if code in _BLOCKED:
        return EventOutcome.DENIED
    return EventOutcome.FAILURE if code else EventOutcome.SUCCESS


def _mfa(record: dict[str, Any]) -> bool | None:
    told = text(record, "authenticationRequirement")
    return None if told is None else told == "multiFactorAuthentication"
