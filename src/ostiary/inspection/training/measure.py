"""Figures: how many attacks are found where one clean text in a hundred is flagged, and how well the score ranks.

>>> import numpy as np
>>> threshold_at({"a": np.arange(100.0)}, 0.01), round(area(np.array([2.0, 3.0]), np.array([1.0, 2.5])), 2)
(98.0, 0.75)
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FALSE_ALARMS: Final = 0.01


def threshold_at(clean: Mapping[str, Floats], share: float = FALSE_ALARMS) -> float:
    """Return the number that ``share`` of the clean texts lie above, every source counting alike."""
    scores = np.concatenate(list(clean.values()))
    weights = np.concatenate([np.full(len(one), 1 / (len(one) * len(clean))) for one in clean.values()])
    order = np.argsort(-scores, kind="stable")
    above = np.cumsum(weights[order]) > share + 1e-9
    return float(scores[order][int(np.argmax(above))])


def area(attacks: Floats, clean: Floats) -> float:
    """Return the area under the ROC curve; ties count half."""
    both = np.concatenate([attacks, clean])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]
    return float((ranks[: len(attacks)].sum() - len(attacks) * (len(attacks) + 1) / 2) / (len(attacks) * len(clean)))


def above(scores: Floats, threshold: float) -> float:
    """Return the share of ``scores`` above ``threshold``."""
    return float((scores > threshold).mean()) if len(scores) else 0.0
