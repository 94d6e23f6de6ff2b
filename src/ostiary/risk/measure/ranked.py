"""Figures of merit over scores that are sorted once, for any weights: what makes a bootstrap cheap.

- A resample draws whole clusters, never single rows: the sessions of one takeover are not independent of each other,
  and neither are those of one subject. Takeovers and subjects are drawn apart, so a resample has as many of both.
- A row weighs as often as its cluster was drawn; the figures of a resample are sums over the order that all share.

>>> import numpy as np
>>> ranked = Ranked(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]), np.array([-1, -1, 0, 0]))
>>> ranked.figures(np.ones(4), np.ones(1), (0.5,))["roc_auc"]
0.75
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ostiary.risk.measure.tally import Counted, Ints, Numbers

SEED: Final = 20_260_101
RESAMPLES: Final = 400


class Ranked:
    """Scores in falling order, with their truth and the takeover each belongs to (below zero for none)."""

    def __init__(self, scores: Numbers, truth: Ints, attack: Ints) -> None:
        """Sort once."""
        self._order = np.argsort(-scores, kind="stable")
        ranked = scores[self._order]
        self._last = np.flatnonzero(np.r_[np.diff(ranked) != 0, True][: len(ranked)])
        self._thresholds = ranked[self._last]
        self._truth = truth[self._order].astype(np.float64)
        self._best = best_of(scores, attack)

    def figures(self, weights: Numbers, drawn: Numbers, rates: Sequence[float]) -> dict[str, float]:
        """Return every figure for rows of these ``weights`` and takeovers ``drawn`` so often."""
        weight = weights[self._order]
        caught = np.cumsum(weight * self._truth)[self._last]
        false = np.cumsum(weight * (1.0 - self._truth))[self._last]
        positives, negatives = (caught[-1], false[-1]) if len(caught) else (0.0, 0.0)
        found = {"roc_auc": _area(caught, false), "average_precision": _precision(caught, false)}
        for rate in rates:
            place = int(np.searchsorted(false, rate * max(1.0, negatives), side="right")) - 1
            recall = caught[place] / positives if place >= 0 and positives else 0.0
            found[f"recall@{rate:g}"] = recall if positives else float("nan")
            threshold = self._thresholds[place] if place >= 0 else np.inf
            found[f"caught@{rate:g}"] = _share(drawn, self._best >= threshold)
        return found


def best_of(scores: Numbers, attack: Ints) -> Numbers:
    """Return the highest score of each takeover."""
    best = np.full(int(attack.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(best, attack[attack >= 0], scores[attack >= 0])
    return best


def resamples(told: Counted, count: int = RESAMPLES, seed: int = SEED) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the weight of each row, and how often each takeover was drawn, of each resample."""
    luck = np.random.default_rng(seed)
    attacks, subjects = int(told.attack.max(initial=-1)) + 1, int(told.subject.max(initial=-1)) + 1
    attacked = told.attack >= 0
    for _ in range(count if len(told.scores) else 0):
        takeover, subject = _drawn(luck, attacks), _drawn(luck, subjects)
        weights = subject[told.subject]
        weights[attacked] = takeover[told.attack[attacked]]
        yield weights, takeover


def _drawn(luck: np.random.Generator, count: int) -> Numbers:
    """Return how often each of ``count`` was drawn when as many are drawn with replacement."""
    if not count:
        return np.zeros(0)
    return np.bincount(luck.integers(0, count, count), minlength=count).astype(np.float64)


def _area(caught: Numbers, false: Numbers) -> float:
    if not len(caught) or not caught[-1] or not false[-1]:
        return float("nan")
    before = np.r_[0.0, caught[:-1]]
    return float((np.diff(np.r_[0.0, false]) * (before + caught)).sum() / (2 * caught[-1] * false[-1]))


def _precision(caught: Numbers, false: Numbers) -> float:
    if not len(caught) or not caught[-1]:
        return float("nan")
    gained, flagged = np.diff(np.r_[0.0, caught]), caught + false
    some = flagged > 0
    return float((gained[some] * caught[some] / flagged[some]).sum() / caught[-1])


def _share(weight: Numbers, chosen: npt.NDArray[np.bool_]) -> float:
    total = weight.sum()
    return float(weight[chosen].sum() / total) if total else float("nan")
