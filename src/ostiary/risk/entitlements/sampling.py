"""Splits grants into folds and draws pairs that are no grants, from a seed.

>>> import numpy as np
>>> pairs = np.array([[0, 0], [1, 1]])
>>> drawn = strangers(pairs, (2, 2), 2, np.random.default_rng(7))
>>> sorted(map(tuple, drawn.tolist()))
[(0, 1), (1, 0)]
"""

from typing import Final

import numpy as np

from ostiary.errors import FaultyInputError
from ostiary.risk.entitlements.coding import Ints

_SMALL: Final = 1 << 22  # pairs of an organisation that is looked through whole rather than drawn from


def strangers(pairs: Ints, shape: tuple[int, int], count: int, luck: np.random.Generator) -> Ints:
    """Return up to ``count`` different pairs, uniformly drawn, that are not among ``pairs``.

    Raises:
        FaultyInputError: ``grants_all_given``, when everybody has everything.
    """
    held = np.unique(pairs[:, 0] * shape[1] + pairs[:, 1])
    free = shape[0] * shape[1] - len(held)
    if free <= 0:
        raise FaultyInputError("grants_all_given", "everybody has every permission: there is nothing to tell apart")
    keys = _from_all(held, shape, count, luck) if shape[0] * shape[1] <= _SMALL else _drawn(held, shape, count, luck)
    return np.column_stack([keys // shape[1], keys % shape[1]])


def _from_all(held: Ints, shape: tuple[int, int], count: int, luck: np.random.Generator) -> Ints:
    others = np.setdiff1d(np.arange(shape[0] * shape[1]), held, assume_unique=True)
    return luck.permutation(others)[:count]


def _drawn(held: Ints, shape: tuple[int, int], count: int, luck: np.random.Generator) -> Ints:
    count = min(count, (shape[0] * shape[1] - len(held)) // 2)
    found: list[int] = []
    taken: set[int] = set()
    while len(found) < count:
        keys = luck.integers(shape[0] * shape[1], size=2 * count)
        fresh = keys[~np.isin(keys, held)]
        for key in fresh.tolist():
            if key not in taken and len(found) < count:
                taken.add(key)
                found.append(key)
    return np.array(found, np.int64)


def folds_of(count: int, folds: int, luck: np.random.Generator) -> Ints:
    """Return the fold of each of ``count`` grants; all folds are as large as each other, give or take one."""
    return luck.permutation(count) % folds
