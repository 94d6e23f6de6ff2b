"""Measures a model against verdicts, the way the field does: causal scores, figures at low false-positive rates.

- Sessions count, and single accesses beside them; what is not eligible is learned from and not counted.
- Intervals are percentiles over resampled takeovers and subjects, seeded; an attack is caught when one of its rows is
  flagged.
- Calibration is compared at the set's own base rate, since a test set holds far more attacks than life.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from ostiary.risk.measure.detection import Detection, detection
from ostiary.risk.measure.groups import GroupRates, group_rates
from ostiary.risk.measure.metrics import brier, calibration_error, threshold_at
from ostiary.risk.measure.operating import Point, points
from ostiary.risk.measure.ranked import RESAMPLES, Ranked, resamples
from ostiary.risk.measure.reliability import Band, reliability
from ostiary.risk.measure.tally import Counted, Tally, counted
from ostiary.risk.schema import Thresholds
from ostiary.risk.training.figures import at_base_rate

RATES: Final = (0.001, 0.01)
INTERVALS: Final = (
    f"95 % percentiles of {RESAMPLES} resamples, seeded; takeovers and subjects are drawn whole and apart, "
    "since rows of one takeover, or of one subject, are not independent"
)
_LOW, _HIGH = 0.025, 0.975


class Interval(msgspec.Struct, frozen=True):
    """A figure with its 95 % bootstrap interval."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Kind(msgspec.Struct, frozen=True):
    """One kind of attack against everything that is none.

    Attributes:
        count, takeovers: how many rows and takeovers.
        roc_auc, recall, takeovers_caught: with intervals; the last two by false-positive rate.
    """

    count: int
    takeovers: int
    roc_auc: Interval
    recall: dict[str, Interval]
    takeovers_caught: dict[str, Interval]


class Report(msgspec.Struct, frozen=True):
    """What an evaluation says of one level.

    Attributes:
        level: ``session`` or ``event``.
        count, positives, takeovers, subjects: how many were counted.
        intervals: how the intervals were made.
        roc_auc, average_precision: ranking.
        recall: by false-positive rate.
        takeovers_caught: share of takeovers with a flagged row, by false-positive rate.
        time_to_detect: by false-positive rate.
        by_kind: the same figures for each kind of attack.
        groups: false alarms of people, service accounts and jobs apart, at the same rates and the model's levels.
        operating_points: one threshold for all, one for each account, and the model's own levels.
        brier, brier_skill, calibration_error: at the set's own base rate; skill is against always saying that rate.
        base_rate: share of positives in the set.
        reliability: predicted against seen.
    """

    level: str
    count: int
    positives: int
    takeovers: int
    subjects: int
    intervals: str
    roc_auc: Interval
    average_precision: Interval
    recall: dict[str, Interval]
    takeovers_caught: dict[str, Interval]
    time_to_detect: dict[str, Detection]
    by_kind: dict[str, Kind]
    groups: tuple[GroupRates, ...]
    operating_points: tuple[Point, ...]
    brier: float | None
    brier_skill: float | None
    calibration_error: float | None
    base_rate: float | None
    reliability: tuple[Band, ...]


class Ranking(msgspec.Struct, frozen=True):
    """The ranking figures of one set of rows."""

    roc_auc: Interval
    average_precision: Interval
    recall: dict[str, Interval]
    takeovers_caught: dict[str, Interval]


