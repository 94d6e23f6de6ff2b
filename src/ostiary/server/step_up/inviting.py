"""How a passkey comes to be: an administrator makes a one-time link, and nobody else can.

1. Only the token's hash is kept; the link is shown once, to the administrator who carries it to the person.
2. An invitation lets a person add a passkey; one who has some already must confirm with one of them first. So no
   administrator alone can put a passkey of his own beside another person's.
3. The first passkey of one of the people who approve needs their agreement, once enough others hold one: else an
   administrator could begin as somebody who never did, and agree under that name. A link from before
   it was so is good no more.
4. Who has lost all, or whose passkeys were all removed, needs a recovery: two administrators, of whom the second is not
   the first; or, where the tenant has people, enough of them and not the person itself. Approving removes what was
   lost, for it may be in other hands, and makes the invitation: the only one that counts until there is a passkey
   again. So nobody alone can take a person's passkeys away, or wait until others do, and put his own in their place.
"""

from typing import Final

import msgspec

from ostiary.identity.webauthn.codes import StepUpRefusal
from ostiary.identity.webauthn.ports import Invitation, Recovery
from ostiary.identity.webauthn.refusing import refusal
from ostiary.identity.webauthn.types import clean_subject
from ostiary.keys import hash_secret, new_secret, random_bytes
from ostiary.server.consented import may_begin, may_recover, others_must_agree
from ostiary.server.deeds import record_about
from ostiary.server.signalling import tell_credential
from ostiary.server.step_up.party import page_base
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

_NS: Final = 1_000_000_000
_MAX_TOKEN: Final = 64
_MAX_REASON: Final = 500
ENROL: Final = "/enrol/"


class Invited(msgspec.Struct, frozen=True):
    """A fresh link; it is never seen again."""

    url: str
    subject: str
    expires_ns: int


class Approved(msgspec.Struct, frozen=True):
    """What approving a recovery did."""

    invited: Invited
    removed: int


def invite(house: House, tenant: str, subject: str, by: str, *, recovery: str = "", proposal: str = "") -> Invited:
    """Make a link by which ``subject`` can add a passkey; ``proposal`` is what people agreed to, where they must.

    Raises:
        FaultyInputError: ``subject_invalid``.
        RefusedError: ``step_up_unknown`` when this server has no page, ``recovery_needed``, ``approval_…``.
        UnavailableError: the log cannot be written; then there is no link.
    """
    now_ns, base = house.clock.now_ns(), page_base(house.settings)
    if not base or not house.settings.step_up.enabled:
        raise refusal(StepUpRefusal.STEP_UP_UNKNOWN)
    if not recovery and must_recover(house, tenant, clean_subject(subject)):
        raise refusal(StepUpRefusal.RECOVERY_NEEDED)
    agreed = ""
    if not recovery and not house.store.authenticators.of_subject(tenant, subject):
        agreed = may_begin(house, by, tenant, subject, proposal).proposal
    token = new_secret()
    expires_ns = now_ns + house.settings.step_up.enrol_s * _NS
    invitation = Invitation(tenant, subject, hash_secret(token), by, now_ns, expires_ns, recovery, agreed)
    _record(house, by, tenant, "invite", subject, recovery=recovery)
    house.store.authenticators.save_invitation(invitation)
    return Invited(f"{base}{ENROL}{token}", subject, expires_ns)


def must_recover(house: House, tenant: str, subject: str) -> bool:
    """Return whether all of a person's passkeys were taken away: the way back is a recovery."""
    passkeys = house.store.authenticators
    return passkeys.had(tenant, subject) and not passkeys.of_subject(tenant, subject)


def find_invitation(house: House, token: str, now_ns: int) -> Invitation | None:
    """Return the invitation of a link that is good now; everything else is ``None``, all alike."""
    if not token or len(token) > _MAX_TOKEN or not token.isascii():
        return None
    found = house.store.authenticators.find_invitation(hash_secret(token))
    if found is None or not found.created_ns <= now_ns < found.expires_ns:
        return None
    if house.tenants.find(found.tenant) is None or _overtaken(house, found):
        return None
    return found


def _overtaken(house: House, found: Invitation) -> bool:
    """Return whether others would have to agree by now to what one administrator did alone."""
    if found.recovery or found.proposal or house.store.authenticators.of_subject(found.tenant, found.subject):
        return False
    return others_must_agree(house, found.tenant, found.subject)


