"""The ceremony that adds a passkey, by an invitation that is good once.

1. A person without a passkey adds the first. One who has some confirms with one of them before the new one is made;
   the new one's challenge names it, so that the two steps cannot come from two people.
2. Looking at the link uses nothing up: mail scanners look too. Of two that finish, the first takes the invitation.
3. Recorded before it counts.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.identity.webauthn.answers import MAX_CREDENTIAL_ID, read_attestation, read_bytes, write_bytes
from ostiary.identity.webauthn.authentication import assertion_options
from ostiary.identity.webauthn.challenges import Binding
from ostiary.identity.webauthn.codes import StepUpRefusal
from ostiary.identity.webauthn.ports import Invitation
from ostiary.identity.webauthn.refusing import refusal
from ostiary.identity.webauthn.registration import registration_options, verify_attestation
from ostiary.identity.webauthn.types import Authenticator, clean_name
from ostiary.keys import sha256
from ostiary.server.signalling import tell_credential
from ostiary.server.step_up.ceremony import (
    KIND,
    Ceremonies,
    ask,
    confirm_with,
    credential_of,
    record,
    seal_of,
    timeout_ms,
)
from ostiary.server.step_up.inviting import must_recover
from ostiary.server.step_up.party import rules_of
from ostiary.server.wiring import House

_HANDLE: Final = b"ostiary/webauthn/user/v1\0"
_REFUSED: Final = {
    "exists": StepUpRefusal.AUTHENTICATOR_EXISTS,
    "limit": StepUpRefusal.AUTHENTICATOR_LIMIT,
    "not_first": StepUpRefusal.ENROLMENT_NEEDS_EXISTING,
}


class EnrolmentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of the record of a new passkey.

    Attributes:
        invited_by: key id of the administrator who made the link.
        confirmed_by: the passkey that confirmed it, empty for a first one.
    """

    v: int = 1
    type: str = KIND
    outcome: str = "enrolled"
    subject: str
    authenticator: str
    name: str
    model: str
    attestation: str
    attested: bool
    invited_by: str
    recovery: str = ""
    confirmed_by: str = ""


def binding_of(invitation: Invitation, confirmed_by: str = "", *, confirm: bool = False) -> Binding:
    """Return all that an answer to ``invitation`` is good for."""
    return Binding(
        purpose="confirm" if confirm else "enrol",
        tenant=invitation.tenant,
        subject=invitation.subject,
        session="",
        action="enrol",
        resource_type="authenticator",
        resource_id="",
        cause=invitation.token_hash,
        expires_ns=invitation.expires_ns,
        confirmed_by=confirmed_by,
    )


