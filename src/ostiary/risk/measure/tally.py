"""Counts what is measured: the score, the truth and whose it was, of each session and of each single access.

- Only what has a verdict and is eligible counts; everything else is judged and learned all the same.
- A session's truth is that of its worst access, its time that of its first. A missing score ranks lowest.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.risk.groups import group_of
from ostiary.risk.stream import Judged, Sitting, sittings
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


class Tallier:
    """Counts accesses and sessions as they pass."""

    def __init__(self, verdicts: Mapping[str, Verdict], kinds: Mapping[str, str], from_ns: int) -> None:
        """Count what has a verdict and happens from ``from_ns`` on; ``kinds`` names attacks that verdicts do not."""
        self._verdicts, self._kinds, self._from_ns = verdicts, kinds, from_ns
        self.sessions, self.accesses = empty(), empty()

    def access(self, one: Judged) -> None:
        """Count one access."""
        verdict = self._verdicts.get(one.event.event_id)
        if verdict is not None and verdict.eligible and one.event.time_ns >= self._from_ns:
            self.accesses.add(one.risk.score, verdict, self._kind(verdict), one.event)

    def session(self, one: Sitting) -> None:
        """Count one closed session that kept its event ids."""
        found = [self._verdicts[name] for name in one.events if name in self._verdicts]
        if any(verdict.eligible for verdict in found) and one.first.time_ns >= self._from_ns:
            worst = max(found, key=lambda verdict: verdict.label)
            self.sessions.add(one.worst.score, worst, self._kind(worst), one.first)

    def _kind(self, verdict: Verdict) -> str:
        return verdict.kind or self._kinds.get(verdict.attack, "")


def tally(
    judged: Iterable[Judged], verdicts: Mapping[str, Verdict], kinds: Mapping[str, str], from_ns: int
) -> tuple[Tally, Tally]:
    """Return the counted sessions and the counted accesses of a judged stream."""
    tallier = Tallier(verdicts, kinds, from_ns)
    for one in sittings(seen(judged, tallier.access), keep_events=True):
        tallier.session(one)
    return tallier.sessions, tallier.accesses


def seen(judged: Iterable[Judged], *by: Callable[[Judged], None]) -> Iterator[Judged]:
    """Yield the stream as it is, shown to each of ``by`` on the way."""
    for one in judged:
        for look in by:
            look(one)
        yield one


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
