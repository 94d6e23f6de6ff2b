"""What one decision asks a person to confirm, read back from its record, so that it survives restarts.

Only a recorded STEP_UP of a living tenant counts, only for some minutes, and only if a passkey can satisfy it.
Everything else (an unknown id, another tenant's, a denial, an old one) is ``None``, all alike.
"""

import re
from typing import Final

import msgspec

from ostiary.decision.answer import remediation_of, user_sentence
from ostiary.identity.webauthn.types import ACR
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord, Obligation

_NS: Final = 1_000_000_000
_TENANT: Final = re.compile(r"[a-z0-9-]{1,63}\Z")
_DECISION: Final = re.compile(r"dec_[0-9A-HJKMNP-TV-Z]{26}\Z")
STEP_UP: Final = "step-up"


class _Identity(msgspec.Struct, frozen=True):
    session_id: str = ""
    proof: str = "none"


class _Subject(msgspec.Struct, frozen=True):
    identity: _Identity = _Identity()


class _Told(msgspec.Struct, frozen=True):
    """The few members of a record's input that decide here."""

    subject: _Subject = _Subject()


class Asked(msgspec.Struct, frozen=True):
    """One step-up that can be answered now.

    Attributes:
        subject: ``type:id`` of the person.
        session: the session's name in the ledger, empty without one.
        expires_ns: no answer counts from this moment on.
        acr: the authentication class that an answer proves.
        max_age_s: the longest that a proof may hold by the rules that asked; ``None`` when they do not say.
        why, how: the sentence of the rule that asked, and what its author advises.
        address: where the request came from, empty when that is not known.
        key: thumbprint of the key that came with the request, empty without one.
    """

    tenant: str
    decision_id: str
    subject: str
    session: str
    action: str
    resource_type: str
    resource_id: str
    asked_ns: int
    expires_ns: int
    acr: str
    max_age_s: int | None
    why: str
    how: tuple[str, ...]
    address: str
    key: str


def find_asked(house: House, tenant: str, decision_id: str, now_ns: int) -> Asked | None:
    """Return what a decision asks to confirm, or ``None``."""
    if not names_decision(tenant, decision_id) or house.tenants.find(tenant) is None:
        return None
    stored = house.log.get(tenant, decision_id)
    if stored is None or stored.kind != "decision" or stored.payload is None:
        return None
    record = msgspec.json.decode(stored.payload, type=DecisionRecord)
    expires_ns = record.receipt.received_ns + house.settings.step_up.answer_s * _NS
    obligation = step_up_of(record)
    if obligation is None or not record.receipt.received_ns <= now_ns < expires_ns:
        return None
    acr = acr_for(obligation, house.settings.step_up.acr_values)
    return _asked(record, obligation, acr, expires_ns) if acr else None


def names_decision(tenant: str, decision_id: str) -> bool:
    """Return whether these could be a tenant and a decision of it."""
    return bool(_TENANT.match(tenant) and _DECISION.match(decision_id))


def step_up_of(record: DecisionRecord) -> Obligation | None:
    """Return the obligation to step up of a decision that asks for it, else ``None``."""
    if record.outcome.effect != Effect.STEP_UP or record.event is None:
        return None
    return next((one for one in record.obligations if one.type == STEP_UP), None)


def acr_for(obligation: Obligation, ours: tuple[str, ...]) -> str:
    """Return the class that a passkey proves here, the strongest first; empty when it proves none that is asked for."""
    wanted = obligation.properties.get("acr_values", [])
    given = [value for value in wanted if value in ours] if isinstance(wanted, list | tuple) else []
    return ACR if ACR in given else next(iter(given), "")


def proof_of(record: DecisionRecord) -> str:
    """Return how possession of the subject's token was proved: ``none``, ``dpop`` or ``mtls``."""
    return _told(record).subject.identity.proof


def _told(record: DecisionRecord) -> _Told:
    return msgspec.json.decode(record.input, type=_Told)


def _asked(record: DecisionRecord, obligation: Obligation, acr: str, expires_ns: int) -> Asked | None:
    event = record.event
    if event is None:
        return None
    max_age = obligation.properties.get("max_age")
    return Asked(
        tenant=record.tenant,
        decision_id=record.receipt.decision_id,
        subject=record.subject_key,
        session=_session(record),
        action=event.action,
        resource_type=event.resource_type,
        resource_id=event.resource_id,
        asked_ns=record.receipt.received_ns,
        expires_ns=expires_ns,
        acr=acr,
        max_age_s=max_age if isinstance(max_age, int) else None,
        why=user_sentence(record.outcome, outside=True),
        how=tuple(remediation_of(record.outcome)),
        address=event.ip or "",
        key=record.key,
    )


def _session(record: DecisionRecord) -> str:
    """Return under which name the ledger knows the session: as ``decision.event.sessions_of`` does."""
    vouched = _told(record).subject.identity.session_id
    if vouched or record.event is None or not record.event.session_id:
        return vouched
    return f"{record.event.subject_type}\n{record.event.subject_id}\n{record.event.session_id}"
