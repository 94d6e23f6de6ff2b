"""From a score to a log-likelihood ratio: affine, by how much was enrolled and how many windows were judged, capped.

- ``llr = slope · score + offset`` in nats, fitted by logistic regression on trials of people and sessions held out of
  training, both kinds of trials weighing the same: no prior is in it.
- Slopes and offsets are fitted on a grid of (enrolled windows, probe windows); between its knots lines over the
  logarithm of both counts, beyond them the nearest knot.
- A slope is never below zero: a higher score never tells more for another person.
- The cap bounds what one judgement may say; far from what was seen in fitting a ratio is a guess.

>>> table = Calibration(enrolled=[5], windows=[1, 4], slopes=[[1.0, 2.0]], offsets=[[0.0, -1.0]], cap=3.0)
>>> table.llr(1.0, enrolled=5, windows=1), table.llr(1.0, enrolled=9, windows=2), table.llr(9.0, 5, 4)
(1.0, 1.0, 3.0)
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

CAP: Final = 5.0
_RIDGE: Final = 1e-3
_ROUNDS: Final = 100
_STILL: Final = 1e-9
_LEAST: Final = 2
_MOST_KNOTS: Final = 64


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table; part of a model's ``model.json``.

    Attributes:
        enrolled: knots of how many windows a template was made of, rising.
        windows: knots of over how many windows a score is the mean, rising.
        slopes: nats a point of score, by ``enrolled`` then ``windows``; none below 0.
        offsets: nats at score 0.
        cap: the most nats either way.
    """

    enrolled: list[int]
    windows: list[int]
    slopes: list[list[float]]
    offsets: list[list[float]]
    cap: float = CAP

    def llr(self, score: float, enrolled: int, windows: int) -> float:
        """Return ln p(same) / p(other), within the cap; NaN of NaN."""
        slope, offset = self._line(enrolled, windows)
        return float(np.clip(slope * score + offset, -self.cap, self.cap))

    def llrs(self, scores: Floats, enrolled: int, windows: int) -> Floats:
        """Return the same of many scores at once."""
        slope, offset = self._line(enrolled, windows)
        capped: Floats = np.clip(slope * scores + offset, -self.cap, self.cap)
        return capped

    def _line(self, enrolled: int, windows: int) -> tuple[float, float]:
        row, down = _between(self.enrolled, enrolled)
        column, across = _between(self.windows, windows)
        return _mixed(self.slopes, row, column, down, across), _mixed(self.offsets, row, column, down, across)


def _between(knots: list[int], count: int) -> tuple[int, float]:
    """Return the knot before ``count`` and how far it lies on the way to the next, over the logarithm."""
    if count <= knots[0] or len(knots) == 1:
        return 0, 0.0
    if count >= knots[-1]:
        return len(knots) - 2, 1.0
    place = max(i for i, knot in enumerate(knots) if knot <= count)
    return place, math.log(count / knots[place]) / math.log(knots[place + 1] / knots[place])


def _mixed(table: list[list[float]], row: int, column: int, down: float, across: float) -> float:
    def along(values: list[float]) -> float:
        return values[column] if not across else values[column] * (1 - across) + values[column + 1] * across

    return along(table[row]) if not down else along(table[row]) * (1 - down) + along(table[row + 1]) * down


def fit(trials: Mapping[tuple[int, int], tuple[Floats, Floats]], cap: float = CAP) -> Calibration:
    """Return the table that trials teach.

    Args:
        trials: (genuine scores, impostor scores) by (enrolled windows, probe windows); a full grid of both counts.
        cap: the most nats either way.

    Raises:
        FaultyInputError: ``calibration_trials``, when a cell is missing or holds too few of either kind.
    """
    rows, columns = sorted({key[0] for key in trials}), sorted({key[1] for key in trials})
    lines = {key: fit_line(*scores) for key, scores in trials.items()}
    if not trials or len(lines) != len(rows) * len(columns):
        raise FaultyInputError("calibration_trials", "calibration needs trials in every cell of its grid")
    slopes = [[lines[row, column][0] for column in columns] for row in rows]
    offsets = [[lines[row, column][1] for column in columns] for row in rows]
    return Calibration(rows, columns, slopes, offsets, cap)


def fit_line(genuine: Floats, impostor: Floats) -> tuple[float, float]:
    """Return slope and offset by logistic regression, both kinds weighing the same; rows of NaN are left out.

    Raises:
        FaultyInputError: ``calibration_trials``, with fewer than two of either kind.
    """
    genuine, impostor = genuine[np.isfinite(genuine)], impostor[np.isfinite(impostor)]
    if min(len(genuine), len(impostor)) < _LEAST:
        raise FaultyInputError("calibration_trials", "calibration needs two trials of either kind at least")
    scores = np.concatenate([genuine, impostor])
    middle, wide = float(scores.mean()), float(scores.std()) or 1.0
    design = np.stack([(scores - middle) / wide, np.ones_like(scores)], axis=1)
    same = np.concatenate([np.ones(len(genuine)), np.zeros(len(impostor))])
    weight = np.concatenate([np.full(len(genuine), 0.5 / len(genuine)), np.full(len(impostor), 0.5 / len(impostor))])
    slope, offset = _newton(design, same, weight)
    if slope < 0:
        return 0.0, 0.0
    return slope / wide, offset - slope * middle / wide


def _newton(design: Floats, same: Floats, weight: Floats) -> tuple[float, float]:
    """Return the two coefficients; a small ridge on the slope keeps separable trials finite."""
    ridge = np.array([_RIDGE, 0.0])
    beta = np.zeros(2)
    for _ in range(_ROUNDS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -40, 40)))
        pull = design.T @ (weight * (chance - same)) + ridge * beta
        curve = (design * (weight * chance * (1 - chance))[:, None]).T @ design + np.diag(ridge + 1e-9)
        step = np.linalg.solve(curve, pull)
        beta = beta - step * min(1.0, 5.0 / (float(np.abs(step).max()) + 1e-12))
        if np.abs(step).max() < _STILL:
            break
    return float(beta[0]), float(beta[1])


def check_calibration(table: Calibration) -> Calibration:
    """Return ``table`` when it is whole: knots rising, numbers finite, slopes not below zero.

    Raises:
        FaultyInputError: ``calibration_malformed``.
    """
    fine = (
        _rising(table.enrolled)
        and _rising(table.windows)
        and _fits(table.slopes, table)
        and _fits(table.offsets, table)
        and all(slope >= 0 for row in table.slopes for slope in row)
        and 0 < table.cap < math.inf
    )
    if not fine:
        raise FaultyInputError("calibration_malformed", "the calibration of the model is not whole")
    return table


def _rising(knots: list[int]) -> bool:
    return 0 < len(knots) <= _MOST_KNOTS and knots[0] >= 1 and all(a < b for a, b in pairwise(knots))


def _fits(numbers: list[list[float]], table: Calibration) -> bool:
    sizes = len(numbers) == len(table.enrolled) and all(len(row) == len(table.windows) for row in numbers)
    return sizes and all(math.isfinite(number) for row in numbers for number in row)
