"""What a period came to, counted record by record: for the printed page and for ``report.json`` of a pack.

Nothing here is estimated: a number is a count of records that the pack holds. Which decisions are decided again is
chosen by a digest of their ids, so that nobody chooses.
"""

from collections import Counter
from typing import Any, Final

import msgspec

from ostiary.decision.replay import replay
from ostiary.errors import OstiaryError
from ostiary.keys import sha256_hex
from ostiary.server.auditing.evidence import Evidence, Shown
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.unreadable import UNREADABLE
from ostiary.vocabulary.verdicts import DecisionRecord

SAMPLED: Final = 20
_MOST_NAMES: Final = 1_000
_NAMED: Final = 40


class Span(msgspec.Struct):
    """From when to when something was in force, as decisions say, and for how many of them."""

    name: str
    first_ns: int
    last_ns: int
    decisions: int = 0


class Person(msgspec.Struct, frozen=True):
    """What one person or key did: deeds and acts of approval, with the commonest kinds."""

    name: str
    deeds: int
    approvals: int
    commonest: tuple[str, ...]


class Again(msgspec.Struct, frozen=True):
    """One decision, decided again; ``why_not`` says why it could not be."""

    decision: str
    before: str
    after: str = ""
    same: bool = False
    why_not: str = ""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All that was counted."""

    records: int
    kinds: dict[str, int]
    effects: dict[str, int]
    rules: list[tuple[str, str, int]]
    policies: list[Span]
    models: list[Span]
    people: list[Person]
    evidence: list[Shown]
    again: list[Again]
    unread: int


class Tally:
    """Counts records as they come, in the order of the log."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kinds: Counter[str] = Counter()
        self._effects: Counter[str] = Counter()
        self._rules: Counter[tuple[str, str]] = Counter()
        self._policies: dict[str, Span] = {}
        self._models: dict[str, Span] = {}
        self._deeds: dict[str, Counter[str]] = {}
        self._approvals: Counter[str] = Counter()
        self._sampled: dict[str, tuple[str, bytes]] = {}
        self._evidence = Evidence()
        self._unread = 0

    def see(self, record_id: str, kind: str, at_ns: int, payload: bytes | None) -> None:
        """Count one record; of an erased one there is only the kind."""
        self._kinds[kind] += 1
        told = _object(payload)
        if told is None:
            self._unread += 1
            return
        self._evidence.see(record_id, kind, told)
        if kind == "decision" and payload is not None:
            self._decision(record_id, at_ns, told, payload)
        elif kind == "admin":
            self._deeds.setdefault(_text(told.get("by")), Counter())[_text(told.get("action"))] += 1
        elif kind == "approval":
            self._approvals.update(_approvers(told))

    def figures(self, house: House, tenant: str) -> Figures:
        """Return what was counted, with the sample decided again under the policy that is in force now."""
        names = {name for name in (*self._deeds, *self._approvals) if name}
        people = [
            Person(
                name,
                self._deeds.get(name, Counter()).total(),
                self._approvals[name],
                tuple(action for action, _ in self._deeds.get(name, Counter()).most_common(3)),
            )
            for name in sorted(names)[:_MOST_NAMES]
        ]
        return Figures(
            records=self._kinds.total(),
            kinds=dict(sorted(self._kinds.items())),
            effects={one.name: self._effects[one.name] for one in Effect},
            rules=[(rule, effect, count) for (rule, effect), count in self._rules.most_common(_NAMED)],
            policies=sorted(self._policies.values(), key=_first),
            models=sorted(self._models.values(), key=_first),
            people=people,
            evidence=self._evidence.rows(),
            again=[_again(house, tenant, payload) for _, payload in sorted(self._sampled.values())],
            unread=self._unread,
        )

    def _decision(self, record_id: str, at_ns: int, told: dict[str, Any], payload: bytes) -> None:
        outcome = told.get("outcome")
        effect = _effect(outcome)
        self._effects[effect] += 1
        for hit in outcome.get("rules", ()) if isinstance(outcome, dict) else ():
            self._rules[(_text(hit.get("rule")), effect)] += 1
        _span(self._policies, _text(told.get("bundle")), at_ns)
        risk = told.get("risk")
        _span(self._models, _text(risk.get("model")) if isinstance(risk, dict) else "", at_ns)
        if told.get("kind", "evaluation") == "evaluation":
            self._sample(record_id, payload)

    def _sample(self, record_id: str, payload: bytes) -> None:
        rank = sha256_hex(b"ostiary/audit-sample\0" + record_id.encode())
        if len(self._sampled) < SAMPLED or rank < max(self._sampled):
            self._sampled[rank] = (record_id, payload)
            if len(self._sampled) > SAMPLED:
                del self._sampled[max(self._sampled)]


def _again(house: House, tenant: str, payload: bytes) -> Again:
    record = msgspec.json.decode(payload, type=DecisionRecord)
    name, before = record.receipt.decision_id, record.outcome.effect.name
    try:
        engine = house.policies.engine(tenant)
        if record.bundle and record.bundle != engine.digest:
            return Again(name, before, why_not="another policy was in force then")
        found = replay(record, engine)
    except OstiaryError as no:
        return Again(name, before, why_not=no.message)
    return Again(name, before, found.after.name, same=not found.changed)


def _approvers(told: dict[str, Any]) -> list[str]:
    """Return who signed, proposed or withdrew, of the acts of one record."""
    entries = told.get("entries")
    acts = [one.get("act") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    return [_text(act.get("person") or act.get("by")) for act in acts if isinstance(act, dict)]


def _span(spans: dict[str, Span], name: str, at_ns: int) -> None:
    if not name or (name not in spans and len(spans) >= _MOST_NAMES):
        return
    span = spans.setdefault(name, Span(name, at_ns, at_ns))
    span.first_ns, span.last_ns = min(span.first_ns, at_ns), max(span.last_ns, at_ns)
    span.decisions += 1


def _effect(outcome: object) -> str:
    number = outcome.get("effect") if isinstance(outcome, dict) else None
    return Effect(number).name if isinstance(number, int) and number in set(Effect) else "unknown"


def _first(span: Span) -> int:
    return span.first_ns


def _object(payload: bytes | None) -> dict[str, Any] | None:
    if payload is None:
        return None
    try:
        told = msgspec.json.decode(payload)
    except UNREADABLE:
        return None
    return told if isinstance(told, dict) else None


def _text(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""
