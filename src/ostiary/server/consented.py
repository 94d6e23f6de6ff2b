"""Deeds that one administrator did alone before there were people: what exactly people agree to in each.

- Erasing: bound to whom and to the legal reason. The record of it stays as it was, without a name.
- Keys: bound to the purpose, the algorithm and the overlap; the key itself is made when it is done.
- Administrators: bound to what the new key may do. Revoking one only tightens: one person is enough.
- The first passkey of one of the people: bound to the person, once enough others could agree to it.
- A passkey's recovery and a step of a playbook: bound to the very request and to the digest of what was shown; whom it
  is about is nobody who may agree.
"""

from typing import Final

from ostiary.approvals.counting import tally
from ostiary.errors import FaultyInputError
from ostiary.response.plan import Planned
from ostiary.server.admins import name_of
from ostiary.server.agreed import Consent
from ostiary.server.wiring import House
from ostiary.signals.texts import neutral
from ostiary.vocabulary.approvals import Deed

ERASE: Final = "subject.erase"
KEYS: Final = "keys.ceremony"
ADMINISTRATORS: Final = "administrators.change"
RECOVERY: Final = "authenticator.recover"
FIRST: Final = "authenticator.first"
STEP: Final = "response.step"
MAX_REASON: Final = 500


def erase_deed(tenant: str, target: str, reason: str, **more: str) -> Deed:
    """Return the deed of erasing: ``target`` is ``type:id`` or ``tenant:NAME``."""
    return Deed(tenant, ERASE, target, {"reason": legal_reason(reason), **more}, frozenset({target}))


def legal_reason(reason: str) -> str:
    """Return a legal reason as it is kept: one line, harmless.

    Raises:
        FaultyInputError: ``reason_too_long``.
    """
    clean = neutral(reason).strip()
    if len(clean) > MAX_REASON:
        raise FaultyInputError("reason_too_long", f"give the reason in at most {MAX_REASON} characters")
    return clean


def may_erase(house: House, who: str, tenant: str, target: str, reason: str, proposal: str, **more: str) -> Consent:
    """Return by whom a subject or tenant may be erased.

    Raises:
        FaultyInputError: ``reason_missing`` where people must agree, ``reason_too_long``.
        RefusedError: ``approval_…``.
    """
    deed = erase_deed(tenant, target, reason, **more)
    if house.agreed.has_people(tenant) and not deed.bound["reason"]:
        raise FaultyInputError("reason_missing", "say for what legal reason: people agree to that, too")
    return house.agreed.need(deed, proposal, who)


def may_change_keys(house: House, who: str, tenant: str, purpose: str, proposal: str, **bound: str) -> Consent:
    """Return by whom a key may be replaced; raises ``approval_…``."""
    return house.agreed.need(Deed(tenant, KEYS, purpose, bound), proposal, who)


def may_add_administrator(house: House, who: str, tenant: str, proposal: str) -> Consent:
    """Return by whom an administrator's key may be made; raises ``approval_…``."""
    deed = Deed(tenant, ADMINISTRATORS, "administrators", {"add": tenant}, frozenset({name_of(who)}))
    return house.agreed.need(deed, proposal, who)


def may_recover(house: House, who: str, tenant: str, subject: str, recovery: str, proposal: str) -> Consent:
    """Return by whom a person's passkeys may be taken away for a new beginning; raises ``approval_…``."""
    deed = Deed(tenant, RECOVERY, subject, {"recovery": recovery}, frozenset({subject}))
    return house.agreed.need(deed, proposal, who)


def may_begin(house: House, who: str, tenant: str, subject: str, proposal: str) -> Consent:
    """Return by whom one of the people may be invited to the first passkey; raises ``approval_…``.

    Whoever makes that link could keep it, and agree under another's name. So people agree to it as soon as enough
    others hold a passkey; before, nobody could, and it is one administrator's deed that the log tells of.
    """
    if not others_must_agree(house, tenant, subject):
        return Consent()
    return house.agreed.need(Deed(tenant, FIRST, subject, {"first": "passkey"}, frozenset({subject})), proposal, who)


def others_must_agree(house: House, tenant: str, subject: str) -> bool:
    """Return whether the first passkey of ``subject`` needs others to agree: one of the people, enough hold one."""
    passkeys, law = house.store.authenticators, house.approvals.room.law(tenant)
    others = [one for one in law.people if one.name != subject and passkeys.of_subject(tenant, one.name)]
    return law.find(subject) is not None and tally(law.rule(FIRST), others).enough


def approve_by(house: House, who: str, tenant: str, step: str, digest: str, proposal: str) -> Planned:
    """Agree to a playbook's step: one administrator, or where there are people enough of them.

    Raises:
        RefusedError: ``step_unknown``, ``step_not_waiting``, ``plan_changed``, ``approval_…``.
        UnavailableError: it cannot be recorded, and so did not happen.
    """
    house.response.journal.find(tenant, step)  # an unknown step uses no agreement up
    house.agreed.need(Deed(tenant, STEP, step, {"digest": digest}), proposal, who)
    return house.response.approvals.approve(tenant, step, digest, who)
