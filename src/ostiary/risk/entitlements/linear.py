"""Logistic regression over the very combinations, up to three columns: one weight for each that was decided twice.

- It sees what trees on shares cannot: exactly this manager with exactly this resource. Its errors are other errors.
- Ridge-penalised; an unseen combination has no weight and says nothing.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import msgspec
import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from ostiary.risk.entitlements.coding import Floats, Ints, Slots
from ostiary.risk.entitlements.combos import Combo

MOST_COMBOS: Final = 120
_LEAST: Final = 2
_SIZE: Final = 0.7  # of a one in the table: how dear a weight is beside the intercept


class LinearSettings(msgspec.Struct, frozen=True):
    """Parameters of the regression.

    Attributes:
        inverse_penalty: scikit-learn's ``C``.
        tolerance: when the solver stops.
    """

    inverse_penalty: float = 0.3
    tolerance: float = 1e-3


class Linear:
    """Weights over slots; ``weights`` holds those of every combination one after another."""

    def __init__(self, slots: Sequence[Slots], weights: Floats, intercept: float) -> None:
        """Join the parts."""
        self._slots = slots
        self._begin = np.cumsum([0, *(len(one) for one in slots)])
        self.weights = weights
        self.intercept = intercept

    def margin(self, codes: Ints) -> Floats:
        """Return the log-odds of a refusal for each row."""
        total = np.full(len(codes), self.intercept)
        for slots, begin in zip(self._slots, self._begin, strict=False):
            at = slots.find(codes)
            total += np.where(at >= 0, self.weights[begin + np.maximum(at, 0)], 0.0) if len(slots) else 0.0
        return total


def linear_combos(columns: Sequence[int]) -> list[Combo]:
    """Return every one, pair and triple of columns, as many as are affordable."""
    sizes = (1, 2, 3)
    return [combo for size in sizes for combo in combinations(columns, size)][:MOST_COMBOS]


def slots_of(codes: Ints, sizes: Sequence[int], combos: Sequence[Combo]) -> list[Slots]:
    """Return the slots of each combination."""
    return [Slots.of(codes, combo, tuple(sizes[column] for column in combo)) for combo in combos]


def fit_linear(slots: Sequence[Slots], codes: Ints, refused: Floats, settings: LinearSettings) -> Linear:
    """Fit on decided requests."""
    begin = np.cumsum([0, *(len(one) for one in slots)])
    columns = np.concatenate([one.find(codes) + start for one, start in zip(slots, begin, strict=False)])
    rows = np.tile(np.arange(len(codes)), len(slots))
    often = np.bincount(columns, minlength=begin[-1]) >= _LEAST
    place = np.cumsum(often) - 1
    kept = often[columns]
    shape = (len(codes), int(often.sum()))
    table = sparse.csr_matrix((np.full(int(kept.sum()), _SIZE), (rows[kept], place[columns[kept]])), shape=shape)
    model = LogisticRegression(C=settings.inverse_penalty, solver="liblinear", tol=settings.tolerance)
    model.fit(table, refused)
    weights = np.zeros(int(begin[-1]))
    weights[often] = _SIZE * model.coef_[0]
    return Linear(slots, weights, float(model.intercept_[0]))
