"""What one access token says, once its signature, issuer, audience and times have been checked.

Internal to the room: ``SubjectVerifier`` makes a ``VerifiedIdentity`` of it, and not before the proof of possession
that ``jkt`` or ``x5t`` demands has been seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.identity.types import TokenTraits


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """Verified content of one token.

    Attributes:
        subject_type: AuthZEN type of the subject.
        auth_time: Unix seconds, or ``None`` when not told.
        jkt: thumbprint of the key that must sign a DPoP proof, or empty.
        x5t: thumbprint of the certificate that must be presented, or empty.
        from_ns: the token is good from here,
        until_ns: and no longer good from here.
        acting: ``act`` and ``may_act``, where it has them, deeply frozen: who acts for its subject, and who may.
        traits: how it is made.
    """

    issuer: str
    subject_type: str
    subject_id: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int | None
    scopes: tuple[str, ...]
    client_id: str
    session_id: str
    claims: Mapping[str, Any]
    jkt: str
    x5t: str
    from_ns: int
    until_ns: int
    acting: Mapping[str, Any] = field(repr=False)
    traits: TokenTraits | None = None