def report(level: str, told: Tally, prior: float, levels: Thresholds | None = None) -> Report:
    """Return the figures of ``told``; ``prior`` is the base rate that the scores stand at, ``levels`` the model's."""
    seen = counted(told)
    scores, truth = seen.scores, seen.truth
    all_of_it = ranking(seen)
    limits = {percent(rate): threshold_at(scores, truth, rate) for rate in RATES}
    own = {} if levels is None else {"medium": levels.medium, "high": levels.high}
    share = float(truth.mean()) if len(truth) else None
    fair = at_base_rate(scores, prior, share or 0.0)
    plain = (share or 0.0) * (1 - (share or 0.0))
    return Report(
        level=level,
        count=len(truth),
        positives=int(truth.sum()),
        takeovers=int(seen.attack.max(initial=-1)) + 1,
        subjects=int(seen.subject.max(initial=-1)) + 1,
        intervals=INTERVALS,
        roc_auc=all_of_it.roc_auc,
        average_precision=all_of_it.average_precision,
        recall=all_of_it.recall,
        takeovers_caught=all_of_it.takeovers_caught,
        time_to_detect={name: detection(seen, limit) for name, limit in limits.items()},
        by_kind={kind: _kind(seen, number) for number, kind in enumerate(seen.kinds)},
        groups=group_rates(scores, truth, seen.groups, seen.subjects, {**limits, **own}),
        operating_points=points(seen, {percent(rate): rate for rate in RATES}, own),
        brier=brier(fair, truth) if len(truth) else None,
        brier_skill=1 - brier(fair, truth) / plain if plain else None,
        calibration_error=calibration_error(fair, truth) if len(truth) else None,
        base_rate=share,
        reliability=reliability(fair, truth),
    )


def ranking(seen: Counted) -> Ranking:
    """Return the ranking figures with their intervals."""
    ranked = Ranked(seen.scores, seen.truth, seen.attack)
    once = ranked.figures(np.ones(len(seen.scores)), np.ones(int(seen.attack.max(initial=-1)) + 1), RATES)
    drawn = [ranked.figures(weights, takeovers, RATES) for weights, takeovers in resamples(seen)]

    def told(name: str) -> Interval:
        return interval([one[name] for one in drawn], once[name])

    return Ranking(
        roc_auc=told("roc_auc"),
        average_precision=told("average_precision"),
        recall={percent(rate): told(f"recall@{rate:g}") for rate in RATES},
        takeovers_caught={percent(rate): told(f"caught@{rate:g}") for rate in RATES},
    )


def interval(drawn: Iterable[float], value: float) -> Interval:
    """Return ``value`` between the percentiles of what was drawn; what could not be measured is ``None``."""
    sound = [one for one in drawn if not np.isnan(one)]
    if not sound or np.isnan(value):
        return Interval(None if np.isnan(value) else float(value))
    low, high = np.quantile(sound, (_LOW, _HIGH))
    return Interval(float(value), float(low), float(high))


def precision_within(told: Tally, alarms: float) -> float | None:
    """Return the share of positives among the riskiest rows that a team has room for; ties count as they fall."""
    seen = counted(told)
    chosen = np.argsort(-seen.scores, kind="stable")[: int(alarms)]
    return float(seen.truth[chosen].mean()) if len(chosen) else None


def percent(rate: float) -> str:
    """Return a rate in words.

    >>> percent(0.001)
    '0.1%'
    """
    return f"{100 * rate:g}%"


def _kind(seen: Counted, number: int) -> Kind:
    some = (seen.truth == 0) | (seen.kind == number)
    part = _part(seen, some)
    told = ranking(part)
    return Kind(
        count=int(part.truth.sum()),
        takeovers=int(part.attack.max(initial=-1)) + 1,
        roc_auc=told.roc_auc,
        recall=told.recall,
        takeovers_caught=told.takeovers_caught,
    )


def _part(seen: Counted, some: np.ndarray) -> Counted:
    attack, subject = seen.attack[some], seen.subject[some]
    renumbered = np.unique(attack[attack >= 0])
    attack = np.where(attack >= 0, np.searchsorted(renumbered, attack), -1)
    return Counted(
        scores=seen.scores[some],
        truth=seen.truth[some],
        time_ns=seen.time_ns[some],
        attack=attack,
        kind=seen.kind[some],
        subject=np.unique(subject, return_inverse=True)[1],
        groups=[],
        subjects=[],
        kinds=seen.kinds,
    )
