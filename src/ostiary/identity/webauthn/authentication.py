"""Confirming with a passkey: what the browser is asked, and whether its answer holds.

1. The answer must come from one of the subject's own passkeys, on our origin, for our domain, with the person verified.
2. A counter that does not rise is a copy (WebAuthn Level 3 §6.1.1): refused, and told apart from a bad signature and
   from a replay, because only whoever holds the key can cause it.
"""

from collections.abc import Iterable
from typing import Any, Final

from ostiary.identity.webauthn.answers import Assertion, write_bytes
from ostiary.identity.webauthn.checking import check_authenticator_data, check_client
from ostiary.identity.webauthn.codes import StepUpRefusal
from ostiary.identity.webauthn.refusing import refusal
from ostiary.identity.webauthn.types import Authenticator, RelyingParty
from ostiary.keys import equal

_GET: Final = "webauthn.get"


def assertion_options(
    party: RelyingParty, challenge: bytes, kept: Iterable[Authenticator], timeout_ms: int
) -> dict[str, Any]:
    """Return ``PublicKeyCredentialRequestOptionsJSON`` for a subject's passkeys."""
    return {
        "challenge": write_bytes(challenge),
        "rpId": party.rp_id,
        "timeout": timeout_ms,
        "userVerification": "required",
        "allowCredentials": [descriptor(one) for one in kept],
    }


def descriptor(kept: Authenticator) -> dict[str, Any]:
    """Return how a browser is told of a passkey."""
    found: dict[str, Any] = {"type": "public-key", "id": kept.credential_id}
    return {**found, "transports": list(kept.transports)} if kept.transports else found


def choose(kept: Iterable[Authenticator], assertion: Assertion) -> Authenticator:
    """Return which of a subject's passkeys answers.

    Raises:
        RefusedError: ``authenticator_unknown`` (also for another subject's), ``webauthn_user_handle_wrong``.
    """
    found = next((one for one in kept if one.credential_id == assertion.credential_id), None)
    if found is None:
        raise refusal(StepUpRefusal.AUTHENTICATOR_UNKNOWN)
    if assertion.user_handle and not equal(assertion.user_handle, found.user_handle):
        raise refusal(StepUpRefusal.WEBAUTHN_USER_HANDLE_WRONG)
    return found


def verify_assertion(party: RelyingParty, assertion: Assertion, kept: Authenticator) -> int:
    """Verify an answer whose challenge the caller has checked; return the passkey's new counter.

    Raises:
        RefusedError: the code of the first check that failed.
    """
    check_client(assertion.client, _GET, party)
    check_authenticator_data(assertion.authenticator_data, party)
    return _verified(party, assertion, kept)


def check_counter(kept: Authenticator, count: int) -> None:
    """Refuse a verified answer whose counter did not rise; once its challenge is used up, so that no replay looks so.

    Raises:
        RefusedError: ``authenticator_cloned``.
    """
    if (count or kept.sign_count) and count <= kept.sign_count:
        raise refusal(StepUpRefusal.AUTHENTICATOR_CLONED)


def _verified(party: RelyingParty, assertion: Assertion, kept: Authenticator) -> int:
    from webauthn import verify_authentication_response  # noqa: PLC0415 - a fifth of a second that no decision needs
    from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse  # noqa: PLC0415

    response = AuthenticatorAssertionResponse(
        client_data_json=assertion.client_data,
        authenticator_data=assertion.authenticator_data,
        signature=assertion.signature,
        user_handle=assertion.user_handle or None,
    )
    raw_id = assertion.raw_id
    try:
        verified = verify_authentication_response(
            credential=AuthenticationCredential(id=assertion.credential_id, raw_id=raw_id, response=response),
            expected_challenge=assertion.challenge,
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            credential_public_key=kept.public_key,
            credential_current_sign_count=0,  # judged by the caller, once the signature is known to be good
            require_user_verification=True,
        )
    except Exception as fault:  # whatever outside bytes make the library raise, the answer is no
        raise refusal(StepUpRefusal.WEBAUTHN_SIGNATURE_INVALID) from fault
    return verified.new_sign_count
