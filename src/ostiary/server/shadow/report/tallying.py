"""Counts decisions as they stream by: whom it would have hit, where, when, and at which score.

- One pass; memory grows by a few numbers a scored decision and by the names of subjects, not by the records.
- A hit is an access on which the thing that is reported on would have acted above what policy asks for anyway.
"""

from array import array
from collections import Counter
from datetime import UTC, datetime
from typing import Final

import msgspec

from ostiary.decision.shadow import Side
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord

NS: Final = 10**9
DAY_NS: Final = 86_400 * NS
MAX_SUBJECTS: Final = 1_000_000
MAX_PATTERNS: Final = 10_000
_OTHER: Final = "(other)"


class Hit(msgspec.Struct, frozen=True):
    """What would have been done to one access."""

    record: DecisionRecord
    side: Side
    effect: Effect


class Affected:
    """What one subject would have borne."""

    __slots__ = ("classes", "days", "effects", "groups", "hits", "judged", "reasons", "wrong")

    def __init__(self) -> None:
        """Start with nothing."""
        self.hits = self.judged = self.wrong = 0
        self.days: set[int] = set()
        self.effects: Counter[Effect] = Counter()
        self.classes: Counter[str] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.groups: tuple[str, ...] = ()


class Tally:
    """Everything that is counted."""

    def __init__(self, judged: dict[str, bool]) -> None:
        """Start with nothing seen; ``judged`` says of decisions whether they were harmful."""
        self._judged = judged
        self.decisions = self.scored = self.harmful = self.honest = 0
        self.by_effect: Counter[Effect] = Counter()
        self.users: dict[Effect, set[str]] = {}
        self.people: dict[str, Affected] = {}
        self.daily: dict[int, list[int]] = {}
        self.seen: Counter[tuple[str, str]] = Counter()
        self.hit: Counter[tuple[str, str]] = Counter()
        self.told: Counter[tuple[str, str]] = Counter()
        self.wrong: Counter[tuple[str, str]] = Counter()
        self.scores, self.who = array("d"), array("q")
        self.truth = array("b")
        self._numbers: dict[str, int] = {}

    def access(self, record: DecisionRecord, side: Side, *, interrupted: bool) -> None:
        """Count one access; ``interrupted`` says that policy alone asks for a proof or refuses."""
        self.decisions += 1
        self._day(record)[0] += 1
        for place in self._places(record):
            self.seen[place] += 1
        if side.score is None:
            return
        self.scored += 1
        if not interrupted:
            verdict = self._judged.get(record.receipt.decision_id)
            self.scores.append(side.score)
            self.who.append(self._numbers.setdefault(record.subject_key, len(self._numbers)))
            self.truth.append(-1 if verdict is None else int(verdict))

    def touch(self, hit: Hit) -> None:
        """Count one hit."""
        record, effect = hit.record, hit.effect
        self.by_effect[effect] += 1
        self.users.setdefault(effect, set()).add(record.subject_key)
        day = self._day(record)
        day[1] += effect >= Effect.STEP_UP
        day[2] += effect >= Effect.DENY
        verdict = self._judged.get(record.receipt.decision_id)
        self.harmful += verdict is True
        self.honest += verdict is False
        for place in self._places(record):
            self.hit[place] += 1
            self.told[place] += verdict is not None
            self.wrong[place] += verdict is False
        if record.subject_key in self.people or len(self.people) < MAX_SUBJECTS:
            _bear(self.people.setdefault(record.subject_key, Affected()), hit, verdict)

    def _day(self, record: DecisionRecord) -> list[int]:
        return self.daily.setdefault(record.receipt.received_ns // DAY_NS, [0, 0, 0])

    def _places(self, record: DecisionRecord) -> list[tuple[str, str]]:
        event = record.event
        if event is None:
            return []
        hour = datetime.fromtimestamp(record.receipt.received_ns // NS, UTC).hour
        groups = event.groups[:8] or ("(no group)",)
        named = [("hour", f"{hour:02d}"), ("resource class", event.resource_type), *(("group", one) for one in groups)]
        return [place if place in self.seen or len(self.seen) < MAX_PATTERNS else (place[0], _OTHER) for place in named]


def _bear(one: Affected, hit: Hit, verdict: bool | None) -> None:  # noqa: FBT001 - what a person said
    record, event = hit.record, hit.record.event
    one.hits += 1
    one.judged += verdict is not None
    one.wrong += verdict is False
    one.days.add(record.receipt.received_ns // DAY_NS)
    one.effects[hit.effect] += 1
    if event is not None:
        one.classes[event.resource_type] += 1
        one.groups = event.groups[:4]
    if record.risk is not None:
        for why in record.risk.contributions[:2]:
            one.reasons[why.signal, why.text] += 1
            if len(one.reasons) > 64:  # noqa: PLR2004 - the commonest of few are told
                one.reasons = Counter(dict(one.reasons.most_common(32)))
