"""Fits the trees: LightGBM, monotone where the catalogue says so, the same bits for the same rows and seed.

>>> FitSettings().learning_rate
0.04
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import lightgbm
import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.signals.attacker import is_movable
from ostiary.signals.features import FEATURES
from ostiary.signals.padding import is_paddable

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.float32] | npt.NDArray[np.float64]

_MOVABLE: Final = frozenset(spec.name for spec in FEATURES if is_movable(spec))
_PATIENCE: Final = 40
_ROWS_A_TREE: Final = 100
_ROWS_A_LEAF: Final = 1_500
_SMALL_TREES: Final = 100
_SMALL_LEAVES: Final = 10
_LEAST_TREES: Final = 40
"""Fewer trees put thousands of accesses on one score, and no threshold can stand on such a plateau."""


class FitSettings(msgspec.Struct, frozen=True):
    """Parameters of the fit.

    Attributes:
        most_trees: trees at most; fewer of a small history, and when the later slice gains no more.
        learning_rate: shrinkage of each tree.
        leaves: leaves of each tree; fewer of a small history.
        depth: questions on the longest way to a leaf.
        least_rows: rows in a leaf at least.
        column_share: share of columns a tree may look at.
        row_share: share of rows a tree is grown on.
        ridge: L2 penalty on leaf values.
        bins: histogram bins a column.
        random_cuts: whether a leaf weighs one drawn cut a column instead of all (extremely randomised trees, ADR-0084).
        threads: threads of the fit; the same number gives the same bits.
        hardened: whether columns that an attacker lowers by adding accesses are left out (``signals.padding``).
        certifiable: whether columns are left out that an attacker may move his way (``signals.attacker``): what is
            caught can then be proven to stay caught.
    """

    most_trees: int = 450
    learning_rate: float = 0.04
    leaves: int = 40
    depth: int = 9
    least_rows: int = 50
    column_share: float = 0.5
    row_share: float = 0.7
    ridge: float = 5.0
    bins: int = 127
    random_cuts: bool = False
    threads: int = 1
    hardened: bool = False
    certifiable: bool = False


class Fitted(msgspec.Struct, frozen=True):
    """A fitted forest as native text, with its gain a column.

    Attributes:
        text: LightGBM's own format.
        trees: how many there are.
        gain: total gain a column.
    """

    text: str
    trees: int
    gain: list[float]


def fit(
    rows: Rows,
    labels: Ints,
    *,
    names: Sequence[str],
    monotone: Sequence[int],
    settings: FitSettings,
    seed: int,
    weights: Floats | None = None,
    offset: Floats | None = None,
    later: tuple[Rows, Ints] | None = None,
) -> Fitted:
    """Fit on ``rows``; with ``later`` rows, stop when they gain no more.

    With an ``offset``, a margin a row, the trees learn what is to be added to it; it is no part of what they say.
    """
    left_out = left_out_of(names, settings)
    rows, later = without(rows, left_out), later and (without(later[0], left_out), later[1])
    data = lightgbm.Dataset(
        rows, labels, weight=weights, init_score=offset, feature_name=list(names), free_raw_data=True
    )
    callbacks: list[Callable[..., Any]] = [lightgbm.early_stopping(_PATIENCE, verbose=False)] if later else []
    watched = [lightgbm.Dataset(*later, reference=data)] if later else []
    options = _options(monotone, settings, seed, len(rows))
    trees = min(settings.most_trees, max(_SMALL_TREES, len(rows) // _ROWS_A_TREE))
    booster = lightgbm.train(options, data, trees, valid_sets=watched, callbacks=callbacks)
    grown = booster.num_trees()
    best = min(grown, max(booster.best_iteration, _LEAST_TREES)) if later else grown
    text = booster.model_to_string(num_iteration=best)
    gain = [float(value) for value in booster.feature_importance("gain", iteration=best)]
    return Fitted(text=text, trees=max(best, 1), gain=gain)


def left_out_of(names: Sequence[str], settings: FitSettings) -> list[int]:
    """Return the places of the columns that nothing may be learned from."""
    return [place for place, name in enumerate(names) if _is_left_out(name, settings)]


def _is_left_out(name: str, settings: FitSettings) -> bool:
    return (settings.hardened and is_paddable(name)) or (settings.certifiable and name in _MOVABLE)


def without(rows: Rows, left_out: Sequence[int]) -> Rows:
    """Return ``rows`` with columns that nothing can be learned from: nothing is told in them."""
    if not left_out:
        return rows
    fewer = rows.copy()
    fewer[:, list(left_out)] = np.nan
    return fewer


def _options(monotone: Sequence[int], settings: FitSettings, seed: int, rows: int) -> dict[str, Any]:
    return {
        "objective": "binary",
        "metric": "average_precision",
        "learning_rate": settings.learning_rate,
        "num_leaves": min(settings.leaves, max(_SMALL_LEAVES, rows // _ROWS_A_LEAF)),
        "max_depth": settings.depth,
        "min_data_in_leaf": max(2, min(settings.least_rows, rows // 100)),
        "feature_fraction": settings.column_share,
        "bagging_fraction": settings.row_share,
        "bagging_freq": 1,
        "lambda_l2": settings.ridge,
        "max_bin": settings.bins,
        "extra_trees": settings.random_cuts,
        "monotone_constraints": list(monotone),
        "monotone_constraints_method": "basic",
        "num_threads": settings.threads,
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "verbosity": -1,
    }


def margins(text: str, rows: Rows, threads: int = 1) -> Floats:
    """Return the forest's margins for many rows at once; the very numbers the single-row engines give."""
    answer: Floats = np.asarray(lightgbm.Booster(model_str=text).predict(rows, raw_score=True, num_threads=threads))
    return answer
