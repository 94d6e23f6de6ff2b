"""Measures what watches sessions: how many takeovers it sees, how soon, and what it costs honest people.

- A session is honest until its first bad access; a flag before it catches nothing.
- The threshold comes from elsewhere (a training part, a model's own levels): nothing is chosen on what is measured.
- Intervals are percentiles over resampled takeovers and accounts, as everywhere in this folder.

>>> honest = Watched("u", "", "", 0, [0, 60], [0.1, 0.4])
>>> seen = [honest, Watched("v", "a1", "stolen", 120, [0, 120, 180], [0.1, 0.2, 0.9])]
>>> told = watch(seen, 0.5)
>>> told.recall.value, told.false_positive_rate.value, told.accesses_median, told.minutes_median
(1.0, 0.0, 2.0, 1.0)
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.risk.measure.evaluate import Interval, interval
from ostiary.risk.measure.ranked import resamples
from ostiary.risk.measure.tally import Counted, Numbers, counted, empty

MONTH_S: Final = 30 * 86_400.0
_ROWS: Final = ("recall", "caught", "false_positive_rate")
_LATE: Final = 0.9


class Watched(msgspec.Struct):
    """One session as it was watched.

    Attributes:
        subject: whose it is.
        attack, kind: the takeover it belongs to and its kind, empty for none.
        since_s: when the takeover's first access in it was.
        times, scores: of each access, in seconds.
    """

    subject: str
    attack: str
    kind: str
    since_s: float
    times: list[float]
    scores: list[float]

    def best(self) -> float:
        """Return the score that counts: the highest, of a takeover's session the highest since it began."""
        return max(
            (one for when, one in zip(self.times, self.scores, strict=True) if when >= self.since_s), default=0.0
        )

    def honest(self) -> list[tuple[float, float]]:
        """Return times and scores of the accesses before anything was wrong."""
        pairs = zip(self.times, self.scores, strict=True)
        return [(when, score) for when, score in pairs if not self.attack or when < self.since_s]


class Watch(msgspec.Struct, frozen=True):
    """What a threshold finds and costs.

    Attributes:
        sessions, positives, takeovers, accounts: how many.
        recall: share of bad sessions flagged; ``caught`` of takeovers with a flagged session.
        false_positive_rate: share of honest sessions flagged.
        accesses_median, accesses_late: from the takeover's first access to the first flag, 1 for at once; half of the
            caught take at most the median, nine in ten at most the late one. ``minutes_…`` the same.
        by_kind: share of each kind's takeovers that were caught.
    """

    threshold: float
    sessions: int
    positives: int
    takeovers: int
    accounts: int
    recall: Interval
    caught: Interval
    false_positive_rate: Interval
    accesses_median: float | None
    accesses_late: float | None
    minutes_median: float | None
    minutes_late: float | None
    by_kind: dict[str, float]


def watch(seen: Sequence[Watched], threshold: float) -> Watch:
    """Return the figures of flagging from ``threshold`` on."""
    told = table(seen)
    flagged = told.scores >= threshold
    rows = [_shares(told, flagged, np.ones(len(flagged)), np.ones(int(told.attack.max(initial=-1)) + 1))]
    rows += [_shares(told, flagged, weights, drawn) for weights, drawn in resamples(told)]
    shares = {name: interval([row[name] for row in rows[1:]], rows[0][name]) for name in _ROWS}
    steps = _first_flags(seen, threshold)
    found = [one for one in steps.values() if one is not None]
    return Watch(
        threshold=threshold,
        sessions=len(seen),
        positives=int(told.truth.sum()),
        takeovers=len(steps),
        accounts=len({one.subject for one in seen}),
        accesses_median=_quantile([step for step, _ in found], 0.5),
        accesses_late=_quantile([step for step, _ in found], _LATE),
        minutes_median=_quantile([minutes for _, minutes in found], 0.5),
        minutes_late=_quantile([minutes for _, minutes in found], _LATE),
        by_kind=_by_kind(seen, steps),
        **shares,
    )


def table(seen: Iterable[Watched]) -> Counted:
    """Return one row a session, with the score that counts."""
    told = empty()
    for one in seen:
        told.scores.append(one.best())
        told.truth.append(int(bool(one.attack)))
        told.attacks.append(one.attack)
        told.kinds.append(one.kind)
        told.subjects.append(one.subject)
        told.groups.append("")
        told.times_ns.append(int(one.times[0] * 1e9))
    return counted(told)


Asks = Callable[[Sequence[tuple[float, float]]], int]
"""How often the owner of an honest session is asked to step up, from times and scores of its accesses."""


def per_user_month(seen: Sequence[Watched], asks: Asks) -> float:
    """Return how many false step-ups a person sees in a month of use: honest accesses, months with any session.

    Months are counted from the first session of all; the last one counts for as much of it as was watched.
    """
    first = min((one.times[0] for one in seen), default=0.0)
    last = max((one.times[-1] for one in seen), default=0.0)
    used = {(one.subject, int((one.times[0] - first) // MONTH_S)) for one in seen}
    months = sum(min(MONTH_S, max(last - first - month * MONTH_S, 1.0)) / MONTH_S for _, month in used)
    return sum(asks(one.honest()) for one in seen) / months if months else 0.0


def threshold_for(seen: Sequence[Watched], rate: float) -> float:
    """Return the lowest score at which at most ``rate`` of the honest sessions are flagged."""
    own = np.sort(np.array([one.best() for one in seen if not one.attack]))
    allowed = int(rate * len(own))
    return float(np.nextafter(own[len(own) - 1 - allowed], np.inf)) if len(own) else 1.0


def _shares(told: Counted, flagged: np.ndarray, weights: Numbers, drawn: Numbers) -> dict[str, float]:
    bad = told.truth == 1
    hit = np.unique(told.attack[flagged & bad & (told.attack >= 0)])
    return {
        "recall": _share(weights[bad & flagged].sum(), weights[bad].sum()),
        "caught": _share(drawn[hit].sum(), drawn.sum()),
        "false_positive_rate": _share(weights[~bad & flagged].sum(), weights[~bad].sum()),
    }


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _first_flags(seen: Sequence[Watched], threshold: float) -> dict[str, tuple[int, float] | None]:
    """Return accesses and minutes to each takeover's first flag, over all its sessions; ``None`` for not caught."""
    runs: dict[str, list[tuple[float, float]]] = {}
    for one in seen:
        if one.attack:
            pairs = zip(one.times, one.scores, strict=True)
            runs.setdefault(one.attack, []).extend(pair for pair in pairs if pair[0] >= one.since_s)
    found: dict[str, tuple[int, float] | None] = {}
    for attack, run in runs.items():
        run.sort(key=lambda pair: pair[0])
        step = next((place for place, (_, score) in enumerate(run) if score >= threshold), None)
        found[attack] = None if step is None else (step + 1, (run[step][0] - run[0][0]) / 60)
    return found


def _by_kind(seen: Sequence[Watched], steps: dict[str, tuple[int, float] | None]) -> dict[str, float]:
    kinds = {one.attack: one.kind for one in seen if one.attack}
    return {
        kind: float(np.mean([steps[attack] is not None for attack, its in kinds.items() if its == kind]))
        for kind in sorted(set(kinds.values()))
    }


def _quantile(values: Sequence[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None
