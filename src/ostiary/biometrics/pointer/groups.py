"""Sums, spreads and quantiles of numbers that lie in groups one after the other, all groups at once.

>>> import numpy as np
>>> groups = Groups(np.array([0, 0, 2]), 3)
>>> groups.mean(np.array([1.0, 3.0, 5.0])).tolist()
[2.0, 0.0, 5.0]
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ostiary.biometrics.window import Floats

Ints = npt.NDArray[np.int64]
Reduce = Callable[[Floats, Ints], Floats]


class Groups:
    """Rows whose group is ``ids`` (rising), of ``count`` groups; what an empty group has is 0."""

    def __init__(self, ids: Ints, count: int) -> None:
        """Find where each group begins and how many rows it has."""
        self.ids = ids
        self.begin = np.searchsorted(ids, np.arange(count))
        self.size = np.searchsorted(ids, np.arange(count), side="right") - self.begin
        self._full = np.flatnonzero(self.size)

    def _reduced(self, reduce: Reduce, values: Floats) -> Floats:
        out = np.zeros(len(self.size))
        if len(self._full):
            out[self._full] = reduce(values, self.begin[self._full])
        return out

    def sum(self, values: Floats) -> Floats:
        """Return each group's sum."""
        return self._reduced(np.add.reduceat, values)

    def mean(self, values: Floats) -> Floats:
        """Return each group's mean."""
        means: Floats = self.sum(values) / np.maximum(self.size, 1)
        return means

    def std(self, values: Floats) -> Floats:
        """Return each group's deviation."""
        return np.asarray(np.sqrt(self.mean((values - self.mean(values)[self.ids]) ** 2)))

    def max(self, values: Floats) -> Floats:
        """Return each group's highest."""
        return self._reduced(np.maximum.reduceat, values)

    def min(self, values: Floats) -> Floats:
        """Return each group's lowest."""
        return self._reduced(np.minimum.reduceat, values)

    def first(self, values: Floats) -> Floats:
        """Return each group's first."""
        return self._at(values, self.begin)

    def last(self, values: Floats) -> Floats:
        """Return each group's last."""
        return self._at(values, self.begin + self.size - 1)

    def quantile(self, values: Floats, share: float) -> Floats:
        """Return each group's quantile: a value that is there, no mean of two."""
        ordered = values[np.lexsort((values, self.ids))]
        return self._at(ordered, self.begin + (share * np.maximum(self.size - 1, 0)).astype(np.int64))

    def part(self, chosen: npt.NDArray[np.bool_]) -> "Groups":
        """Return the groups of the chosen rows alone."""
        return Groups(self.ids[chosen], len(self.size))

    def _at(self, values: Floats, places: Ints) -> Floats:
        out = np.zeros(len(self.size))
        out[self._full] = values[places[self._full]]
        return out
