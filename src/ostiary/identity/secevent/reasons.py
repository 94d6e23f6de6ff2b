"""Why an event token is refused, alphabetised, and what its transmitter hears of it (RFC 8935 §2.4, SSF 1.0 §8.1.4).

The transmitter hears one of seven words; the code beside it stays in our log, where it helps whoever mends it.

>>> push_error(SetRefusal.SET_AUDIENCE_WRONG)
'invalid_audience'
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ostiary.identity.codes import CompactCodes


class SetRefusal(StrEnum):
    """Every code with which an event token is refused."""

    SET_ALGORITHM_KEY_MISMATCH = "set_algorithm_key_mismatch"
    SET_ALGORITHM_NOT_ALLOWED = "set_algorithm_not_allowed"
    SET_AUDIENCE_MISSING = "set_audience_missing"
    SET_AUDIENCE_WRONG = "set_audience_wrong"
    SET_BASE64_INVALID = "set_base64_invalid"
    SET_CHARACTERS_INVALID = "set_characters_invalid"
    SET_CLAIM_INVALID = "set_claim_invalid"
    SET_CRITICAL_HEADER = "set_critical_header"
    SET_DETACHED_PAYLOAD = "set_detached_payload"
    SET_DUPLICATE_MEMBER = "set_duplicate_member"
    SET_EMBEDDED_KEY = "set_embedded_key"
    SET_ENCRYPTED = "set_encrypted"
    SET_EVENT_INVALID = "set_event_invalid"
    SET_EVENT_NOT_AGREED = "set_event_not_agreed"
    SET_EVENTS_MISSING = "set_events_missing"
    SET_EVENTS_SEVERAL = "set_events_several"
    SET_EXPIRY_FORBIDDEN = "set_expiry_forbidden"
    SET_FROM_FUTURE = "set_from_future"
    SET_HEADER_MALFORMED = "set_header_malformed"
    SET_ID_INVALID = "set_id_invalid"
    SET_ISSUED_AT_INVALID = "set_issued_at_invalid"
    SET_ISSUER_MISSING = "set_issuer_missing"
    SET_ISSUER_UNKNOWN = "set_issuer_unknown"
    SET_KEY_UNKNOWN = "set_key_unknown"
    SET_NESTING_TOO_DEEP = "set_nesting_too_deep"
    SET_NOT_COMPACT = "set_not_compact"
    SET_PAYLOAD_MALFORMED = "set_payload_malformed"
    SET_REPLAYED = "set_replayed"
    SET_SENDER_UNAUTHENTICATED = "set_sender_unauthenticated"
    SET_SENDER_UNWELCOME = "set_sender_unwelcome"
    SET_SIGNATURE_INVALID = "set_signature_invalid"
    SET_STATE_WRONG = "set_state_wrong"
    SET_SUBJECT_FORBIDDEN = "set_subject_forbidden"
    SET_SUBJECT_INVALID = "set_subject_invalid"
    SET_TOO_LARGE = "set_too_large"
    SET_TOO_MANY_MEMBERS = "set_too_many_members"
    SET_TOO_OLD = "set_too_old"
    SET_TYPE_WRONG = "set_type_wrong"


SET: Final = CompactCodes(
    what="event token",
    base64=SetRefusal.SET_BASE64_INVALID,
    characters=SetRefusal.SET_CHARACTERS_INVALID,
    critical=SetRefusal.SET_CRITICAL_HEADER,
    deep=SetRefusal.SET_NESTING_TOO_DEEP,
    detached=SetRefusal.SET_DETACHED_PAYLOAD,
    duplicate=SetRefusal.SET_DUPLICATE_MEMBER,
    encrypted=SetRefusal.SET_ENCRYPTED,
    header=SetRefusal.SET_HEADER_MALFORMED,
    many=SetRefusal.SET_TOO_MANY_MEMBERS,
    not_compact=SetRefusal.SET_NOT_COMPACT,
    payload=SetRefusal.SET_PAYLOAD_MALFORMED,
    too_large=SetRefusal.SET_TOO_LARGE,
)

INVALID_REQUEST: Final = "invalid_request"
# What is not in this table is a token that cannot be parsed or does not conform: RFC 8935 §2.4 `invalid_request`.
_HEARD: Final[Mapping[str, str]] = MappingProxyType(
    {
        SetRefusal.SET_ALGORITHM_KEY_MISMATCH: "invalid_key",
        SetRefusal.SET_ALGORITHM_NOT_ALLOWED: "invalid_key",
        SetRefusal.SET_AUDIENCE_MISSING: "invalid_audience",
        SetRefusal.SET_AUDIENCE_WRONG: "invalid_audience",
        SetRefusal.SET_EMBEDDED_KEY: "invalid_key",
        SetRefusal.SET_EVENT_NOT_AGREED: "access_denied",
        SetRefusal.SET_ISSUER_MISSING: "invalid_issuer",
        SetRefusal.SET_ISSUER_UNKNOWN: "invalid_issuer",
        SetRefusal.SET_KEY_UNKNOWN: "invalid_key",
        SetRefusal.SET_SENDER_UNAUTHENTICATED: "authentication_failed",
        SetRefusal.SET_SENDER_UNWELCOME: "access_denied",
        SetRefusal.SET_SIGNATURE_INVALID: "authentication_failed",
        SetRefusal.SET_STATE_WRONG: "invalid_state",
    }
)
ERRORS: Final = frozenset({INVALID_REQUEST, *_HEARD.values()})


def push_error(code: str) -> str:
    """Return the error code of RFC 8935 §2.4 (or ``invalid_state`` of SSF 1.0) for one of our codes."""
    return _HEARD.get(code, INVALID_REQUEST)
