"""Learns the calibration table from rows the trees did not see: isotonic in log-odds, then strictly rising.

- The later rows are cut into bins by margin; each bin's share of impostors is smoothed and pooled so that it rises.
- The share of impostors in the training mix is our own choice. The log-odds are moved to the deployment's base rate:
  ``logit + logit(prior) - logit(mix)``; the likelihood ratio, which is what was learned, stays.
- Every step gets at least a small slope, so that no two margins are made equal.
"""

from typing import Final

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from ostiary.risk.calibration import Calibration, log_odds
from ostiary.risk.training.fit import Floats, Ints

_BINS: Final = 40
_LEAST_SLOPE: Final = 0.05
_LEAST_POSITIVES: Final = 50
_SMOOTH: Final = 0.5


def learn_calibration(margins: Floats, labels: Ints, prior: float) -> Calibration:
    """Return the table for ``margins`` with their truth, moved to base rate ``prior``."""
    positives = int(labels.sum())
    share = min(max(positives / max(1, len(labels)), 1e-6), 1 - 1e-6)
    shift = log_odds(prior) - log_odds(share)
    slope, offset = _platt(margins, labels)
    if min(positives, len(labels) - positives) < _LEAST_POSITIVES:
        return Calibration([0.0], [offset + shift], slope, slope, prior)
    centres, logits = _bins(margins, labels)
    rising = _rising(centres, logits)
    return Calibration(centres.tolist(), (rising + shift).tolist(), slope, slope, prior)


def _platt(margins: Floats, labels: Ints) -> tuple[float, float]:
    """Return slope and offset of a logistic fit; one and zero when there is nothing to fit."""
    if len(np.unique(labels)) < 2:  # noqa: PLR2004 - both classes
        return 1.0, 0.0
    fitted = LogisticRegression(C=1e3).fit(margins.reshape(-1, 1), labels)
    return max(_LEAST_SLOPE, float(fitted.coef_[0][0])), float(fitted.intercept_[0])


def _bins(margins: Floats, labels: Ints) -> tuple[Floats, Floats]:
    """Return centre and isotonic log-odds of bins that hold equal numbers of impostors, and of own accesses below."""
    edges = np.unique(np.quantile(margins[labels == 1], np.linspace(0, 1, _BINS + 1)[1:-1]))
    edges = np.unique(np.r_[np.quantile(margins[labels == 0], (0.1, 0.5)), edges])
    number = np.searchsorted(edges, margins, side="right")
    used = np.unique(number)
    centres = np.array([margins[number == one].mean() for one in used])
    hits = np.array([labels[number == one].sum() for one in used]) + _SMOOTH
    totals = np.array([(number == one).sum() for one in used]) + 2 * _SMOOTH
    raw = np.log(hits / (totals - hits))
    return centres, np.asarray(IsotonicRegression().fit_transform(centres, raw, sample_weight=totals))


def _rising(centres: Floats, logits: Floats) -> Floats:
    """Give every step at least the least slope."""
    rising = logits.copy()
    for place in range(1, len(rising)):
        least = rising[place - 1] + _LEAST_SLOPE * (centres[place] - centres[place - 1])
        rising[place] = max(rising[place], least)
    return rising
