"""Counts what is measured: the score, the truth and whose it was, of each session and of each single access.

- Only what has a verdict and is eligible counts; everything else is judged and learned all the same.
- A session's truth is that of its worst access, its time that of its first. A missing score ranks lowest.
"""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.risk.groups import group_of
from ostiary.risk.stream import Judged, sittings
from ostiary.risk.verdicts import Verdict
from ostiary.signals.tables import subject_key
from ostiary.vocabulary.events import AccessEvent

Numbers = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Tally(msgspec.Struct):
    """What was counted, in the order of time, one place a row in each list."""

    scores: list[float]
    truth: list[int]
    attacks: list[str]
    kinds: list[str]
    subjects: list[str]
    groups: list[str]
    times_ns: list[int]

    def add(self, score: float | None, verdict: Verdict, kind: str, event: AccessEvent) -> None:
        """Count one."""
        self.scores.append(score if score is not None else 0.0)
        self.truth.append(verdict.label)
        self.attacks.append(verdict.attack if verdict.label else "")
        self.kinds.append(kind if verdict.label else "")
        self.subjects.append(subject_key(event))
        self.groups.append(group_of(event.subject_type))
        self.times_ns.append(event.time_ns)


class Counted(msgspec.Struct, frozen=True):
    """A tally as arrays.

    Attributes:
        scores, truth, time_ns: one a row.
        attack: number of the takeover, below zero for none.
        kind: number in ``kinds``, below zero for none.
        subject: number of the account.
        groups, subjects: name of the account's group and of the account, one a row.
        kinds: names of the kinds of attack, in order.
    """

    scores: Numbers
    truth: Ints
    time_ns: Ints
    attack: Ints
    kind: Ints
    subject: Ints
    groups: list[str]
    subjects: list[str]
    kinds: list[str]


def empty() -> Tally:
    """Return a tally of nothing."""
    return Tally([], [], [], [], [], [], [])


def tally(
    judged: Iterable[Judged], verdicts: Mapping[str, Verdict], kinds: Mapping[str, str], from_ns: int
) -> tuple[Tally, Tally]:
    """Return the counted sessions and the counted accesses of a judged stream."""
    sessions, events = empty(), empty()

    def count(stream: Iterable[Judged]) -> Iterable[Judged]:
        for one in stream:
            verdict = verdicts.get(one.event.event_id)
            if verdict is not None and verdict.eligible and one.event.time_ns >= from_ns:
                events.add(one.risk.score, verdict, _kind(verdict, kinds), one.event)
            yield one

    for sitting in sittings(count(judged), keep_events=True):
        found = [verdicts[name] for name in sitting.events if name in verdicts]
        if found and any(one.eligible for one in found) and sitting.first.time_ns >= from_ns:
            worst = max(found, key=lambda one: one.label)
            sessions.add(sitting.worst.score, worst, _kind(worst, kinds), sitting.first)
    return sessions, events


def counted(told: Tally) -> Counted:
    """Return ``told`` as arrays."""
    kinds = sorted({kind for kind in told.kinds if kind})
    return Counted(
        scores=np.array(told.scores, dtype=np.float64),
        truth=np.array(told.truth, dtype=np.int64),
        time_ns=np.array(told.times_ns, dtype=np.int64),
        attack=numbered(told.attacks),
        kind=np.array([kinds.index(kind) if kind else -1 for kind in told.kinds], dtype=np.int64),
        subject=numbered(told.subjects),
        groups=told.groups,
        subjects=told.subjects,
        kinds=kinds,
    )


def numbered(names: Iterable[str]) -> Ints:
    """Return a number for each name, in order of first appearance; -1 for the empty name."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(name, len(known)) if name else -1 for name in names], dtype=np.int64)


def _kind(verdict: Verdict, kinds: Mapping[str, str]) -> str:
    return verdict.kind or kinds.get(verdict.attack, "")
