"""Fits the request model: several forests over ordered statistics, a regression over combinations, and their blend.

- The blend is learned on inner folds: each decided request is told by parts that never saw it. The same answers give
  the card's figures, so those are of requests the parts did not see; the three numbers of the blend did see them.
- The same requests, settings and seed give the same bytes on one machine.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from ostiary.risk.entitlements.coding import Floats, Ints
from ostiary.risk.entitlements.combos import Combo, best_triples, distinct_columns, pairs
from ostiary.risk.entitlements.forest import Forest, ForestSettings, grow
from ostiary.risk.entitlements.linear import Linear, LinearSettings, fit_linear, linear_combos, slots_of
from ostiary.risk.entitlements.request_rows import RequestRows

Progress = Callable[[str, float], None]
_TINY: Final = 1e-6


class RequestSettings(msgspec.Struct, frozen=True):
    """Parameters of the request model.

    Attributes:
        seed: of everything random.
        orders: random orders, one forest each; every second one draws its thresholds at random.
        folds: inner folds for the blend.
        fold_orders: random orders within a fold.
        forest: each forest.
        linear: the regression.
    """

    seed: int = 7
    orders: int = 6
    folds: int = 3
    fold_orders: int = 2
    forest: ForestSettings = ForestSettings()
    linear: LinearSettings = LinearSettings()


class Parts(msgspec.Struct, frozen=True):
    """The fitted parts and what they look at."""

    rows: RequestRows
    combos: list[Combo]
    linear_combos: list[Combo]
    forests: list[Forest]
    linear: Linear

    def chances(self, codes: Ints) -> Floats:
        """Return two columns: the log-odds of the forests together and those of the regression."""
        table = self.rows.new(codes)
        mean = np.clip(np.mean([forest.chance(table) for forest in self.forests], axis=0), _TINY, 1 - _TINY)
        return np.column_stack([np.log(mean / (1 - mean)), self.linear.margin(codes)])


class Blend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the two parts' log-odds are joined."""

    trees: float = 0.85
    linear: float = 0.15
    offset: float = 0.0

    def chance(self, parts: Floats) -> Floats:
        """Return probabilities."""
        margin = self.trees * parts[:, 0] + self.linear * parts[:, 1] + self.offset
        answer: Floats = 1.0 / (1.0 + np.exp(-np.clip(margin, -40.0, 40.0)))
        return answer


class Fitted(msgspec.Struct, frozen=True):
    """What the fit gives.

    Attributes:
        parts: the fitted parts.
        blend: how they are joined.
        inner: the probability of each decided request, from parts that never saw it.
    """

    parts: Parts
    blend: Blend
    inner: Floats


def fit_requests(
    codes: Ints, sizes: Sequence[int], refused: Floats, settings: RequestSettings, progress: Progress
) -> Fitted:
    """Fit on ``codes``; the first ``len(refused)`` rows are decided, the others are counted only."""
    decided, others = codes[: len(refused)], codes[len(refused) :]
    answers = np.zeros((len(refused), 2))
    folds = StratifiedKFold(settings.folds, shuffle=True, random_state=settings.seed)
    for number, (inner, held) in enumerate(folds.split(decided, refused)):
        progress("folds", number / settings.folds)
        known = np.vstack([decided[inner], others])
        parts = fit_parts(known, sizes, refused[inner], settings, settings.fold_orders)
        answers[held] = parts.chances(decided[held])
    blend = _blend(answers, refused)
    progress("forests", 0.0)
    parts = fit_parts(codes, sizes, refused, settings, settings.orders)
    return Fitted(parts=parts, blend=blend, inner=blend.chance(answers))


def fit_parts(codes: Ints, sizes: Sequence[int], refused: Floats, settings: RequestSettings, orders: int) -> Parts:
    """Fit the forests and the regression."""
    luck = np.random.default_rng(settings.seed)
    shuffles = [luck.permutation(len(refused)) for _ in range(orders + 1)]
    decided = codes[: len(refused)]
    columns = distinct_columns(codes)
    combos = pairs(columns) + best_triples(decided, sizes, columns, refused, shuffles[-1])
    rows = RequestRows(codes, sizes, refused, combos)
    names = rows.names(combos)
    forests = [
        Forest(grow(rows.training(order), refused, names, settings.forest, settings.seed + at, loose=at % 2 == 1))
        for at, order in enumerate(shuffles[:orders])
    ]
    exact = linear_combos(columns)
    linear = fit_linear(slots_of(decided, sizes, exact), decided, refused, settings.linear)
    return Parts(rows=rows, combos=combos, linear_combos=exact, forests=forests, linear=linear)


def _blend(answers: Floats, refused: Floats) -> Blend:
    """Return the blend that tells the inner answers best, or the plain one when that is no blend of both."""
    model = LogisticRegression(C=1.0).fit(answers, refused)
    trees, linear = (float(weight) for weight in model.coef_[0])
    if trees <= 0 or linear < 0:
        return Blend()
    return Blend(trees=trees, linear=linear, offset=float(model.intercept_[0]))
