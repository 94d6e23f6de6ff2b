"""The records around one decision: the proof that it rested on, the proof that it asked for, and what came next.

1. Only records of the same subject are looked at, by the log's own index; nothing of another tenant can be among them.
2. Bounded: so many records after it, within an hour; so many entries of the log before it. What lies beyond is
   not told.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.server.wiring import House
from ostiary.vocabulary.unreadable import UNREADABLE
from ostiary.vocabulary.verdicts import DecisionRecord

AFTER: Final = 200
AFTER_NS: Final = 3_600 * 1_000_000_000
BEFORE: Final = 20_000
_STEP_UP: Final = "step_up"
_DECISION: Final = "decision"


class _Told(msgspec.Struct, frozen=True):
    """What is read of a record that is no decision; every member may be missing."""

    outcome: Any = ""
    action: str = ""
    cause: str = ""
    decision_id: str = ""
    resource_type: str = ""
    resource_id: str = ""
    verdict: str = ""


class _Proof(msgspec.Struct, frozen=True):
    acr: str = ""


class _Session(msgspec.Struct, frozen=True):
    step_up: _Proof | None = None


class _Input(msgspec.Struct, frozen=True):
    session: _Session = _Session()


class Link(msgspec.Struct, frozen=True):
    """One related record.

    Attributes:
        relation: ``rests_on``, ``asked_by`` (the decision that wanted that proof), ``proof``, ``next``, ``caused``.
        effect: of a decision, else empty; ``what`` says in a few words what it tells.
    """

    relation: str
    kind: str
    record: str
    index: int
    time_ns: int
    what: str
    effect: str = ""


_told = msgspec.json.Decoder(_Told).decode
_decision = msgspec.json.Decoder(DecisionRecord).decode
_input = msgspec.json.Decoder(_Input).decode


def chain_of(house: House, stored: StoredRecord, record: DecisionRecord) -> list[Link]:
    """Return what is related to a decision, oldest first."""
    if not record.subject_key or record.event is None:
        return []
    return [*_before(house, stored, record), *_after(house, stored, record)]


def rests_on_proof(record: DecisionRecord) -> bool:
    """Return whether a proof of a step-up was there when it was decided."""
    return _input(bytes(record.input)).session.step_up is not None


def _before(house: House, stored: StoredRecord, record: DecisionRecord) -> Iterator[Link]:
    if not rests_on_proof(record):
        return
    since = max(0, stored.index - BEFORE)
    found: tuple[StoredRecord, _Told] | None = None
    for one in house.log.iterate(record.tenant, _STEP_UP, since, record.subject_key):
        told = _read(one)
        if one.index >= stored.index:
            break
        if told is not None and told.outcome == "proven" and _same(told, record):
            found = (one, told)
    if found is None:
        return
    proof, told = found
    asked = house.log.get(record.tenant, told.cause)
    if asked is not None and asked.kind == _DECISION and asked.payload is not None:
        yield _of_decision("asked_by", asked, _decision(asked.payload))
    yield _of_other("rests_on", proof, told)


def _after(house: House, stored: StoredRecord, record: DecisionRecord) -> Iterator[Link]:
    name, until, again = stored.record_id, stored.time_ns + AFTER_NS, False
    looked = house.log.iterate(record.tenant, None, stored.index + 1, record.subject_key)
    for _, one in zip(range(AFTER), looked, strict=False):
        if one.time_ns > until or one.payload is None:
            continue
        if one.kind == _DECISION:
            other = _decision(one.payload)
            if not again and _same_access(other, record):
                again = True
                yield _of_decision("next", one, other)
            continue
        told = _read(one)
        if told is not None and name in {told.cause, told.decision_id}:
            yield _of_other("proof" if one.kind == _STEP_UP else "caused", one, told)


def _read(stored: StoredRecord) -> _Told | None:
    """Return what a record of another kind says, ``None`` when it was erased or speaks in another way."""
    try:
        return None if stored.payload is None else _told(stored.payload)
    except UNREADABLE:
        return None  # another kind's members may have other types: then it names no decision either


def _same(told: _Told, record: DecisionRecord) -> bool:
    event = record.event
    mine = None if event is None else (event.action, event.resource_type, event.resource_id)
    return (told.action, told.resource_type, told.resource_id) == mine


def _same_access(other: DecisionRecord, record: DecisionRecord) -> bool:
    one, two = other.event, record.event
    return one is not None and two is not None and _what(one) == _what(two)


def _what(event: Any) -> tuple[str, str, str]:
    return event.action, event.resource_type, event.resource_id


def _of_decision(relation: str, stored: StoredRecord, record: DecisionRecord) -> Link:
    event = record.event
    what = "" if event is None else f"{event.action} {event.resource_type}:{event.resource_id}"
    effect = record.outcome.effect.name
    return Link(relation, stored.kind, stored.record_id, stored.index, stored.time_ns, what, effect)


def _of_other(relation: str, stored: StoredRecord, told: _Told) -> Link:
    what = told.verdict or (told.outcome if isinstance(told.outcome, str) else "") or told.action
    return Link(relation, stored.kind, stored.record_id, stored.index, stored.time_ns, what[:200])
