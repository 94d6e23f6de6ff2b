"""From what happened to a session or device here to the CAEP event that tells of it.

| here | event | says |
| --- | --- | --- |
| terminated | session-revoked | of this session of this user |
| subject revoked | session-revoked | of the user, whatever the session |
| reduced | assurance-level-change | decrease to ``reduced`` (CAEP has no event for a downgrade: openid/ipsie#56) |
| step-up demanded | assurance-level-change | decrease to ``step-up-required`` |
| proven | assurance-level-change | increase to the class that was proven |
| risk level | risk-level-change | LOW, MEDIUM or HIGH of the session |
| device in or out of compliance | device-compliance-change | |

``reason_admin`` names our reason code. ``reason_user`` is one fixed sentence for each event: it tells a person what to
do, and nobody which rule or threshold was near.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from ostiary.identity.secevent.subjects import Complex, Opaque, SubjectId
from ostiary.response.ssf.naming import SubjectNaming, bare
from ostiary.sessions.session import ChangeKind, SessionChange
from ostiary.signals.texts import shown

NAMESPACE: Final = "urn:ostiary:session"
FULL: Final = "full"
_SECOND_NS: Final = 1_000_000_000
_REVOKED: Final = "session-revoked"
_ASSURANCE: Final = "assurance-level-change"
_RISK: Final = "risk-level-change"
_COMPLIANCE: Final = "device-compliance-change"
_CREDENTIAL: Final = "credential-change"
_GOOD: Final = "compliant"
_FALLEN: Final = frozenset({"not_compliant", "quarantined"})
_FOR_USERS: Final[Mapping[ChangeKind, str]] = MappingProxyType(
    {
        ChangeKind.TERMINATED: "This session has ended. Sign in again to go on.",
        ChangeKind.SUBJECT_REVOKED: "All sessions have ended. Sign in again to go on.",
        ChangeKind.REDUCED: "Some actions are not available in this session at the moment.",
        ChangeKind.STEP_UP: "Confirm that it is you to go on.",
        ChangeKind.PROVEN: "Your identity was confirmed.",
    }
)
_LEVELS: Final[Mapping[str, str]] = MappingProxyType(
    {"low": "LOW", "medium": "MEDIUM", "elevated": "MEDIUM", "high": "HIGH", "critical": "HIGH"}
)


class Announcement(msgspec.Struct, frozen=True):
    """One event on its way to every stream that wants it; ``cause`` becomes ``txn``."""

    tenant: str
    event: str
    claims: dict[str, Any]
    subject: SubjectId
    cause: str = ""


def announce(change: SessionChange, naming: SubjectNaming) -> Announcement | None:
    """Return the event that tells of a change, or ``None`` when there is nothing to tell."""
    told = _event(change)
    if told is None:
        return None
    subject = _subject(change, naming)
    if subject is None:
        return None
    event, claims = told
    common = _common(
        change.at_ns, initiator(change), f"session {change.kind.value}: {shown(change.reason) or 'unsaid'}"
    )
    words = _FOR_USERS.get(change.kind)
    if words is not None:
        common["reason_user"] = {"en": words}
    return Announcement(change.tenant, event, {**claims, **common}, subject, change.cause)


def compliance(
    tenant: str, device_id: str, *, compliant: bool, at_ns: int, reason: str = "", cause: str = ""
) -> Announcement:
    """Return the event that tells of a device that fell out of compliance, or came back."""
    now, before = ("compliant", "not-compliant") if compliant else ("not-compliant", "compliant")
    common = _common(at_ns, "policy", f"device {now}: {shown(reason) or 'unsaid'}")
    subject = Complex({"device": Opaque(device_id)})
    return Announcement(
        tenant, _COMPLIANCE, {"previous_status": before, "current_status": now, **common}, subject, cause
    )


def standing(
    tenant: str, device_id: str, *, before: str, after: str, at_ns: int, reason: str = "", cause: str = ""
) -> Announcement | None:
    """Return the event for a device's change of standing, in the registry's words, or ``None`` when none is due.

    Told are falls, from whatever it was, and returns from a fall; that a device was judged at all is nobody's business.
    """
    if after in _FALLEN:
        compliant = False
    elif after == _GOOD and before in _FALLEN:
        compliant = True
    else:
        return None
    if before in _FALLEN and not compliant:
        return None
    return compliance(tenant, device_id, compliant=compliant, at_ns=at_ns, reason=reason, cause=cause)


def credential(
    tenant: str, subject: SubjectId, *, kind: str, change: str, at_ns: int, initiating: str = "user", cause: str = ""
) -> Announcement:
    """Return the event that tells of a new, changed or removed credential; ``change`` is create, update, …."""
    common = _common(at_ns, initiating, f"credential {change}")
    return Announcement(tenant, _CREDENTIAL, {"credential_type": kind, "change_type": change, **common}, subject, cause)


def initiator(change: SessionChange) -> str:
    """Return who is behind a change, in CAEP's words: admin, user, system or policy."""
    if change.kind is ChangeKind.PROVEN:
        return "user"
    if change.cause.startswith("adm_") or change.reason.startswith("admin"):
        return "admin"
    return "system" if change.reason in {"session_expired", "session_idle"} else "policy"


def _event(change: SessionChange) -> tuple[str, dict[str, Any]] | None:
    match change.kind:
        case ChangeKind.TERMINATED | ChangeKind.SUBJECT_REVOKED:
            return _REVOKED, {}
        case ChangeKind.REDUCED:
            return _ASSURANCE, _assurance("reduced", "decrease")
        case ChangeKind.STEP_UP:
            return _ASSURANCE, _assurance("step-up-required", "decrease")
        case ChangeKind.PROVEN:
            return _ASSURANCE, _assurance(change.acr_values[0] if change.acr_values else "proven", "increase")
        case ChangeKind.LEVEL:
            return _risk(change)


def _assurance(level: str, direction: str) -> dict[str, Any]:
    return {"namespace": NAMESPACE, "current_level": level, "change_direction": direction}


def _risk(change: SessionChange) -> tuple[str, dict[str, Any]] | None:
    now, before = _LEVELS.get(change.level, ""), _LEVELS.get(change.previous_level, "")
    if not now or now == before:
        return None
    claims = {"principal": "SESSION", "current_level": now, "risk_reason": "SESSION_RISK"}
    return _RISK, {**claims, "previous_level": before} if before else claims


def _common(at_ns: int, initiating: str, reason: str) -> dict[str, Any]:
    return {
        "event_timestamp": at_ns // _SECOND_NS,
        "initiating_entity": initiating,
        "reason_admin": {"en": reason},
    }


def _subject(change: SessionChange, naming: SubjectNaming) -> SubjectId | None:
    user = naming.outward(change.subject) if change.subject else None
    session = Opaque(bare(change.session_id)) if change.session_id else None
    if user is not None and session is not None:
        return Complex({"user": user, "session": session})
    return user or session
