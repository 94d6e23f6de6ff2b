"""Boosted trees on feature rows: LightGBM with a fixed seed, the same bits for the same rows.

Used by the request model (one forest for each random order) and by the grant model (one that blends the pair scores).
"""

from collections.abc import Sequence
from typing import Any

import lightgbm
import msgspec
import numpy as np

from ostiary.risk.entitlements.coding import Floats


class ForestSettings(msgspec.Struct, frozen=True):
    """Parameters of a forest; see LightGBM's documentation.

    Attributes:
        trees: number of trees.
        learning_rate: shrinkage of each tree.
        leaves: leaves of each tree.
        column_share: share of columns a tree may look at.
        row_share: share of rows a tree is grown on.
        ridge: L2 penalty on leaf values.
        least_rows: rows in a leaf at least.
        threads: threads of the fit; the same number gives the same bits.
    """

    trees: int = 500
    learning_rate: float = 0.03
    leaves: int = 31
    column_share: float = 0.35
    row_share: float = 0.7
    ridge: float = 10.0
    least_rows: int = 20
    threads: int = 1


def grow(
    rows: Floats, labels: Floats, names: Sequence[str], settings: ForestSettings, seed: int, *, loose: bool = False
) -> str:
    """Return a forest as LightGBM's text; ``loose`` draws thresholds at random, for other errors than the usual."""
    options: dict[str, Any] = {
        "objective": "binary",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "feature_fraction": settings.column_share,
        "bagging_fraction": settings.row_share,
        "bagging_freq": 1,
        "lambda_l2": settings.ridge,
        "min_data_in_leaf": max(2, min(settings.least_rows, len(rows) // 50)),
        "max_bin": 127,
        "extra_trees": loose,
        "num_threads": settings.threads,
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(rows, labels, feature_name=list(names))
    return str(lightgbm.train(options, data, settings.trees).model_to_string())


class Forest:
    """A forest that answers for many rows at once."""

    def __init__(self, text: str) -> None:
        """Load LightGBM's text, which must come from a verified artefact or from ``grow``."""
        self.text = text
        self._booster = lightgbm.Booster(model_str=text)

    @property
    def names(self) -> list[str]:
        """Feature names in column order."""
        return list(self._booster.feature_name())

    def chance(self, rows: Floats) -> Floats:
        """Return the probability for each row."""
        if not len(rows):
            return np.zeros(0)
        answer: Floats = np.asarray(self._booster.predict(rows, num_threads=1))
        return answer
