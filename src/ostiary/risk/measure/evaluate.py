"""Measures a model against verdicts, the way the field does: causal scores, figures at low false-positive rates.

- Sessions count, and single accesses beside them; what is not eligible is learned from and not counted.
- Intervals are percentiles over resampled sessions, seeded; an attack is caught when one of its sessions is flagged.
- Calibration is compared at the set's own base rate, since a test set holds far more attacks than life.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import numpy as np

from ostiary.risk.measure.metrics import (
    Numbers,
    Truth,
    average_precision,
    brier,
    calibration_error,
    groups_caught,
    recall_at,
    roc_auc,
    threshold_at,
)
from ostiary.risk.stream import Judged, sittings
from ostiary.risk.training.figures import at_base_rate
from ostiary.risk.verdicts import Verdict

RATES: Final = (0.001, 0.01)
_RESAMPLES: Final = 200
_SEED: Final = 20_260_101


class Interval(msgspec.Struct, frozen=True):
    """A figure with its 95 % bootstrap interval."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Report(msgspec.Struct, frozen=True):
    """What an evaluation says of one level.

    Attributes:
        level: ``session`` or ``event``.
        count, positives: how many were counted.
        roc_auc, average_precision: ranking.
        recall: by false-positive rate.
        takeovers, takeovers_caught: attacks, and the share of them with a flagged session, by false-positive rate.
        sessions_to_detect: median place of the first flagged session in a caught attack (1 = the first), by rate.
        by_kind: ROC-AUC, and recall at 1 %, of each kind of attack against everything that is none.
        brier, calibration_error: at the set's own base rate.
    """

    level: str
    count: int
    positives: int
    roc_auc: Interval
    average_precision: Interval
    recall: dict[str, Interval]
    takeovers: int
    takeovers_caught: dict[str, float | None]
    sessions_to_detect: dict[str, float | None]
    by_kind: dict[str, dict[str, float | None]]
    brier: float | None
    calibration_error: float | None


class Tally(msgspec.Struct):
    """Counted scores with their truth, in the order of time."""

    scores: list[float] = []
    truth: list[int] = []
    attacks: list[str] = []
    kinds: list[str] = []

    def add(self, score: float | None, verdict: Verdict, kind: str) -> None:
        """Count one; a missing score ranks lowest."""
        self.scores.append(score if score is not None else 0.0)
        self.truth.append(verdict.label)
        self.attacks.append(verdict.attack)
        self.kinds.append(kind)


def tally(
    judged: Iterable[Judged], verdicts: Mapping[str, Verdict], kinds: Mapping[str, str], from_ns: int
) -> tuple[Tally, Tally]:
    """Return the counted sessions and the counted events of a judged stream."""
    sessions, events = Tally([], [], [], []), Tally([], [], [], [])

    def count(stream: Iterable[Judged]) -> Iterable[Judged]:
        for one in stream:
            verdict = verdicts.get(one.event.event_id)
            if verdict is not None and verdict.eligible and one.event.time_ns >= from_ns:
                events.add(one.risk.score, verdict, verdict.kind or kinds.get(verdict.attack, ""))
            yield one

    for sitting in sittings(count(judged), keep_events=True):
        found = [verdicts[name] for name in sitting.events if name in verdicts]
        if found and any(one.eligible for one in found) and sitting.first.time_ns >= from_ns:
            worst = max(found, key=lambda one: one.label)
            sessions.add(sitting.worst.score, worst, worst.kind or kinds.get(worst.attack, ""))
    return sessions, events


def report(level: str, counted: Tally, prior: float) -> Report:
    """Return the figures of ``counted``; ``prior`` is the base rate that the scores stand at."""
    scores, truth = np.array(counted.scores, dtype=np.float64), np.array(counted.truth, dtype=np.int64)
    attacks = _numbered(counted.attacks)
    picks = _picks(len(scores))
    limits = {rate: threshold_at(scores, truth, rate) for rate in RATES}
    fair = at_base_rate(scores, prior, float(truth.mean()) if len(truth) else 0.0)
    return Report(
        level=level,
        count=len(truth),
        positives=int(truth.sum()),
        roc_auc=_interval([roc_auc(scores[pick], truth[pick]) for pick in picks], roc_auc(scores, truth)),
        average_precision=_interval(
            [average_precision(scores[pick], truth[pick]) for pick in picks], average_precision(scores, truth)
        ),
        recall={
            _percent(rate): _interval(
                [recall_at(scores[pick], truth[pick], rate) for pick in picks], recall_at(scores, truth, rate)
            )
            for rate in RATES
        },
        takeovers=len({attack for attack in counted.attacks if attack}),
        takeovers_caught={
            _percent(rate): _known(groups_caught(scores, truth, attacks, limits[rate])) for rate in RATES
        },
        sessions_to_detect={_percent(rate): _first_flag(scores, truth, attacks, limits[rate]) for rate in RATES},
        by_kind=_by_kind(scores, truth, np.array(counted.kinds), limits[0.01]),
        brier=_known(brier(fair, truth)) if len(truth) else None,
        calibration_error=_known(calibration_error(fair, truth)) if len(truth) else None,
    )


def _picks(count: int) -> list[Truth]:
    rng = np.random.default_rng(_SEED)
    return [rng.integers(0, count, count) for _ in range(_RESAMPLES if count else 0)]


def _interval(drawn: list[float], value: float) -> Interval:
    sound = [one for one in drawn if not np.isnan(one)]
    if not sound:
        return Interval(_known(value))
    low, high = np.quantile(sound, (0.025, 0.975))
    return Interval(_known(value), _known(float(low)), _known(float(high)))


def _numbered(attacks: list[str]) -> Truth:
    names: dict[str, int] = {}
    return np.array([names.setdefault(attack, len(names)) if attack else -1 for attack in attacks], dtype=np.int64)


def _first_flag(scores: Numbers, truth: Truth, attacks: Truth, threshold: float) -> float | None:
    places = []
    for attack in np.unique(attacks[(truth == 1) & (attacks >= 0)]):
        flagged = np.flatnonzero(scores[(attacks == attack) & (truth == 1)] >= threshold)
        if len(flagged):
            places.append(int(flagged[0]) + 1)
    return float(np.median(places)) if places else None


def _by_kind(scores: Numbers, truth: Truth, kinds: np.ndarray, threshold: float) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = {}
    for kind in sorted({str(one) for one in kinds[truth == 1]} - {""}):
        of_kind = (truth == 1) & (kinds == kind)
        some = of_kind | (truth == 0)
        found[kind] = {
            "roc_auc": _known(roc_auc(scores[some], of_kind[some].astype(np.int64))),
            "recall_at_1%": _known(float((scores[of_kind] >= threshold).mean())),
        }
    return found


def _percent(rate: float) -> str:
    return f"{100 * rate:g}%"


def _known(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
