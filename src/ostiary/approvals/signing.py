"""One signature: taken from a browser's answer, and verified again whenever it is to count.

In the order of the checks: the challenge is that of this proposal, person, signer and decision; the passkey is one of
the signer's, and older than the proposal; the answer verifies on our origin, for our domain, with the person verified;
the counter rose. Each refusal has step-up's own code.

1. The challenge holds no secret and is never used up: the same answer again is the same person again, who counts once.
2. Again means: from the stored bytes, with the passkey as it is registered now. One that was taken away is void.
"""

from collections.abc import Mapping
from typing import Any

from ostiary.approvals.acts import Signed
from ostiary.approvals.proposal import Decision, Proposal
from ostiary.approvals.refusing import refusal
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.webauthn.answers import Assertion, read_assertion, write_bytes
from ostiary.identity.webauthn.authentication import check_counter, choose, verify_assertion
from ostiary.identity.webauthn.codes import StepUpRefusal
from ostiary.identity.webauthn.refusing import refusal as passkey_refusal
from ostiary.identity.webauthn.types import Authenticator, RelyingParty
from ostiary.keys import equal


def sign(
    party: RelyingParty,
    proposal: Proposal,
    kept: list[Authenticator],
    told: Mapping[str, Any],
    *,
    person: str,
    signer: str,
    decision: Decision,
    delegation: str,
    comment: str = "",
) -> tuple[Signed, Authenticator, int]:
    """Verify an answer; return what is to be kept of it, the passkey as it was, and its new counter.

    Raises:
        RefusedError: the code of the first check that failed.
        FaultyInputError: ``webauthn_answer_malformed``.
    """
    assertion = read_assertion(told)
    _check_challenge(assertion, proposal.challenge(person, signer, decision, comment))
    passkey = choose(kept, assertion)
    if passkey.created_ns > proposal.created_ns:  # or whoever asks could make the people who agree
        raise refusal("approval_key_too_new")
    count = verify_assertion(party, assertion, passkey)
    check_counter(passkey, count)
    signed = Signed(
        person=person,
        signer=signer,
        decision=decision,
        credential_id=passkey.credential_id,
        public_key=passkey.public_key,
        rp_id=party.rp_id,
        origin=assertion.client.origin,
        client_data=assertion.client_data,
        authenticator_data=assertion.authenticator_data,
        signature=assertion.signature,
        delegation=delegation,
        comment=comment,
    )
    return signed, passkey, count


def verify_again(signed: Signed, proposal: Proposal, kept: list[Authenticator]) -> None:
    """Verify a stored signature by its bytes alone, under the passkey that is registered now.

    Raises:
        RefusedError: ``approval_key_revoked``, or the code of the check that failed.
    """
    passkey = next((one for one in kept if one.credential_id == signed.credential_id), None)
    if passkey is None or passkey.public_key != signed.public_key or passkey.created_ns > proposal.created_ns:
        raise refusal("approval_key_revoked")
    response = {
        "clientDataJSON": write_bytes(signed.client_data),
        "authenticatorData": write_bytes(signed.authenticator_data),
        "signature": write_bytes(signed.signature),
    }
    told = {"type": "public-key", "id": signed.credential_id, "rawId": signed.credential_id, "response": response}
    try:
        assertion = read_assertion(told)
    except FaultyInputError as fault:
        raise RefusedError(fault.code, fault.message) from fault
    wanted = proposal.challenge(signed.person, signed.signer, signed.decision, signed.comment)
    _check_challenge(assertion, wanted)
    verify_assertion(RelyingParty(signed.rp_id, "", (signed.origin,)), assertion, passkey)


def _check_challenge(assertion: Assertion, wanted: bytes) -> None:
    if not equal(assertion.challenge, wanted):
        raise passkey_refusal(StepUpRefusal.CHALLENGE_OTHER_REQUEST)
