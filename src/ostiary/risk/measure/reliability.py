"""The reliability table: what was predicted against what was seen, in bands of the predicted probability.

- A calibrated score is right on average in every band: of what it calls 30 % likely, 30 % are takeovers.
- What was seen in a band stands with its 95 % Wilson interval, which is honest for few rows and for none positive.

>>> import numpy as np
>>> table = reliability(np.array([0.002, 0.002, 0.8, 0.8]), np.array([0, 0, 1, 1]))
>>> [(one.low, one.high, one.rows, one.seen) for one in table]
[(0.001, 0.003, 2, 0.0), (0.7, 0.9, 2, 1.0)]
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np

from ostiary.risk.measure.metrics import Numbers, Truth

EDGES: Final = (0.0, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 1.0)
_Z: Final = 1.96


class Band(msgspec.Struct, frozen=True):
    """One band of predicted probabilities, from ``low`` (included) to ``high``.

    Attributes:
        low, high: the band.
        rows, positives: how many lie in it.
        predicted: mean predicted probability.
        seen, seen_low, seen_high: share of positives, with its interval.
    """

    low: float
    high: float
    rows: int
    positives: int
    predicted: float
    seen: float
    seen_low: float
    seen_high: float


def reliability(scores: Numbers, truth: Truth) -> tuple[Band, ...]:
    """Return the bands that have rows, lowest first."""
    return tuple(_bands(scores, truth))


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    >>> [round(end, 3) for end in wilson(0, 10)]
    [0.0, 0.278]
    """
    share, spread = part / whole, _Z * _Z / whole
    middle = share + spread / 2
    reach = _Z * math.sqrt(share * (1 - share) / whole + spread / (4 * whole))
    low, high = (middle - reach) / (1 + spread), (middle + reach) / (1 + spread)
    return (low if part else 0.0, high if part < whole else 1.0)


def _bands(scores: Numbers, truth: Truth) -> Iterator[Band]:
    place = np.clip(np.searchsorted(EDGES, scores, side="right") - 1, 0, len(EDGES) - 2)
    for number, (low, high) in enumerate(pairwise(EDGES)):
        inside = place == number
        rows, positives = int(inside.sum()), int(truth[inside].sum())
        if rows:
            ends = wilson(positives, rows)
            yield Band(low, high, rows, positives, float(scores[inside].mean()), positives / rows, *ends)