def options(house: House, ceremonies: Ceremonies, invitation: Invitation, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page does next: confirm with a kept passkey (``get``), or make the new one (``create``).

    Raises:
        RefusedError: the code of the first check that failed, ``authenticator_limit`` before all.
        FaultyInputError: ``webauthn_answer_malformed``.
    """
    now_ns = house.clock.now_ns()
    kept = ceremonies.passkeys.of_subject(invitation.tenant, invitation.subject)
    if len(kept) >= house.settings.step_up.max_authenticators:
        raise refusal(StepUpRefusal.AUTHENTICATOR_LIMIT)
    if not invitation.recovery and must_recover(house, invitation.tenant, invitation.subject):
        raise refusal(StepUpRefusal.RECOVERY_NEEDED)
    confirming = binding_of(invitation, confirm=True)
    if kept and not credential_of(told):
        challenge, seal = ask(ceremonies, confirming)
        wanted = assertion_options(ceremonies.party, challenge, kept, timeout_ms(confirming, now_ns))
        return {"get": wanted, "seal": seal}
    confirmed_by = confirm_with(ceremonies, confirming, told, now_ns).credential_id if kept else ""
    return _creation(ceremonies, invitation, kept, confirmed_by, now_ns)


def _creation(
    ceremonies: Ceremonies, invitation: Invitation, kept: list[Authenticator], confirmed_by: str, now_ns: int
) -> dict[str, Any]:
    binding = binding_of(invitation, confirmed_by)
    challenge, seal = ask(ceremonies, binding)
    _, _, name = invitation.subject.partition(":")
    user = {"id": write_bytes(_handle(invitation, kept)), "name": name, "displayName": name}
    wanted = registration_options(ceremonies.party, challenge, user, kept, timeout_ms(binding, now_ns))
    return {"create": wanted, "seal": seal, "confirmed_by": confirmed_by}


def enrol(house: House, ceremonies: Ceremonies, invitation: Invitation, told: Mapping[str, Any]) -> Authenticator:
    """Verify the new passkey's answer, take the invitation, record it, keep the passkey.

    Raises:
        RefusedError: the code of the first check that failed.
        FaultyInputError: ``webauthn_answer_malformed``.
        UnavailableError: the record cannot be written; then a new invitation is needed.
    """
    now_ns, name = house.clock.now_ns(), clean_name(told.get("name"))
    kept = ceremonies.passkeys.of_subject(invitation.tenant, invitation.subject)
    if not invitation.recovery and must_recover(house, invitation.tenant, invitation.subject):
        raise refusal(StepUpRefusal.RECOVERY_NEEDED)
    confirmed_by = _confirmed_by(told, kept)
    attestation = read_attestation(credential_of(told))
    binding = binding_of(invitation, confirmed_by)
    ceremonies.challenges.check(attestation.challenge, seal_of(told), binding, now_ns)
    new = Authenticator(
        tenant=invitation.tenant,
        subject=invitation.subject,
        credential_id="",
        public_key=b"",
        user_handle=_handle(invitation, kept),
        sign_count=0,
        name=name,
        created_ns=now_ns,
    )
    made = verify_attestation(ceremonies.party, attestation, rules_of(house.settings.step_up), new)
    if ceremonies.passkeys.taken(made.tenant, made.credential_id):
        raise refusal(StepUpRefusal.AUTHENTICATOR_EXISTS)
    ceremonies.challenges.use(attestation.challenge, binding, now_ns)
    if not ceremonies.passkeys.take_invitation(invitation.token_hash):
        raise refusal(StepUpRefusal.ENROLMENT_UNKNOWN)
    entry = _entry(made, invitation, confirmed_by)
    cause = record(house, made.tenant, made.subject, entry, now_ns)
    most = house.settings.step_up.max_authenticators
    added = ceremonies.passkeys.add(made, most=most, first=not (confirmed_by or invitation.recovery))
    if (
        added != "added"
    ):  # another enrolment of this very moment was quicker: say so, or the log would tell of a passkey
        no = _REFUSED[added]
        record(house, made.tenant, made.subject, msgspec.structs.replace(entry, outcome=no.value), now_ns)
        raise refusal(no)
    tell_credential(house, made.tenant, made.subject, "create", by="user", cause=cause)
    return made


def _confirmed_by(told: Mapping[str, Any], kept: list[Authenticator]) -> str:
    """Return the passkey that confirmed, which must still be there; empty for a first one."""
    if not kept:
        return ""  # whether it may be a first one is asked when it is added, in one transaction
    if not told.get("confirmed_by"):
        raise refusal(StepUpRefusal.ENROLMENT_NEEDS_EXISTING)
    name = write_bytes(read_bytes(told, "confirmed_by", MAX_CREDENTIAL_ID))
    if name not in {one.credential_id for one in kept}:
        raise refusal(StepUpRefusal.AUTHENTICATOR_UNKNOWN)
    return name


def _handle(invitation: Invitation, kept: list[Authenticator]) -> bytes:
    """Return the person's user handle: that of the other passkeys, else one that the secret link's hash makes."""
    return kept[0].user_handle if kept else sha256(_HANDLE + invitation.token_hash.encode())


def _entry(made: Authenticator, invitation: Invitation, confirmed_by: str) -> EnrolmentRecord:
    return EnrolmentRecord(
        subject=made.subject,
        authenticator=made.credential_id,
        name=made.name,
        model=made.aaguid,
        attestation=made.attestation,
        attested=made.attested,
        invited_by=invitation.by,
        recovery=invitation.recovery,
        confirmed_by=confirmed_by,
    )
