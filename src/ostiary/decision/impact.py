"""What a change would have done: decisions replayed, and counted by what became of them.

- A flip is an effect that differs; a decision whose reasons alone differ is counted apart. Directions, worst first:
  ``new_allows`` (was refused or asked, is let through), ``loosened``, ``new_blocks``, ``new_step_ups``, ``tightened``.
- What cannot be replayed is counted with its reason, never left out and never guessed.
- Tallies of parts of a log add up, in any order, to the tally of the whole: several processes may count.
- Bounded: so many flips are shown of each direction (the oldest), so many subjects and resources are told apart; beyond
  that only the counts go on, and ``more`` says so.

>>> direction(Effect.DENY, Effect.ALLOW), direction(Effect.ALLOW, Effect.STEP_UP), direction(Effect.DENY, Effect.DENY)
('new_allows', 'new_step_ups', '')
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from ostiary.decision.replay import Replayed
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord

DIRECTIONS: Final = ("new_allows", "loosened", "new_blocks", "new_step_ups", "tightened")
MOST_SHOWN: Final = 200
_MOST_NAMES: Final = 50_000
_MOST_RULES: Final = 2_000


class Flip(msgspec.Struct, frozen=True):
    """One decision whose effect would have been another.

    Attributes:
        index: place of its record in the log.
        subject, action, resource: ``type:id``, name, ``type:id``, as the record tells them.
    """

    index: int
    decision_id: str
    time_ns: int
    subject: str
    action: str
    resource: str
    before: str
    after: str
    reasons_before: tuple[str, ...]
    reasons_after: tuple[str, ...]


class Tally(msgspec.Struct):
    """What replays came to.

    Attributes:
        decisions: how many records were looked at.
        replayed: how many of them were decided again.
        undecidable: how many were not, by reason.
        agreement: how often each effect became each: ``before`` → ``after`` → count.
        reasons_only: same effect, other reasons.
        flips: how many, by direction; ``shown`` holds the oldest of each.
        rules: rule or reason → direction → how many flips it took part in, before or after.
        subjects, resources: name → how many flips hit it; ``allowed``: subject → how many new allows.
        more: whether names or rules were too many to tell apart.
    """

    decisions: int = 0
    replayed: int = 0
    undecidable: dict[str, int] = {}
    agreement: dict[str, dict[str, int]] = {}
    reasons_only: int = 0
    flips: dict[str, int] = {}
    shown: dict[str, list[Flip]] = {}
    rules: dict[str, dict[str, int]] = {}
    subjects: dict[str, int] = {}
    resources: dict[str, int] = {}
    allowed: dict[str, int] = {}
    more: bool = False

    def leave_out(self, reason: str) -> None:
        """Count a record that cannot be replayed."""
        self.decisions += 1
        self.undecidable[reason] = self.undecidable.get(reason, 0) + 1

    def add(self, index: int, record: DecisionRecord, replayed: Replayed) -> None:
        """Count a record that was replayed."""
        self.decisions += 1
        self.replayed += 1
        before, after = replayed.before, replayed.after
        row = self.agreement.setdefault(before.name, {})
        row[after.name] = row.get(after.name, 0) + 1
        way = direction(before, after)
        if way:
            self._flip(way, _flip(index, record, replayed))
        elif replayed.changed:
            self.reasons_only += 1

    def merge(self, other: "Tally") -> None:
        """Add another tally, of other records, to this one."""
        self.decisions += other.decisions
        self.replayed += other.replayed
        self.reasons_only += other.reasons_only
        self.more = self.more or other.more
        for mine, theirs in (
            (self.undecidable, other.undecidable),
            (self.flips, other.flips),
            (self.subjects, other.subjects),
            (self.resources, other.resources),
            (self.allowed, other.allowed),
        ):
            _sum(mine, theirs)
        for mine_of, theirs_of in ((self.agreement, other.agreement), (self.rules, other.rules)):
            for name, counts in theirs_of.items():
                _sum(mine_of.setdefault(name, {}), counts)
        for way, shown in other.shown.items():
            self.shown[way] = _oldest([*self.shown.get(way, []), *shown])

    def _flip(self, way: str, flip: Flip) -> None:
        self.flips[way] = self.flips.get(way, 0) + 1
        shown = self.shown.setdefault(way, [])
        if len(shown) < MOST_SHOWN or flip.index < shown[-1].index:
            self.shown[way] = _oldest([*shown, flip])
        self._count(self.subjects, flip.subject)
        self._count(self.resources, flip.resource)
        if way == DIRECTIONS[0]:
            self._count(self.allowed, flip.subject)
        for name in {*flip.reasons_before} ^ {*flip.reasons_after}:
            if name in self.rules or len(self.rules) < _MOST_RULES:
                counts = self.rules.setdefault(name, {})
                counts[way] = counts.get(way, 0) + 1
            else:
                self.more = True

    def _count(self, names: dict[str, int], name: str) -> None:
        if name in names or len(names) < _MOST_NAMES:
            names[name] = names.get(name, 0) + 1
        else:
            self.more = True


def direction(before: Effect, after: Effect) -> str:
    """Return which way an effect went, empty when it is the same."""
    if before == after:
        return ""
    if after < before:
        return "new_allows" if after.permits and not before.permits else "loosened"
    if after in {Effect.DENY, Effect.TERMINATE}:
        return "new_blocks" if before < Effect.DENY else "tightened"
    return "new_step_ups" if after == Effect.STEP_UP else "tightened"


def _flip(index: int, record: DecisionRecord, replayed: Replayed) -> Flip:
    event = record.event
    return Flip(
        index,
        replayed.decision_id,
        record.receipt.received_ns,
        record.subject_key,
        "" if event is None else event.action,
        "" if event is None else f"{event.resource_type}:{event.resource_id}",
        replayed.before.name,
        replayed.after.name,
        replayed.reasons_before,
        replayed.reasons_after,
    )


def _oldest(flips: Iterable[Flip]) -> list[Flip]:
    return sorted(flips, key=lambda flip: flip.index)[:MOST_SHOWN]


def _sum(mine: dict[str, int], theirs: dict[str, int]) -> None:
    for name, count in theirs.items():
        mine[name] = mine.get(name, 0) + count
