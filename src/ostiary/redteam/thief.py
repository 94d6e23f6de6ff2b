"""A thief who copies a scorer by asking it: some questions as they come, some that halve the way between two answers.

Rules:

- He is given much: rows like those that the scorer sees, any row he likes to make of them, the scorer's own bound.
  A real one has his own account and few facts that he can move. So the figures are what extraction could be at worst.
- A question that is refused is asked again as one that comes naturally: the number of *answers* is what is compared.
- *Near the boundary* are rows beside the bound, as many on each side: there knowing nothing agrees on half.

>>> import numpy as np
>>> beside(np.array([0.1, 0.4, 0.6, 0.9]), bound=0.5, each=1).tolist()
[1, 2]
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float64]
Answers = npt.NDArray[np.float64]
Ask = Callable[[Rows, str], Answers]
PLAIN: Final = "plain"
WALK: Final = "walk"
REFUSED: Final = np.nan
STEPS: Final = 6
PAIRS: Final = 100
_TREES: Final = 150


class Loot(msgspec.Struct, frozen=True):
    """What a thief was told: the rows he asked for, and the answers.

    Attributes:
        rows, answers: what was answered.
        walked: how many of those were halfway between two others.
        refused: how many more of that kind were refused.
    """

    rows: Any
    answers: Any
    walked: int = 0
    refused: int = 0


def steal(pool: Rows, ask: Ask, count: int, rng: Random, *, walking: float = 0.5, bound: float = 0.5) -> Loot:
    """Ask ``count`` questions, a share of ``walking`` of them between rows that were answered differently.

    Args:
        pool: rows as they come naturally, at least ``count`` of them.
        ask: answers rows, NaN for one that is refused; told whether they are ``plain`` or ``walk``.
        count: how many.
        rng: luck.
        walking: share of the questions that walk.
        bound: from which answer on a row is on the other side.
    """
    order = rng.sample(range(len(pool)), min(count, len(pool)))
    first = count - int(count * walking)
    rows, answers = [pool[order[:first]]], [ask(pool[order[:first]], PLAIN)]
    left, walked, refused = count - first, 0, 0
    high, low = rows[0][answers[0] >= bound], rows[0][answers[0] < bound]
    while left > 0 and len(high) and len(low):
        pairs = min(PAIRS, left)
        one, other = _some(high, pairs, rng), _some(low, pairs, rng)
        answered = 0
        for _ in range(STEPS):
            middle = (one[: min(pairs, left)] + other[: min(pairs, left)]) / 2
            told = ask(middle, WALK)
            heard = ~np.isnan(told)
            rows.append(middle[heard])
            answers.append(told[heard])
            above = heard & (told >= bound)
            one[: len(middle)][above] = middle[above]
            other[: len(middle)][heard & ~above] = middle[heard & ~above]
            answered += int(heard.sum())
            refused += int((~heard).sum())
            left -= int(heard.sum())
            if left <= 0 or not heard.any():
                break
        walked += answered
        if not answered:
            break
    more = pool[order[first : first + max(0, left)]]
    return Loot(np.vstack([*rows, more]), np.concatenate([*answers, ask(more, PLAIN)]), walked, refused)


def _some(rows: Rows, count: int, rng: Random) -> Rows:
    picked: Rows = rows[[rng.randrange(len(rows)) for _ in range(count)]].copy()
    return picked


def copy_of(loot: Loot, *, labels: bool, seed: int = 1) -> Callable[[Rows], Answers]:
    """Return the thief's own model, a boosted forest trained on what he was told."""
    import lightgbm  # noqa: PLC0415 - heavy, and may be absent

    settings: dict[str, object] = {
        "num_leaves": 31,
        "learning_rate": 0.08,
        "verbose": -1,
        "num_threads": 1,
        "seed": seed,
    }
    settings |= {"min_data_in_leaf": 10, "feature_fraction": 0.5, "deterministic": True}
    if labels and len(set(loot.answers.tolist())) == 1:
        only = float(loot.answers[0])
        return lambda rows: np.full(len(rows), only)
    settings["objective"] = "binary" if labels else "regression"
    booster = lightgbm.train(settings, lightgbm.Dataset(loot.rows, loot.answers), _TREES)
    return lambda rows: np.asarray(booster.predict(rows, num_threads=1), dtype=np.float64)


def beside(scores: Answers, bound: float, each: int) -> npt.NDArray[np.intp]:
    """Return the places of the ``each`` scores nearest to ``bound`` on either side."""
    below = np.flatnonzero(scores < bound)
    above = np.flatnonzero(scores >= bound)
    nearest = below[np.argsort(bound - scores[below], kind="stable")[:each]]
    beyond = above[np.argsort(scores[above] - bound, kind="stable")[:each]]
    return np.concatenate([nearest, beyond])


def agreement(copy: Answers, scores: Answers, copied_bound: float, bound: float) -> float:
    """Return the share of rows that both put on the same side."""
    return float(np.mean((copy >= copied_bound) == (scores >= bound)))
