"""The event types of SSF 1.0, CAEP 1.0 and RISC 1.0, their short names, and the members each must have.

Rules: the common members of CAEP have the types that CAEP 1.0 §2 gives them in every event; a member with a closed
list of values has one of them. An event type that is not listed is kept as it is: nobody acts on it.

>>> short_name("https://schemas.openid.net/secevent/caep/event-type/session-revoked")
'session-revoked'
>>> uri_of("credential-compromise")
'https://schemas.openid.net/secevent/risc/event-type/credential-compromise'
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from ostiary.identity.strict import is_name

_BASE: Final = "https://schemas.openid.net/secevent/"
_SSF: Final = ("stream-updated", "verification")
_CAEP: Final = (
    "assurance-level-change",
    "credential-change",
    "device-compliance-change",
    "risk-level-change",
    "session-established",
    "session-presented",
    "session-revoked",
    "token-claims-change",
)
_RISC: Final = (
    "account-credential-change-required",
    "account-disabled",
    "account-enabled",
    "account-purged",
    "credential-compromise",
    "identifier-changed",
    "identifier-recycled",
    "opt-in",
    "opt-out-cancelled",
    "opt-out-effective",
    "opt-out-initiated",
    "recovery-activated",
    "recovery-information-changed",
    "sessions-revoked",
)
URIS: Final[Mapping[str, str]] = MappingProxyType(
    {
        name: f"{_BASE}{family}/event-type/{name}"
        for family, names in (("ssf", _SSF), ("caep", _CAEP), ("risc", _RISC))
        for name in names
    }
)
_NAMES: Final[Mapping[str, str]] = MappingProxyType({uri: name for name, uri in URIS.items()})
_COMPLIANCE: Final = frozenset({"compliant", "not-compliant"})
_LEVELS: Final = frozenset({"LOW", "MEDIUM", "HIGH"})
# (event, member) -> allowed values; None = any name. CAEP 1.0 §3, SSF 1.0 §8.1.4-8.1.5, RISC 1.0 §2.
_REQUIRED: Final[Mapping[str, Mapping[str, frozenset[str] | None]]] = MappingProxyType(
    {
        "assurance-level-change": {"namespace": None, "current_level": None},
        "credential-change": {
            "credential_type": None,
            "change_type": frozenset({"create", "revoke", "update", "delete"}),
        },
        "credential-compromise": {"credential_type": None},
        "device-compliance-change": {"previous_status": _COMPLIANCE, "current_status": _COMPLIANCE},
        "risk-level-change": {"current_level": _LEVELS, "principal": None},
        "stream-updated": {"status": frozenset({"enabled", "paused", "disabled"})},
    }
)
_INITIATORS: Final = frozenset({"admin", "user", "policy", "system"})
_MAX_REASONS: Final = 32
_MAX_REASON: Final = 2048
_LAST_DATE: Final = 253_402_300_799_000  # SSF examples count in seconds, some transmitters in milliseconds


def short_name(uri: str) -> str:
    """Return the short name of a listed event type, or an empty string."""
    return _NAMES.get(uri, "")


def uri_of(name: str) -> str:
    """Return the URI of a listed event type."""
    return URIS[name]


def fault_of(uri: str, claims: Mapping[str, Any]) -> str:
    """Return the name of the first member of an event that is not as it must be, or an empty string."""
    required = _REQUIRED.get(short_name(uri), {})
    wrong = (name for name, allowed in required.items() if not _fits(claims.get(name), allowed))
    return next(wrong, "") or _common_fault(claims)


def _fits(value: object, allowed: frozenset[str] | None) -> bool:
    return is_name(value) if allowed is None else isinstance(value, str) and value in allowed


def _common_fault(claims: Mapping[str, Any]) -> str:
    stamp = claims.get("event_timestamp", 0)
    if type(stamp) not in {int, float} or not 0 <= stamp <= _LAST_DATE:
        return "event_timestamp"
    if not _fits(claims.get("initiating_entity", "system"), _INITIATORS):
        return "initiating_entity"
    return next((name for name in ("reason_admin", "reason_user") if not _is_reason(claims.get(name, {}))), "")


def _is_reason(value: object) -> bool:
    """Return whether ``value`` maps languages to texts (CAEP 1.0 §2)."""
    return (
        isinstance(value, dict)
        and len(value) <= _MAX_REASONS
        and all(is_name(tag, 35) and isinstance(text, str) and len(text) <= _MAX_REASON for tag, text in value.items())
    )
