"""Why a device's message is refused: one stable code for each reason, alphabetised; a quote has codes of its own.

An unknown device, a device of another tenant, an unknown producer and a signature by the wrong key are one code, so
that nobody can probe for enrolled ids; so are codes that never were, that were used and that are too old.

>>> DeviceRefusal("device_code_invalid").value
'device_code_invalid'
"""

from enum import StrEnum
from typing import Final

from ostiary.identity.codes import CompactCodes


class DeviceRefusal(StrEnum):
    """Every code that the device registry raises."""

    DEVICE_ALGORITHM_NOT_ALLOWED = "device_algorithm_not_allowed"
    DEVICE_ATTESTATION_KEY_MISSING = "device_attestation_key_missing"
    DEVICE_ATTESTATION_KEY_TAKEN = "device_attestation_key_taken"
    DEVICE_ATTESTATION_KEY_WRONG = "device_attestation_key_wrong"
    DEVICE_AUDIENCE_WRONG = "device_audience_wrong"
    DEVICE_BASE64_INVALID = "device_base64_invalid"
    DEVICE_BUSY = "device_busy"
    DEVICE_CHALLENGE_EXPIRED = "device_challenge_expired"
    DEVICE_CHALLENGE_INVALID = "device_challenge_invalid"
    DEVICE_CHALLENGE_MEMORY_FULL = "device_challenge_memory_full"
    DEVICE_CHALLENGE_USED = "device_challenge_used"
    DEVICE_CHARACTERS_INVALID = "device_characters_invalid"
    DEVICE_CLAIM_INVALID = "device_claim_invalid"
    DEVICE_CODE_INVALID = "device_code_invalid"
    DEVICE_CRITICAL_HEADER = "device_critical_header"
    DEVICE_DETACHED_PAYLOAD = "device_detached_payload"
    DEVICE_DUPLICATE_MEMBER = "device_duplicate_member"
    DEVICE_ENCRYPTED = "device_encrypted"
    DEVICE_EXISTS = "device_exists"
    DEVICE_FROM_FUTURE = "device_from_future"
    DEVICE_HEADER_MALFORMED = "device_header_malformed"
    DEVICE_INVITATION_INVALID = "device_invitation_invalid"
    DEVICE_KEY_INVALID = "device_key_invalid"
    DEVICE_NESTING_TOO_DEEP = "device_nesting_too_deep"
    DEVICE_NOT_COMPACT = "device_not_compact"
    DEVICE_PAYLOAD_MALFORMED = "device_payload_malformed"
    DEVICE_POSTURE_INVALID = "device_posture_invalid"
    DEVICE_QUOTE_INVALID = "device_quote_invalid"
    DEVICE_REPLAYED = "device_replayed"
    DEVICE_SEQUENCE_ROLLBACK = "device_sequence_rollback"
    DEVICE_TOO_LARGE = "device_too_large"
    DEVICE_TOO_MANY_MEMBERS = "device_too_many_members"
    DEVICE_TOO_OLD = "device_too_old"
    DEVICE_TOO_SOON = "device_too_soon"
    DEVICE_TYPE_WRONG = "device_type_wrong"
    DEVICE_UNAUTHENTICATED = "device_unauthenticated"
    DEVICE_UNKNOWN = "device_unknown"


ENVELOPE: Final = CompactCodes(
    what="message",
    base64=DeviceRefusal.DEVICE_BASE64_INVALID,
    characters=DeviceRefusal.DEVICE_CHARACTERS_INVALID,
    critical=DeviceRefusal.DEVICE_CRITICAL_HEADER,
    deep=DeviceRefusal.DEVICE_NESTING_TOO_DEEP,
    detached=DeviceRefusal.DEVICE_DETACHED_PAYLOAD,
    duplicate=DeviceRefusal.DEVICE_DUPLICATE_MEMBER,
    encrypted=DeviceRefusal.DEVICE_ENCRYPTED,
    header=DeviceRefusal.DEVICE_HEADER_MALFORMED,
    many=DeviceRefusal.DEVICE_TOO_MANY_MEMBERS,
    not_compact=DeviceRefusal.DEVICE_NOT_COMPACT,
    payload=DeviceRefusal.DEVICE_PAYLOAD_MALFORMED,
    too_large=DeviceRefusal.DEVICE_TOO_LARGE,
)