def request_recovery(house: House, tenant: str, subject: str, by: str, reason: str) -> Recovery:
    """Ask that a person may begin anew; a second administrator must approve.

    Raises:
        FaultyInputError: ``subject_invalid``.
        RefusedError: ``authenticator_none`` when there is nothing to recover from.
        UnavailableError: the log cannot be written.
    """
    now_ns = house.clock.now_ns()
    if not house.store.authenticators.had(tenant, clean_subject(subject)):
        raise refusal(StepUpRefusal.AUTHENTICATOR_NONE)
    recovery = Recovery(
        tenant=tenant,
        recovery_id=make_id("rec", now_ns, random_bytes(RANDOM_BYTES)),
        subject=subject,
        requested_by=by,
        reason="".join(c if c.isprintable() else " " for c in reason[:_MAX_REASON]),
        created_ns=now_ns,
        expires_ns=now_ns + house.settings.step_up.recovery_s * _NS,
    )
    _record(house, by, tenant, "recovery_request", subject, recovery=recovery.recovery_id, reason=recovery.reason)
    house.store.authenticators.save_recovery(recovery)
    return recovery


def open_recoveries(house: House, tenant: str) -> list[Recovery]:
    """Return the recoveries of a tenant that can still be approved."""
    now_ns = house.clock.now_ns()
    return [one for one in house.store.authenticators.recoveries(tenant) if now_ns < one.expires_ns]


def approve_recovery(house: House, tenant: str, recovery_id: str, by: str, proposal: str = "") -> Approved:
    """Approve as the second administrator, or by ``proposal``: all passkeys of the person go, and a link comes.

    Raises:
        RefusedError: ``recovery_unknown``, ``recovery_same_administrator``, ``approval_…``.
        UnavailableError: the log cannot be written; then it must be asked for again.
    """
    now_ns, passkeys = house.clock.now_ns(), house.store.authenticators
    found = passkeys.find_recovery(tenant, recovery_id)
    if found is None or now_ns >= found.expires_ns:
        raise refusal(StepUpRefusal.RECOVERY_UNKNOWN)
    if house.agreed.has_people(tenant):
        may_recover(house, by, tenant, found.subject, recovery_id, proposal)
    elif any(house.admins.same(name, by) for name in (found.requested_by, found.subject)):
        raise refusal(StepUpRefusal.RECOVERY_SAME_ADMINISTRATOR)
    if not passkeys.take_recovery(tenant, recovery_id):  # approved meanwhile
        raise refusal(StepUpRefusal.RECOVERY_UNKNOWN)
    told = {"recovery": recovery_id, "requested_by": found.requested_by}
    cause = _record(house, by, tenant, "recovery_approve", found.subject, **told)
    removed = passkeys.begin_anew(tenant, found.subject)
    tell_credential(house, tenant, found.subject, "delete", by="admin", cause=cause)
    return Approved(invite(house, tenant, found.subject, by, recovery=recovery_id), removed)


def rename(house: House, tenant: str, subject: str, credential_id: str, name: str, by: str) -> None:
    """Give a passkey another name.

    Raises:
        RefusedError: ``authenticator_unknown``.
    """
    _must_have(house, tenant, subject, credential_id)
    _record(house, by, tenant, "rename", subject, authenticator=credential_id, name=name)
    if not house.store.authenticators.rename(tenant, subject, credential_id, name):
        raise refusal(StepUpRefusal.AUTHENTICATOR_UNKNOWN)


def remove(house: House, tenant: str, subject: str, credential_id: str, by: str, why: str = "") -> None:
    """Forget a passkey; from then on it confirms nothing.

    Raises:
        RefusedError: ``authenticator_unknown``.
    """
    _must_have(house, tenant, subject, credential_id)
    because = {"why": why} if why else {}
    cause = _record(house, by, tenant, "remove", subject, authenticator=credential_id, **because)
    if not house.store.authenticators.remove(tenant, subject, credential_id):
        raise refusal(StepUpRefusal.AUTHENTICATOR_UNKNOWN)
    tell_credential(house, tenant, subject, "delete", by="admin", cause=cause)


def _record(house: House, by: str, tenant: str, deed: str, subject: str, **told: str) -> str:
    """Record a deed before it is done, and return the record's id; it names the person and is erased with it."""
    return record_about(subject, house, by, tenant, f"authenticator.{deed}", {"subject": subject, **told})


def _must_have(house: House, tenant: str, subject: str, credential_id: str) -> None:
    kept = house.store.authenticators.of_subject(tenant, subject)
    if credential_id not in {one.credential_id for one in kept}:
        raise refusal(StepUpRefusal.AUTHENTICATOR_UNKNOWN)
