"""Measures a fitted model on rows it did not see, for the card and for the thresholds."""

import numpy as np

from ostiary.risk.calibration import Calibration, log_odds, sigmoid
from ostiary.risk.measure.metrics import (
    average_precision,
    brier,
    calibration_error,
    recall_at,
    roc_auc,
    threshold_at,
)
from ostiary.risk.schema import Thresholds
from ostiary.risk.training.card import Figures
from ostiary.risk.training.contrast import KINDS, OWN
from ostiary.risk.training.fit import Floats, Ints

MEDIUM_RATE = 0.01
HIGH_RATE = 0.001


def probabilities(table: Calibration, margins: Floats) -> Floats:
    """Return the calibrated probability of each margin."""
    return np.array([table.probability(float(margin)) for margin in margins], dtype=np.float64)


def at_base_rate(scores: Floats, prior: float, share: float) -> Floats:
    """Move probabilities from base rate ``prior`` to ``share``, to compare them with what was seen."""
    clipped = np.clip(scores, 1e-12, 1 - 1e-12)
    share = min(max(share, 1e-6), 1 - 1e-6)
    moved = np.log(clipped) - np.log1p(-clipped) + log_odds(share) - log_odds(prior)
    return np.asarray(1.0 / (1.0 + np.exp(-moved)))


def measure(scores: Floats, kind: Ints, prior: float) -> Figures:
    """Return the figures of ``scores``; ``kind`` says which rows are impostors."""
    truth = (kind != OWN).astype(np.int64)
    fair = at_base_rate(scores, prior, float(truth.mean()) if len(truth) else 0.0)
    kinds = [number for number in range(1, len(KINDS)) if (kind == number).any()]
    return Figures(
        rows=len(scores),
        positives=int(truth.sum()),
        roc_auc=_known(roc_auc(scores, truth)),
        average_precision=_known(average_precision(scores, truth)),
        recall_at_1_percent=_known(recall_at(scores, truth, MEDIUM_RATE)),
        recall_at_01_percent=_known(recall_at(scores, truth, HIGH_RATE)),
        brier=_known(brier(fair, truth)) if len(truth) else None,
        calibration_error=_known(calibration_error(fair, truth)) if len(truth) else None,
        auc_by_kind={KINDS[number]: _one_kind(scores, kind, number) for number in kinds},
    )


def thresholds(scores: Floats, kind: Ints) -> Thresholds:
    """Return the levels at false-positive rates of 1 % and 0.1 % on own behaviour.

    A threshold lies halfway, in log-odds, between the lowest score that is flagged and the highest that is not: many
    accesses may share one score, and the forest that serves is grown once more and moves it a little.
    """
    truth = (kind != OWN).astype(np.int64)
    medium, high = (_between(scores, threshold_at(scores, truth, rate)) for rate in (MEDIUM_RATE, HIGH_RATE))
    return Thresholds(medium=medium, high=max(medium, high))


def harder(one: Thresholds, other: Thresholds) -> Thresholds:
    """Return the higher of both thresholds at each level."""
    return Thresholds(medium=max(one.medium, other.medium), high=max(one.high, other.high))


def _between(scores: Floats, threshold: float) -> float:
    if threshold > 1:
        return 1.0
    below = scores[scores < threshold]
    if not len(below):
        return threshold
    sides = np.clip([float(below.max()), threshold], 1e-12, 1 - 1e-12)
    return float(sigmoid(float(np.mean([log_odds(side) for side in sides.tolist()]))))


def by_sitting(scores: Floats, kind: Ints, sitting: Ints) -> tuple[Floats, Ints]:
    """Return one score a sitting, that of its riskiest access, and its kind; ghosts have no sitting."""
    real = sitting >= 0
    _, inverse = np.unique(sitting[real], return_inverse=True)
    count = int(inverse.max()) + 1 if len(inverse) else 0
    best = np.full(count, -np.inf)
    np.maximum.at(best, inverse, scores[real])
    kinds = np.zeros(count, dtype=np.int64)
    np.maximum.at(kinds, inverse, kind[real])
    return best, kinds


def _one_kind(scores: Floats, kind: Ints, number: int) -> float | None:
    some = (kind == OWN) | (kind == number)
    return _known(roc_auc(scores[some], (kind[some] == number).astype(np.int64)))


def _known(number: float) -> float | None:
    """Return ``None`` for a figure that could not be measured: JSON has no NaN."""
    return None if np.isnan(number) else round(number, 6)
