"""The checks that both ceremonies share, each with a code of its own, before the library verifies signatures.

In the order of WebAuthn Level 3 §7: type, challenge (by the caller), origin, frames, relying party, presence,
verification. The library checks them again; this file is why a refusal says which one it was.
"""

from typing import Final

from ostiary.identity.webauthn.answers import ClientData, malformed
from ostiary.identity.webauthn.codes import StepUpRefusal
from ostiary.identity.webauthn.refusing import refusal
from ostiary.identity.webauthn.types import RelyingParty
from ostiary.keys import equal, sha256

_RP_HASH: Final = slice(0, 32)
_FLAGS: Final = 32
_HEAD: Final = 37
_PRESENT: Final = 0x01
_VERIFIED: Final = 0x04


def check_client(client: ClientData, kind: str, party: RelyingParty) -> None:
    """Refuse an answer that was made elsewhere, or to another kind of question.

    Raises:
        RefusedError: ``webauthn_type_wrong``, ``webauthn_origin_wrong``, ``webauthn_in_frame``.
    """
    if client.type != kind:
        raise refusal(StepUpRefusal.WEBAUTHN_TYPE_WRONG)
    if client.origin not in party.origins:
        raise refusal(StepUpRefusal.WEBAUTHN_ORIGIN_WRONG)
    if client.cross_origin or client.top_origin:
        raise refusal(StepUpRefusal.WEBAUTHN_IN_FRAME)


def check_authenticator_data(data: bytes, party: RelyingParty) -> None:
    """Refuse what was made for another site, or without the person.

    Raises:
        RefusedError: ``webauthn_rp_wrong``, ``webauthn_user_absent``, ``webauthn_user_not_verified``.
        FaultyInputError: ``webauthn_answer_malformed``.
    """
    if len(data) < _HEAD:
        raise malformed("authenticatorData")
    if not equal(data[_RP_HASH], sha256(party.rp_id.encode())):
        raise refusal(StepUpRefusal.WEBAUTHN_RP_WRONG)
    if not data[_FLAGS] & _PRESENT:
        raise refusal(StepUpRefusal.WEBAUTHN_USER_ABSENT)
    if not data[_FLAGS] & _VERIFIED:
        raise refusal(StepUpRefusal.WEBAUTHN_USER_NOT_VERIFIED)
