"""Security event tokens: read, signed, and verified before anybody acts on them (RFC 8417 as SSF 1.0 profiles it).

- ``SetPayload`` is what a token says, typed; it reads and writes back every payload value for value.
- ``SubjectId`` names whom it is about, in one of the formats of RFC 9493 and SSF 1.0.
- ``UnverifiedSet`` is what somebody sent; only ``SetVerifier`` makes a ``VerifiedSet`` of it.
- Every refusal has a stable code, and each code one of the error codes of RFC 8935 for the transmitter's ears.
"""

from ostiary.identity.secevent.payload import SecurityEvent, SetPayload, read_payload
from ostiary.identity.secevent.reasons import SetRefusal, push_error
from ostiary.identity.secevent.settings import TransmitterConfig
from ostiary.identity.secevent.signing import sign_set
from ostiary.identity.secevent.subjects import SubjectId, read_subject_id
from ostiary.identity.secevent.verifying import SetVerifier, UnverifiedSet, VerifiedSet

__all__ = [
    "SecurityEvent",
    "SetPayload",
    "SetRefusal",
    "SetVerifier",
    "SubjectId",
    "TransmitterConfig",
    "UnverifiedSet",
    "VerifiedSet",
    "push_error",
    "read_payload",
    "read_subject_id",
    "sign_set",
]
