"""A log as a row of numbers: quick quartiles, slow quartiles, and how many values each feature had.

A row is ``[3 · f]``; a feature without values has a count of 0. With fewer than ``LEAST_VALUES`` values of features
that the model knows it is NaN throughout.

>>> row_of({"65-0": tuple([90.0, 100.0, 110.0] * 10)}, {"65-0": 0, "66-0": 1}).round(2).tolist()
[4.5, 0.0, 4.7, 0.0, 30.0, 0.0]
"""

from collections.abc import Mapping, Sequence
from math import log
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.window import Floats

LEAST_VALUES: Final = 30
QUARTILES: Final = (0.25, 0.75)
_LEAST_MS: Final = 8.0
_MOST_MS: Final = 10_000.0


class Logs(msgspec.Struct, frozen=True):
    """Logs, or templates of several, opened.

    Attributes:
        values: of each quartile ``[2, n, f]``, logarithms of ms; 0 where there are none.
        counts: ``[n, f]``, values behind each.
        logs: ``[n, f]``, in how many logs the feature was; 0 where in none.
    """

    values: Floats
    counts: Floats
    logs: Floats


def row_of(features: Mapping[str, Sequence[float]], places: Mapping[str, int]) -> Floats:
    """Return the row of a log's values by feature; ``places`` says which column a feature has."""
    row = np.zeros((3, len(places)))
    for name, values in features.items():
        place = places.get(name)
        if place is not None and values:
            ordered = sorted(values)
            row[0, place], row[1, place] = (_quantile(ordered, share) for share in QUARTILES)
            row[2, place] = len(ordered)
    if row[2].sum() < LEAST_VALUES:
        row[:] = np.nan
    return row.ravel()


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the logarithm of a quantile, on the line between two values."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    value = ordered[low] + (place - low) * (ordered[high] - ordered[low])
    return log(min(max(value, _LEAST_MS), _MOST_MS))


def opened(rows: Floats) -> Logs:
    """Return the logs in usable rows ``[n, 3 · f]``."""
    quick, slow, counts = np.split(rows, 3, axis=1)
    return Logs(np.stack([quick, slow]), counts, (counts > 0).astype(np.float64))
