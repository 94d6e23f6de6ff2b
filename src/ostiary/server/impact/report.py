"""The report of an impact study: what it was made from, and every figure that a gate or a person may want.

It is JSON with a stable shape. Its digest (``server.reports``) is what an approval names; it holds the range of the log
that it was made from with a digest over that range, so that nobody can change the one without the other.
"""

import statistics

import msgspec

from ostiary.decision.impact import DIRECTIONS, Flip, Tally
from ostiary.server.impact.log import LogRange
from ostiary.server.impact.order import Finding

VERSION = 1
_TOP = 50


class Flips(msgspec.Struct, frozen=True):
    """The flips of one direction; ``shown`` are the oldest."""

    direction: str
    count: int
    shown: list[Flip] = []


class RuleFlips(msgspec.Struct, frozen=True):
    """How many flips a rule or reason came or went with, by direction."""

    rule: str
    flips: dict[str, int]


class Hit(msgspec.Struct, frozen=True):
    """A subject or resource and how many flips hit it."""

    name: str
    flips: int


class Names(msgspec.Struct, frozen=True):
    """How many were hit, and those that were hit most."""

    count: int
    most: list[Hit]


class Latency(msgspec.Struct, frozen=True):
    """Medians of what policy takes of one decision, and the candidate's inflation (1 = as before)."""

    sampled: int
    before_us: float | None = None
    after_us: float | None = None
    inflation: float | None = None


class Later(msgspec.Struct, frozen=True):
    """Of so many decisions asked again as of later days, how many came to something else: dates matter to the rules."""

    asked: int
    changed: int


class ImpactReport(msgspec.Struct, frozen=True):
    """What a change would have done.

    Attributes:
        about: ``policy`` or ``model``.
        candidate, current: digests.
        agreement: before → after → count.
        undecidable: how many decisions could not be replayed, by reason.
        evaluations: how often policy was asked; documents that its rules cannot tell apart are asked once.
        more: whether names or rules were too many to tell apart.
        seconds: how long it took.
    """

    v: int
    about: str
    tenant: str
    candidate: str
    current: str
    made_ns: int
    log: LogRange
    decisions: int
    replayed: int
    undecidable: dict[str, int]
    agreement: dict[str, dict[str, int]]
    flips: list[Flips]
    reasons_only: int
    rules: list[RuleFlips]
    subjects: Names
    resources: Names
    newly_allowed: Names
    latency: Latency
    later: Later
    evaluations: int
    more: bool
    seconds: float

    @property
    def new_allows(self) -> int:
        """How many refused or questioned accesses would have been let through."""
        return next((each.count for each in self.flips if each.direction == DIRECTIONS[0]), 0)


class Study(msgspec.Struct, frozen=True):
    """What a report is about, before anything was counted."""

    about: str
    tenant: str
    candidate: str
    current: str
    made_ns: int


def report_of(asked: Study, read: LogRange, finding: Finding, seconds: float) -> ImpactReport:
    """Return the report."""
    tally = finding.tally
    return ImpactReport(
        v=VERSION,
        about=asked.about,
        tenant=asked.tenant,
        candidate=asked.candidate,
        current=asked.current,
        made_ns=asked.made_ns,
        log=read,
        decisions=tally.decisions,
        replayed=tally.replayed,
        undecidable=dict(sorted(tally.undecidable.items())),
        agreement={before: dict(sorted(row.items())) for before, row in sorted(tally.agreement.items())},
        flips=[Flips(way, tally.flips.get(way, 0), tally.shown.get(way, [])) for way in DIRECTIONS],
        reasons_only=tally.reasons_only,
        rules=_rules(tally),
        subjects=_names(tally.subjects),
        resources=_names(tally.resources),
        newly_allowed=_names(tally.allowed),
        latency=_latency(finding),
        later=Later(finding.later_asked, finding.later),
        evaluations=finding.asked,
        more=tally.more,
        seconds=round(seconds, 3),
    )


def _rules(tally: Tally) -> list[RuleFlips]:
    ordered = sorted(tally.rules.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    return [RuleFlips(rule, dict(sorted(flips.items()))) for rule, flips in ordered]


def _names(counts: dict[str, int]) -> Names:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Names(len(counts), [Hit(name, flips) for name, flips in ordered[:_TOP]])


def _latency(finding: Finding) -> Latency:
    if not finding.before_us or not finding.after_us:
        return Latency(0)
    before, after = statistics.median(finding.before_us), statistics.median(finding.after_us)
    inflation = round(after / before, 3) if before else None
    return Latency(len(finding.before_us), round(before, 1), round(after, 1), inflation)
