"""What a model would have done to a stream of accesses: how many alarms, of whom, about what, at which threshold.

- Nothing is decided. Alarms are counted by session, as people see them; proposals by access, as policy would make them.
- Candidates are the model's own levels, fixed shares of all sessions, and what keeps within a daily budget.
- Memory grows by a few numbers a session and by the names of subjects and resources, not by the events.
"""

import heapq
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec
import numpy as np

from ostiary.risk.groups import PEOPLE, group_of
from ostiary.risk.measure.metrics import Numbers, Truth
from ostiary.risk.measure.proposals import EFFECTS, UNTOLD, Table, propose
from ostiary.risk.schema import Scaling
from ostiary.risk.stream import Judged, Sitting
from ostiary.signals.tables import subject_key

SHARES: Final = (0.01, 0.005, 0.001, 0.0005, 0.0001)
MOST_NOISY: Final = 20
MOST_CASES: Final = 20
_DAY_NS: Final = 86_400 * 10**9
_SLICES: Final = 48
_HUNDRED: Final = 100


class Candidate(msgspec.Struct, frozen=True):
    """What one threshold would cost.

    Attributes:
        name: such as ``level high`` or ``1 in 1,000 sessions``.
        threshold: sessions of this score or more alarm; ``None`` when none can.
        alarms: how many sessions that is.
        share: their share of all sessions; by the card 1 % at ``medium`` and 0.1 % at ``high``.
        alarms_a_day: on the average day of the stream.
        alarms_a_day_per_100: the same for each hundred subjects.
        subjects: how many subjects had an alarm.
        by_group: alarms of people, service accounts and jobs.
    """

    name: str
    threshold: float | None
    alarms: int
    share: float
    alarms_a_day: float
    alarms_a_day_per_100: float
    subjects: int
    by_group: dict[str, int]


class Noisy(msgspec.Struct, frozen=True):
    """A subject or resource with many alarms: how many accesses, how many of them at ``medium`` or above."""

    name: str
    accesses: int
    alarms: int


class Proposed(msgspec.Struct, frozen=True):
    """How many accesses would have been proposed an effect at most, and of how many subjects."""

    effect: str
    accesses: int
    subjects: int


class Case(msgspec.Struct, frozen=True):
    """One session that a person should look at before anything is switched on.

    Attributes:
        name: session id, or that of its first event when it has none.
        subject: whose it is.
        time_ns: of its first access.
        score, level: of its riskiest access, the level by the thresholds of sessions.
        reasons: in words.
    """

    name: str
    subject: str
    time_ns: int
    score: float
    level: str
    reasons: tuple[str, ...]


class Shadow(msgspec.Struct, frozen=True):
    """The whole count.

    Attributes:
        first_ns, last_ns, days: what the stream spans; at least one day.
        accesses, sessions: how many.
        unscored: accesses without a score.
        levels: accesses of each level.
        subjects: by group.
        candidates: what each threshold would cost.
        proposed: strongest effect an access would have been proposed, under the bundle's thresholds.
        noisy_people, noisy_others, noisy_resources: the loudest, by accesses at ``medium`` or above.
        riskiest: the sessions of the highest scores, highest first.
        slices_ns: length of a slice of the stream.
        slices: sessions at ``medium`` or above, and at ``high``, in each slice of time.
    """

    first_ns: int
    last_ns: int
    days: float
    accesses: int
    sessions: int
    unscored: int
    levels: dict[str, int]
    subjects: dict[str, int]
    candidates: tuple[Candidate, ...]
    proposed: tuple[Proposed, ...]
    noisy_people: tuple[Noisy, ...]
    noisy_others: tuple[Noisy, ...]
    noisy_resources: tuple[Noisy, ...]
    riskiest: tuple[Case, ...]
    slices_ns: int
    slices: tuple[tuple[int, int], ...]


