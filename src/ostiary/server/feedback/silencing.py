"""Adding, removing and previewing suppressions in a house: the deed on record first, then the effect.

A preview takes the decisions of the last days and asks the law again, the suppression in force: what would have been
milder, and what people have confirmed of it, which is what the silence would have hidden.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec

from ostiary.decision.combine import BreakGlass, combine
from ostiary.decision.phases import PhaseTable
from ostiary.decision.suppressing import Suppression, withheld
from ostiary.policy.bundle import Bundle
from ostiary.policy.bundle_files import read_files
from ostiary.policy.limits import BundleLimits
from ostiary.policy.reads import RuleTree
from ostiary.policy.rulebook import annotations
from ostiary.server.decision_index.since import first_since
from ostiary.server.deeds import record_about
from ostiary.server.feedback.book import FeedbackBook
from ostiary.server.feedback.suppressions import Suppressions, Wish
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Control, Effect
from ostiary.vocabulary.verdicts import DecisionRecord, Outcome

MOST_SHOWN: Final = 50
_DAY_NS: Final = 86_400 * 1_000_000_000
_PROPOSED: Final = b'"adaptive":{"hits":['
_decode = msgspec.json.Decoder(DecisionRecord).decode


class Silenced(msgspec.Struct, frozen=True):
    """One decision that a suppression would have touched."""

    decision_id: str
    time_ns: int
    subject: str
    before: str
    after: str
    rules: tuple[str, ...]
    verdict: str = ""


class Preview(msgspec.Struct, frozen=True):
    """What a suppression would have done.

    Attributes:
        days, decisions: how far back, and how many decisions lie in its scope.
        silenced: how many had a proposal withheld; ``milder``: how many effects would have been milder.
        confirmed: how many of the silenced were confirmed by people: true alarms that it would have hidden.
        dismissed: how many were dismissed or known to be safe.
        subjects: how many people.
        shown: the newest, confirmed ones first.
    """

    days: float
    decisions: int
    silenced: int
    milder: int
    confirmed: int
    dismissed: int
    subjects: int
    broad: bool
    shown: list[Silenced]


def adaptive_rules(house: House, tenant: str) -> frozenset[str]:
    """Return the ids of the rules that propose on a model's word, those left out that are a guardrail's as well.

    They are read from the tenant's bundle as it lies on disk; the same files are parsed once.
    """
    return _adaptive(tuple(read_files(house.policies.source(tenant), BundleLimits()).items()))


@lru_cache(maxsize=32)
def _adaptive(files: tuple[tuple[str, bytes], ...]) -> frozenset[str]:
    bundle = Bundle(dict(files))
    tree = RuleTree(bundle)
    of_package = {source.path: source.package for source in tree.sources}
    found: dict[str, set[bool]] = {}
    for path, text in bundle.live_sources.items():
        for block in annotations(path, text):
            if block.rule:
                found.setdefault(block.rule, set()).add(of_package[path][:2] == ("ostiary", "adaptive"))
    return frozenset(rule for rule, adaptive in found.items() if adaptive == {True})


def add(house: House, suppressions: Suppressions, tenant: str, wish: Wish, by: str) -> Suppression:
    """Put a suppression in force.

    Raises:
        FaultyInputError: ``suppression_invalid``.
        RefusedError: ``suppression_of_guardrail``, ``suppression_needs_approval``, ``approval_…``.
        UnavailableError: the deed cannot be recorded.
    """
    made = suppressions.draft(tenant, wish, by, adaptive_rules(house, tenant))
    suppressions.take_agreement(tenant, made, by)
    told = msgspec.to_builtins(made)
    record_about(made.subject, house, by, tenant, "suppression.add", {"suppression": told})
    suppressions.keep(tenant, made)
    return made


def remove(house: House, suppressions: Suppressions, tenant: str, name: str, by: str) -> Suppression:
    """End a suppression at once.

    Raises:
        RefusedError: ``suppression_unknown``.
    """
    found = suppressions.find(tenant, name)
    record_about(found.subject, house, by, tenant, "suppression.remove", {"suppression": found.id})
    suppressions.remove(tenant, name)
    return found


def preview(house: House, suppressions: Suppressions, tenant: str, wish: Wish, by: str, days: float = 30.0) -> Preview:
    """Return what a suppression would have done in the last ``days``.

    Raises:
        FaultyInputError: ``suppression_invalid``.
        RefusedError: ``suppression_of_guardrail``.
    """
    made = suppressions.draft(tenant, wish, by, adaptive_rules(house, tenant))
    now = house.clock.now_ns()
    since = now - int(max(0.0, min(days, 3_650.0)) * _DAY_NS)
    always = msgspec.structs.replace(made, from_ns=0, expires_ns=1 << 62)
    verdicts = FeedbackBook(house).by_event(tenant)
    decisions, found = 0, list[Silenced]()
    for record in _records(house, tenant, since, made.subject):
        groups = house.decider.parts.directory.subject(tenant, *_split(record.subject_key)).groups
        kind = record.event.resource_type if record.event is not None else ""
        if not always.holds(record.subject_key, groups, kind, record.receipt.received_ns):
            continue
        decisions += 1
        touched = _silenced(record, always)
        if touched is not None:
            said = verdicts.get(record.event.event_id) if record.event is not None else None
            found.append(touched if said is None else msgspec.structs.replace(touched, verdict=said.verdict))
    words = [each.verdict for each in found]
    return Preview(
        days=days,
        decisions=decisions,
        silenced=len(found),
        milder=sum(each.before != each.after for each in found),
        confirmed=words.count("confirm"),
        dismissed=words.count("dismiss") + words.count("safe"),
        subjects=len({each.subject for each in found}),
        broad=made.is_broad,
        shown=sorted(found, key=lambda each: (each.verdict != "confirm", -each.time_ns))[:MOST_SHOWN],
    )


def _records(house: House, tenant: str, since_ns: int, subject: str) -> Iterator[DecisionRecord]:
    for stored in house.log.iterate(tenant, "decision", first_since(house, tenant, since_ns), subject or None):
        # Most decisions hold no proposal: they are told by their bytes, which costs a hundredth of reading them.
        if stored.time_ns >= since_ns and stored.payload is not None and _PROPOSED in stored.payload:
            record = _decode(stored.payload)
            if record.guardrails is not None and record.adaptive is not None and record.adaptive.hits:
                yield record


def _silenced(record: DecisionRecord, made: Suppression) -> Silenced | None:
    hits = record.adaptive.hits if record.adaptive is not None else ()
    hidden = withheld(hits, (made.told(),), record.risk)
    if not hidden:
        return None
    after = again(record, hidden | withheld(hits, record.suppressions, record.risk))
    return Silenced(
        record.receipt.decision_id,
        record.receipt.received_ns,
        record.subject_key,
        record.outcome.effect.name,
        after.effect.name,
        tuple(sorted(hidden)),
    )


def again(record: DecisionRecord, hidden: frozenset[str]) -> Outcome:
    """Return the law's outcome of a record's own verdicts with some proposals withheld."""
    if record.guardrails is None:
        return record.outcome
    table = PhaseTable({Control(name): phase for name, phase in record.phases.items()})
    replaced = frozenset(record.outcome.replaced_by_break_glass)
    glass = BreakGlass(record.outcome.break_glass, replaced) if replaced else None
    # The ceiling that was applied tells of a critical resource, where models alone never go past STEP_UP.
    critical = record.outcome.ceiling < record.guardrails.ceiling and record.outcome.ceiling == Effect.STEP_UP
    return combine(record.guardrails, record.adaptive, table, critical=critical, break_glass=glass, withheld=hidden)


def _split(subject_key: str) -> tuple[str, str]:
    kind, _, name = subject_key.partition(":")
    return kind, name
