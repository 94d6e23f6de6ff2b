"""Keeps alert rates where they were: maps a new model's scores onto the scale of the one it replaces.

Whoever set a threshold at 0.02 meant "about so many alarms a day". A better model spreads scores otherwise, and the
same threshold would mean another number of alarms. So the share of own accesses above each score is kept, by matching
quantiles over the same accesses (Sift calls the trouble "score shift"; see docs/explanation/risk-model.md).

- The order of scores is the new model's own: the map is strictly rising.
- What is kept is the rate of alarms on own behaviour, not probability; the card's calibration figures come after it.
"""

from typing import Final

import numpy as np

from ostiary.risk.calibration import Calibration, sigmoid
from ostiary.risk.training.fit import Floats

_SHARES: Final = (*(step / 100 for step in range(99)), 0.99, 0.995, 0.998, 0.999, 0.9995, 1.0)
_LEAST_STEP: Final = 1e-5


def continued(new: Floats, old: Floats, prior: float) -> Calibration:
    """Return the map from the new model's log-odds to the old one's, over scores of the same own accesses."""
    shares = [share for share in _SHARES if share in {0.0, 1.0} or 1 - share >= 2 / max(1, len(new))]
    here, there = (_rising(np.quantile(_log_odds(scores), shares)) for scores in (new, old))
    return Calibration(here.tolist(), there.tolist(), 1.0, 1.0, prior)


def mapped(table: Calibration, scores: Floats) -> Floats:
    """Return ``scores`` on the scale that ``table`` leads to."""
    return np.array([sigmoid(table.logit(logit)) for logit in _log_odds(scores).tolist()], dtype=np.float64)


def _log_odds(scores: Floats) -> Floats:
    clipped = np.clip(scores, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def _rising(values: Floats) -> Floats:
    """Give every step at least a small rise, so that no two scores become one."""
    rising = values.copy()
    for place in range(1, len(rising)):
        rising[place] = max(rising[place], rising[place - 1] + _LEAST_STEP)
    return rising
