"""Runs Sigma rules over a tenant's decisions and imported events, and writes hits down as detections.

- A hit has one record whatever is run again: its id is made of rule and event.
- Decisions are read from the log, events from the tenant's history; those before ``since_ns`` are left out.
- At most ``MAX_HITS`` hits a rule and run; a rule that hits more often is told as too loud, and the rest is left out.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from ostiary.keys import sha256_hex
from ostiary.server.decision_index.since import first_since
from ostiary.server.wiring import House
from ostiary.signals import eventfile
from ostiary.signals.sigma.rule import SigmaRule
from ostiary.signals.sigma.sources import DECISIONS, EVENTS, facts_of
from ostiary.vocabulary.verdicts import DecisionRecord

KIND: Final = "sigma"
MAX_HITS: Final = 1_000
RECORD_WAIT_S: Final = 10.0
_Event = tuple[str, int, str, str, dict[str, Any]]


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One event that one rule is about; its record in the log.

    Attributes:
        about: the event's or the decision's id.
        attack: techniques of MITRE ATT&CK.
    """

    rule: str
    title: str
    level: str
    attack: tuple[str, ...]
    store: str
    about: str
    subject: str
    time_ns: int
    v: int = 1

    @property
    def record_id(self) -> str:
        """The id under which it is recorded, the same however often it is found."""
        return "sig_" + sha256_hex(msgspec.json.encode((self.rule, self.store, self.about)))[:26]


class SigmaRun(msgspec.Struct):
    """What came of a run: events looked at, hits by rule, and rules that hit too often."""

    looked_at: dict[str, int] = {}
    hits: dict[str, int] = {}
    recorded: int = 0
    too_loud: list[str] = []


def run_rules(
    house: House, tenant: str, rules: Iterable[SigmaRule], since_ns: int, told: SigmaRun, *, record: bool
) -> Iterator[Hit]:
    """Yield each hit, and record it unless told not to; ``told`` counts.

    Raises:
        FaultyInputError: ``events_malformed``.
        UnavailableError: a hit cannot be recorded.
    """
    wanted = list(rules)
    told.hits = {rule.rule_id: 0 for rule in wanted}
    for store, events in ((EVENTS, _events(house, tenant)), (DECISIONS, _decisions(house, tenant, since_ns))):
        asked = [rule for rule in wanted if rule.source.store == store]
        for about, time_ns, subject, source, facts in events if asked else ():
            if time_ns < since_ns:
                continue
            told.looked_at[store] = told.looked_at.get(store, 0) + 1
            for rule in asked:
                if (rule.source.formats and source not in rule.source.formats) or not rule.matches(facts):
                    continue
                if told.hits[rule.rule_id] >= MAX_HITS:
                    told.too_loud += [] if rule.rule_id in told.too_loud else [rule.rule_id]
                    continue
                told.hits[rule.rule_id] += 1
                hit = _hit(rule, store, about, subject, time_ns)
                told.recorded += record and _record(house, tenant, hit)
                yield hit


def _hit(rule: SigmaRule, store: str, about: str, subject: str, time_ns: int) -> Hit:
    return Hit(
        rule=rule.rule_id, title=rule.title, level=rule.level, attack=rule.attack, store=store, about=about,
        subject=subject, time_ns=time_ns,
    )  # fmt: skip


def _record(house: House, tenant: str, hit: Hit) -> bool:
    if house.log.get(tenant, hit.record_id) is not None:
        return False
    payload, now = msgspec.json.encode(hit), house.clock.now_ns()
    house.log.append(tenant, KIND, hit.record_id, now, payload, hit.subject).result(timeout=RECORD_WAIT_S)
    return True


def _events(house: House, tenant: str) -> Iterator[_Event]:
    path = house.places.history(tenant)
    for event in eventfile.read(path) if path.is_file() else ():
        yield event.event_id, event.time_ns, f"{event.subject_type}:{event.subject_id}", event.source, facts_of(event)


def _decisions(house: House, tenant: str, since_ns: int) -> Iterator[_Event]:
    for stored in house.log.iterate(tenant, "decision", first_since(house, tenant, since_ns)):
        if stored.payload is None:
            continue
        record = msgspec.json.decode(stored.payload, type=DecisionRecord)
        outcome, event = record.outcome, record.event
        facts: dict[str, Any] = {} if event is None else facts_of(event)
        facts |= {"effect": outcome.effect.name, "pep": record.pep, "reasons": list(outcome.reasons)}
        facts |= {"refusal": record.refusal or None, "rules": [hit.rule for hit in outcome.rules]}
        yield stored.record_id, stored.time_ns, record.subject_key, "", facts
