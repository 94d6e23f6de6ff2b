"""The ceremony that raises a session: from a step-up that was asked for to a proof in the ledger.

1. Recorded first: the record of kind ``step_up`` names the decision that asked, and is on disk before the proof counts.
2. The proof holds for the subject, session, key, action and resource of that decision, and for no other.
3. A copied passkey is worth a record of its own: only whoever holds its key can cause one.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.identity.webauthn.authentication import assertion_options
from ostiary.identity.webauthn.challenges import Binding
from ostiary.identity.webauthn.codes import StepUpRefusal
from ostiary.identity.webauthn.refusing import refusal
from ostiary.identity.webauthn.types import AMR
from ostiary.server.step_up.asked import Asked
from ostiary.server.step_up.ceremony import KIND, Ceremonies, ask, confirm_with, record, timeout_ms
from ostiary.server.wiring import House
from ostiary.sessions import StepUpProof

_NS: Final = 1_000_000_000
SHORTEST_S: Final = 30
"""A rule that wants a proof of this very moment (`max_age` 0) gets one that lasts long enough to ask again."""


class StepUpRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of a record of kind ``step_up``; no key, signature or challenge is in it.

    Attributes:
        outcome: ``proven``, or the code of the refusal.
        cause: the decision that asked.
    """

    v: int = 1
    type: str = KIND
    outcome: str
    cause: str
    subject: str
    session: str
    action: str
    resource_type: str
    resource_id: str
    authenticator: str
    model: str = ""
    attested: bool = False
    address: str = ""
    acr: str = ""
    amr: tuple[str, ...] = ()
    proven_ns: int = 0
    expires_ns: int = 0


class Confirmed(msgspec.Struct, frozen=True):
    """A step-up that holds until ``expires_ns``; ``record_id`` tells of it."""

    record_id: str
    expires_ns: int


def binding_of(asked: Asked) -> Binding:
    """Return all that an answer to ``asked`` is good for."""
    return Binding(
        purpose="step_up",
        tenant=asked.tenant,
        subject=asked.subject,
        session=asked.session,
        action=asked.action,
        resource_type=asked.resource_type,
        resource_id=asked.resource_id,
        cause=asked.decision_id,
        expires_ns=asked.expires_ns,
    )


def options(ceremonies: Ceremonies, asked: Asked, now_ns: int) -> dict[str, Any]:
    """Return what the page hands to ``navigator.credentials.get``, with its seal.

    Raises:
        RefusedError: ``authenticator_none``.
    """
    kept = ceremonies.passkeys.of_subject(asked.tenant, asked.subject)
    if not kept:
        raise refusal(StepUpRefusal.AUTHENTICATOR_NONE)
    binding = binding_of(asked)
    challenge, seal = ask(ceremonies, binding)
    wanted = assertion_options(ceremonies.party, challenge, kept, timeout_ms(binding, now_ns))
    return {"get": wanted, "seal": seal}


def confirm(house: House, ceremonies: Ceremonies, asked: Asked, told: Mapping[str, Any], address: str) -> Confirmed:
    """Verify an answer, record it, and let it count.

    Raises:
        RefusedError: the code of the first check that failed.
        FaultyInputError: ``webauthn_answer_malformed``.
        UnavailableError: the record cannot be written; then nothing was proved.
    """
    now_ns = house.clock.now_ns()
    try:
        passkey = confirm_with(ceremonies, binding_of(asked), told, now_ns)
    except RefusedError as no:
        if no.code == StepUpRefusal.AUTHENTICATOR_CLONED:
            copied = str(told["credential"]["id"])  # it verified, so it is there
            record(house, asked.tenant, asked.subject, _entry(asked, no.code, copied, address), now_ns)
        raise
    proof = _proof(asked, house.settings.step_up.proof_s, now_ns)
    entry = msgspec.structs.replace(
        _entry(asked, "proven", passkey.credential_id, address),
        model=passkey.aaguid,
        attested=passkey.attested,
        acr=proof.acr,
        amr=proof.amr,
        proven_ns=proof.proven_ns,
        expires_ns=proof.expires_ns,
    )
    record_id = record(house, asked.tenant, asked.subject, entry, now_ns)
    if not house.ledger.prove(proof):  # it fell or ended since: say so, or the log would tell of a rise
        late = StepUpRefusal.STEP_UP_SESSION_ENDED
        record(house, asked.tenant, asked.subject, msgspec.structs.replace(entry, outcome=late.value), now_ns)
        raise refusal(late)
    return Confirmed(record_id, proof.expires_ns)


def _proof(asked: Asked, most_s: int, now_ns: int) -> StepUpProof:
    wanted_s = most_s if asked.max_age_s is None else min(most_s, max(asked.max_age_s, SHORTEST_S))
    return StepUpProof(
        tenant=asked.tenant,
        subject=asked.subject,
        session_id=asked.session,
        acr=asked.acr,
        amr=AMR,
        proven_ns=now_ns,
        expires_ns=now_ns + wanted_s * _NS,
        action=asked.action,
        resource_type=asked.resource_type,
        resource_id=asked.resource_id,
        cause=asked.decision_id,
        key=asked.key,
    )


def _entry(asked: Asked, outcome: str, authenticator: str, address: str) -> StepUpRecord:
    return StepUpRecord(
        outcome=outcome,
        cause=asked.decision_id,
        subject=asked.subject,
        session=asked.session,
        action=asked.action,
        resource_type=asked.resource_type,
        resource_id=asked.resource_id,
        authenticator=authenticator,
        address=address,
    )
