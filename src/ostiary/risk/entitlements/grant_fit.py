"""Fits the grant model: one forest that learns how far to believe each way of telling, in this very organisation.

- Grants are split into folds. Each fold is taken out of the matrix, and its grants and as many random pairs that are no
  grants are told from what is left. The forest learns from these, so it is chosen on held-out grants only.
- Each existing grant gets the number of a forest that saw neither it nor its fold: a grant never speaks for itself.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from scipy import sparse

from ostiary.risk.entitlements.coding import Floats, Ints
from ostiary.risk.entitlements.factors import Matrix
from ostiary.risk.entitlements.forest import Forest, ForestSettings, grow
from ostiary.risk.entitlements.pair_rows import NAMES, pair_rows
from ostiary.risk.entitlements.sampling import folds_of, strangers

Progress = Callable[[str, float], None]

FOREST: Final = ForestSettings(trees=200, learning_rate=0.05, leaves=15, column_share=0.5, least_rows=30)


class GrantSettings(msgspec.Struct, frozen=True):
    """Parameters of the grant model.

    Attributes:
        seed: of everything random.
        folds: parts that the grants are split into, each held out once.
        forest: the blending forest.
    """

    seed: int = 7
    folds: int = 10
    forest: ForestSettings = FOREST


class FittedGrants(msgspec.Struct, frozen=True):
    """What the fit gives.

    Attributes:
        forest: chance that a pair is a grant rather than a random pair.
        held: that chance for each grant, from a forest that did not see it.
        drawn: that chance for random pairs that are no grants, likewise.
        single: the same held-out pairs' rows, to measure each way of telling alone.
        labels: 1 for the rows of ``single`` that are grants.
    """

    forest: Forest
    held: Floats
    drawn: Floats
    single: Floats
    labels: Floats


def matrix_of(pairs: Ints, shape: tuple[int, int]) -> Matrix:
    """Return the grants as a sparse matrix of ones."""
    return sparse.csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=shape)


def fit_grants(
    pairs: Ints, shape: tuple[int, int], settings: GrantSettings, progress: Progress = lambda _what, _share: None
) -> FittedGrants:
    """Fit on distinct ``pairs`` of user and permission numbers."""
    luck = np.random.default_rng(settings.seed)
    fold = folds_of(len(pairs), settings.folds, luck)
    other = strangers(pairs, shape, len(pairs), luck)
    other_fold = folds_of(len(other), settings.folds, luck)
    rows = np.zeros((len(pairs) + len(other), len(NAMES)))
    where = np.concatenate([fold, other_fold])
    for number in range(settings.folds):
        progress("folds", number / settings.folds)
        asked = np.vstack([pairs, other])[where == number]
        left = matrix_of(pairs[fold != number], shape)
        rows[where == number] = pair_rows(left, asked[:, 0], asked[:, 1])
    labels = np.concatenate([np.ones(len(pairs)), np.zeros(len(other))])
    chance = np.zeros(len(rows))
    for number in range(settings.folds):
        seen = where != number
        text = grow(rows[seen], labels[seen], NAMES, settings.forest, settings.seed)
        chance[~seen] = Forest(text).chance(rows[~seen])
    forest = Forest(grow(rows, labels, NAMES, settings.forest, settings.seed))
    return FittedGrants(forest, chance[: len(pairs)], chance[len(pairs) :], rows, labels)
