"""What a decision sets off: its harshest effect, and the obligations that Ostiary itself can see to.

- ``decision:<EFFECT>`` for TERMINATE; ``obligation:<type>`` for ``notification`` and ``human_review``.
- ``facts["by"]`` is ``rule`` when the guardrails alone would have had the same effect, else ``model``.
- Obligations are of the same decision id, so a decision that is told twice has its effects once.
- What waits to be looked at is kept ``bare``: most of a record is what the models and the rules were shown.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ostiary.response.trigger import MODEL, RULE, Trigger
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.unreadable import UNREADABLE
from ostiary.vocabulary.verdicts import DecisionRecord

SEEN_TO: Final = frozenset({"human_review", "notification"})


class _Identity(msgspec.Struct, frozen=True):
    session_id: str = ""


class _Subject(msgspec.Struct, frozen=True):
    identity: _Identity = _Identity()


class _Input(msgspec.Struct, frozen=True):
    subject: _Subject = _Subject()


_SHOWN: Final = ("body", "proposal", "to", "topic")


def triggers_of(record: DecisionRecord) -> Iterator[Trigger]:
    """Return what one decision sets off, in order."""
    if record.outcome.effect == Effect.TERMINATE:
        yield _trigger(record, "decision:TERMINATE", record.receipt.decision_id, {})
    for obligation in record.obligations:
        if obligation.type in SEEN_TO:
            told = {name: value for name in _SHOWN if isinstance(value := obligation.properties.get(name), str)}
            name = f"{record.receipt.decision_id}/{obligation.id}"
            yield _trigger(record, f"obligation:{obligation.type}", name, {"obligation": obligation.id, **told})


def concerns(record: DecisionRecord) -> bool:
    """Return whether a decision sets anything off at all; quick, because it is asked of every decision."""
    return record.outcome.effect == Effect.TERMINATE or any(one.type in SEEN_TO for one in record.obligations)


def bare(record: DecisionRecord) -> DecisionRecord:
    """Return a decision with all that a response reads of it, and nothing else: some 2 kB instead of 9."""
    return DecisionRecord(
        record.v,
        record.tenant,
        record.receipt,
        record.pep,
        record.subject_key,
        record.outcome,
        input=_session_of(record),
        event=record.event,
        obligations=record.obligations,
    )


def _session_of(record: DecisionRecord) -> msgspec.Raw:
    """Return the part of what the rules were shown that ``session_name`` reads."""
    if record.event is None or not record.event.session_id:
        return msgspec.Raw(b"{}")
    try:
        return msgspec.Raw(msgspec.json.encode(msgspec.json.decode(record.input, type=_Input)))
    except UNREADABLE:  # whoever reads it tells of that
        return record.input


def session_name(record: DecisionRecord) -> str:
    """Return the ledger's name of a decision's session, or nothing.

    An id that only the enforcement point claims names a session of this very subject (``decision.event.sessions_of``):
    a response to one subject's decision must not end another's session because somebody named it.
    """
    if record.event is None or not record.event.session_id:
        return ""
    vouched = msgspec.json.decode(record.input, type=_Input).subject.identity.session_id
    if vouched:
        return vouched
    return f"{record.event.subject_type}\n{record.event.subject_id}\n{record.event.session_id}"


def _trigger(record: DecisionRecord, kind: str, name: str, told: dict[str, Any]) -> Trigger:
    event, outcome = record.event, record.outcome
    facts = {
        **told,
        "by": RULE if outcome.floor >= outcome.effect else MODEL,
        "decision_id": record.receipt.decision_id,
        "effect": outcome.effect.name,
        "reason": outcome.reasons[0] if outcome.reasons else "",
        "rules": [hit.rule for hit in outcome.rules],
        "pep": record.pep,
    }
    if event is not None:
        facts |= {"action": event.action, "resource": f"{event.resource_type}:{event.resource_id}"}
    return Trigger(
        id=name,
        tenant=record.tenant,
        kind=kind,
        subject=record.subject_key,
        session_id=session_name(record),
        device_id=(event.device_id or "") if event else "",
        facts=facts,
        at_ns=record.receipt.received_ns,
    )
