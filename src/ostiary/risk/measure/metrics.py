"""The figures of merit, from scores and truth; ties are handled so that no figure flatters.

- ROC-AUC is the chance that a positive outranks a negative, ties counting half.
- Recall at a false-positive rate takes the lowest threshold whose false-positive rate does not exceed it.
- Average precision walks the distinct thresholds, so equal scores are taken together.

>>> import numpy as np
>>> scores, truth = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])
>>> roc_auc(scores, truth), recall_at(scores, truth, 0.5)
(0.75, 1.0)
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Truth = npt.NDArray[np.int64]

_BINS: Final = 15


def roc_auc(scores: Numbers, truth: Truth) -> float:
    """Return the area under the ROC curve, NaN when one class is absent."""
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    total = float(ranks[inverse][truth == 1].sum())
    return (total - positives * (positives + 1) / 2) / (positives * negatives)


def curve(scores: Numbers, truth: Truth) -> tuple[Numbers, Numbers, Numbers]:
    """Return thresholds (falling), false positives and true positives at or above each."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], truth[order]
    last = np.flatnonzero(np.r_[np.diff(ranked) != 0, True][: len(ranked)])
    caught = np.cumsum(hits)[last].astype(np.float64)
    return ranked[last], last + 1 - caught, caught


def threshold_at(scores: Numbers, truth: Truth, rate: float) -> float:
    """Return the lowest threshold at which at most ``rate`` of the negatives are flagged, or infinity."""
    thresholds, false, _ = curve(scores, truth)
    allowed = np.flatnonzero(false <= rate * max(1, len(truth) - int(truth.sum())))
    return float(thresholds[allowed[-1]]) if len(allowed) else float("inf")


def recall_at(scores: Numbers, truth: Truth, rate: float) -> float:
    """Return the share of positives flagged when at most ``rate`` of the negatives are."""
    positives = truth == 1
    if not positives.any():
        return float("nan")
    return float((scores[positives] >= threshold_at(scores, truth, rate)).mean())


def average_precision(scores: Numbers, truth: Truth) -> float:
    """Return the precision averaged over recall."""
    _, false, caught = curve(scores, truth)
    if not len(caught) or caught[-1] == 0:
        return float("nan")
    gained = np.diff(np.r_[0.0, caught]) / caught[-1]
    return float((gained * caught / (caught + false)).sum())


def brier(scores: Numbers, truth: Truth) -> float:
    """Return the mean squared distance between probability and truth."""
    return float(((scores - truth) ** 2).mean())


def calibration_error(scores: Numbers, truth: Truth) -> float:
    """Return the expected calibration error over bins of equal count."""
    order = np.argsort(scores, kind="stable")
    parts = np.array_split(order, min(_BINS, len(order)))
    gaps = [len(part) * abs(float(scores[part].mean()) - float(truth[part].mean())) for part in parts if len(part)]
    return sum(gaps) / max(1, len(scores))


def groups_caught(scores: Numbers, truth: Truth, groups: Truth, threshold: float) -> float:
    """Return the share of attacks (``groups`` ≥ 0) with at least one flagged access."""
    attacked = (truth == 1) & (groups >= 0)
    every = np.unique(groups[attacked])
    caught = np.unique(groups[attacked & (scores >= threshold)])
    return len(caught) / len(every) if len(every) else float("nan")