class Watch:
    """Counts accesses and sessions as they pass."""

    def __init__(self, scaling: Scaling, table: Table) -> None:
        """Start with nothing seen."""
        self._scaling, self._table = scaling, table
        self._number: dict[str, int] = {}
        self._groups: list[str] = []
        self._accesses: Counter[str] = Counter()
        self._alarms: Counter[str] = Counter()
        self._things: Counter[str] = Counter()
        self._loud: Counter[str] = Counter()
        self._proposed: Counter[str] = Counter()
        self._touched: dict[str, set[str]] = {effect: set() for effect in EFFECTS}
        self._scores, self._times, self._who = array("d"), array("q"), array("q")
        self._riskiest: list[tuple[float, int, Sitting]] = []
        self._levels: Counter[str] = Counter()
        self._first_ns = self._last_ns = self._count = 0

    def access_from(self, from_ns: int) -> Callable[[Judged], None]:
        """Return what counts an access that happens from ``from_ns`` on."""

        def count(one: Judged) -> None:
            if one.event.time_ns >= from_ns:
                self.access(one)

        return count

    def access(self, one: Judged) -> None:
        """Count one access."""
        event, score = one.event, one.risk.score
        self._first_ns = min(self._first_ns or event.time_ns, event.time_ns)
        self._last_ns = max(self._last_ns, event.time_ns)
        self._count += 1
        who, thing = subject_key(event), f"{event.resource_type}:{event.resource_id}"
        if who not in self._number:
            self._number[who] = len(self._number)
            self._groups.append(group_of(event.subject_type))
        self._accesses[who] += 1
        self._things[thing] += 1
        self._levels["unknown" if score is None else self._scaling.event.level(score)] += 1
        if score is not None and score >= self._scaling.event.medium:
            self._alarms[who] += 1
            self._loud[thing] += 1
        if effect := propose(self._table, UNTOLD if event.sensitivity is None else event.sensitivity, one.risk):
            self._proposed[effect] += 1
            self._touched[effect].add(who)

    def session(self, one: Sitting) -> None:
        """Count one closed session."""
        score = one.worst.score or 0.0
        heapq.heappush(self._riskiest, (score, -len(self._scores), one))  # of equal scores the earliest stay
        if len(self._riskiest) > MOST_CASES:
            heapq.heappop(self._riskiest)
        self._scores.append(score)
        self._times.append(one.first.time_ns)
        self._who.append(self._number[subject_key(one.first)])

    def told(self, budget: float | None = None) -> Shadow:
        """Return what was counted; ``budget`` is how many alarms a day the team can read."""
        people = [who for who, number in self._number.items() if self._groups[number] == PEOPLE]
        others = [who for who, number in self._number.items() if self._groups[number] != PEOPLE]
        length = max(1, -(-(self._last_ns - self._first_ns + 1) // _SLICES))
        return Shadow(
            first_ns=self._first_ns,
            last_ns=self._last_ns,
            days=self._days(),
            accesses=self._count,
            sessions=len(self._scores),
            unscored=self._levels["unknown"],
            levels=dict(sorted(self._levels.items())),
            subjects=dict(sorted(Counter(self._groups).items())),
            candidates=tuple(self._candidate(name, threshold) for name, threshold in self._thresholds(budget).items()),
            proposed=tuple(Proposed(one, self._proposed[one], len(self._touched[one])) for one in EFFECTS),
            noisy_people=_noisiest(self._alarms, self._accesses, people),
            noisy_others=_noisiest(self._alarms, self._accesses, others),
            noisy_resources=_noisiest(self._loud, self._things, self._loud),
            riskiest=tuple(self._case(one) for _, _, one in sorted(self._riskiest, reverse=True)),
            slices_ns=length,
            slices=self._slices(length),
        )

    def _days(self) -> float:
        return max(1.0, (self._last_ns - self._first_ns) / _DAY_NS)

    def _thresholds(self, budget: float | None) -> dict[str, float]:
        levels = self._scaling.session
        falling = np.sort(np.array(self._scores))[::-1]
        found = {"level medium": levels.medium, "level high": levels.high}
        for share in SHARES:
            found[f"1 in {round(1 / share):,} sessions"] = _threshold(falling, int(share * len(falling)))
        if budget is not None:
            found[f"at most {budget:g} a day"] = _threshold(falling, int(budget * self._days()))
        return found

    def _candidate(self, name: str, threshold: float) -> Candidate:
        flagged: Truth = np.array(self._who, dtype=np.int64)[np.array(self._scores) >= threshold]
        a_day = len(flagged) / self._days()
        return Candidate(
            name=name,
            threshold=threshold if np.isfinite(threshold) else None,
            alarms=len(flagged),
            share=len(flagged) / max(1, len(self._scores)),
            alarms_a_day=a_day,
            alarms_a_day_per_100=a_day * _HUNDRED / max(1, len(self._number)),
            subjects=len(np.unique(flagged)),
            by_group=dict(sorted(Counter(self._groups[number] for number in flagged.tolist()).items())),
        )

    def _case(self, one: Sitting) -> Case:
        score = one.worst.score or 0.0
        return Case(
            name=one.first.session_id or one.first.event_id,
            subject=subject_key(one.first),
            time_ns=one.first.time_ns,
            score=score,
            level=self._scaling.session.level(score),
            reasons=tuple(reason.text for reason in one.worst.contributions),
        )

    def _slices(self, length: int) -> tuple[tuple[int, int], ...]:
        scores, place = np.array(self._scores), (np.array(self._times, dtype=np.int64) - self._first_ns) // length
        levels = self._scaling.session
        counts = [
            np.bincount(place[scores >= limit].astype(np.int64), minlength=_SLICES).tolist()
            for limit in (levels.medium, levels.high)
        ]
        return tuple(zip(*counts, strict=True))


def _threshold(falling: Numbers, allowed: int) -> float:
    """Return the lowest score at which no more than ``allowed`` are at or above it, or infinity."""
    if allowed >= len(falling):
        return float(falling[-1]) if len(falling) else float("inf")
    rest = float(falling[allowed])
    above = falling[falling > rest]
    return float(above[-1]) if len(above) else float("inf")


def _noisiest(alarms: Mapping[str, int], accesses: Mapping[str, int], names: Iterable[str]) -> tuple[Noisy, ...]:
    kept = sorted((name for name in names if alarms.get(name)), key=lambda name: (-alarms[name], name))
    return tuple(Noisy(name, accesses[name], alarms[name]) for name in kept[:MOST_NOISY])
