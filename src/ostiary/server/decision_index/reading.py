"""One decision's record as columns: only the members that are needed are decoded, the large ones are passed over.

>>> told = b'{"receipt":{"peer_ip":null},"subject_key":"user:ada","pep":"gw","outcome":{"effect":3,"rules":[]}}'
>>> row_of(7, 0, "dec_1", told).effect.name
'DENY'
"""

from typing import Final

import msgspec

from ostiary.decision.index.ports import IndexedDecision
from ostiary.decision.index.query import PPM
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Action, Resource, Subject

_MOST_REASONS: Final = 16


class _Receipt(msgspec.Struct, frozen=True):
    peer_ip: str | None = None


class _Hit(msgspec.Struct, frozen=True):
    rule: str = ""


class _Outcome(msgspec.Struct, frozen=True):
    effect: Effect
    reasons: tuple[str, ...] = ()
    rules: tuple[_Hit, ...] = ()


class _Event(msgspec.Struct, frozen=True):
    action: str
    resource_type: str
    resource_id: str
    subject_type: str = "user"
    action_class: str = "other"
    session_id: str | None = None
    ip: str | None = None


class _Request(msgspec.Struct, frozen=True):
    subject: Subject
    action: Action
    resource: Resource


class _Risk(msgspec.Struct, frozen=True):
    score: float | None = None


class _Told(msgspec.Struct, frozen=True):
    """The members of ``vocabulary.verdicts.DecisionRecord`` that become columns."""

    receipt: _Receipt
    subject_key: str
    pep: str
    outcome: _Outcome
    kind: str = "evaluation"
    event: _Event | None = None
    request: _Request | None = None
    risk: _Risk | None = None


_DECODER: Final = msgspec.json.Decoder(_Told)


def row_of(idx: int, time_ns: int, record_id: str, payload: bytes) -> IndexedDecision:
    """Return the columns of a record.

    Raises:
        msgspec.MsgspecError: it is no record of a decision.
    """
    told = _DECODER.decode(payload)
    about = told.event or _asked(told)
    return IndexedDecision(
        idx=idx,
        time_ns=time_ns,
        id=record_id,
        effect=told.outcome.effect,
        subject=told.subject_key,
        subject_type=about.subject_type,
        session=about.session_id or "",
        action=about.action,
        action_class=about.action_class,
        resource_type=about.resource_type,
        resource_id=about.resource_id,
        pep=told.pep,
        rule=told.outcome.rules[0].rule if told.outcome.rules else "",
        risk=_ppm(told.risk),
        ip=about.ip or told.receipt.peer_ip or "",
        kind=told.kind,
        reasons=told.outcome.reasons[:_MOST_REASONS],
    )


def _asked(told: _Told) -> _Event:
    """Return what a request asked that never became an event."""
    asked = told.request
    if asked is None:
        return _Event("", "", "", subject_type=told.subject_key.partition(":")[0], action_class="")
    return _Event(asked.action.name, asked.resource.type, asked.resource.id, subject_type=asked.subject.type)


def _ppm(risk: _Risk | None) -> int | None:
    if risk is None or risk.score is None:
        return None
    return min(PPM, max(0, round(risk.score * PPM)))
