"""Two-covariance model of embeddings (PLDA): how people differ, how one person varies, and what that says of a window.

- In the model's basis a window is ``y + e``: the person ``y`` varies by ``between`` a direction, ``e`` by 1 over the
  window's *weight*. A weight grows with the number of keys: few keys tell little, and are believed little.
- The score of a window is ln p(window | this person) - ln p(window | anybody). It counts how many windows a template
  was made of and how long they were, so that one threshold serves everybody.
- Windows of one person are less than independent (the same mood, desk and keyboard): the weights of several together
  are lessened by a fixed share, the more the more there are.

>>> import numpy as np
>>> model = Plda(np.zeros(1), np.eye(1), np.array([4.0]), (1.0, 0.0))
>>> mean, weight = model.pooled(np.array([[2.0], [2.2]]), np.array([1.0, 1.0]))
>>> model.scores(mean, weight, np.array([[2.1], [-2.0]]), np.ones(2)).round(2).tolist()
[1.03, -4.06]
"""

from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

TOGETHER: Final = 0.05
"""How much less windows tell together: ``n`` of them weigh ``n / (1 + TOGETHER · (n - 1))``."""
_LEAST_NOISE: Final = 0.1
_LEAST_LENGTH: Final = 1e-6
_LEAST_BETWEEN: Final = 1e-6
_SHRINK: Final = 1.0
_DIMENSIONS: Final = 2
Labels = npt.NDArray[np.int64]


class Plda(msgspec.Struct, frozen=True):
    """The model.

    Attributes:
        mean: ``[d]``, of everybody's tempered embeddings.
        basis: ``[d, k]``, to the directions in which a person's windows vary by 1, most telling first.
        between: ``[k]``, variance of the people in these directions.
        noise: a window of ``n`` keys varies by ``noise[0] + noise[1] / n``.
    """

    mean: Floats
    basis: Floats
    between: Floats
    noise: tuple[float, float]

    def placed(self, embeddings: Floats) -> Floats:
        """Return embeddings ``[n, d]`` in the model's directions ``[n, k]``."""
        found: Floats = (tempered(embeddings) - self.mean) @ self.basis
        return found

    def weights(self, keys: Floats) -> Floats:
        """Return what windows of so many keys weigh, ``[n]``."""
        found: Floats = 1.0 / np.maximum(self.noise[0] + self.noise[1] / np.maximum(keys, 1.0), _LEAST_NOISE)
        return found

    def pooled(self, rows: Floats, weights: Floats) -> tuple[Floats, float]:
        """Return the weighted mean ``[k]`` of a person's rows, and what they weigh together."""
        total = float(weights.sum())
        return (rows * weights[:, None]).sum(axis=0) / total, total / (1.0 + TOGETHER * (len(rows) - 1))

    def scores(self, mean: Floats, weight: float, rows: Floats, weights: Floats) -> Floats:
        """Return the log-likelihood ratio of each row ``[n]`` against a person known by a pooled mean and weight."""
        varies = 1.0 / (1.0 / self.between + weight)
        expected = mean * weight * varies
        with_person, with_anybody = varies + 1.0 / weights[:, None], self.between + 1.0 / weights[:, None]
        distance = rows * rows / with_anybody - (rows - expected) ** 2 / with_person
        found: Floats = 0.5 * (distance + np.log(with_anybody / with_person)).sum(axis=1)
        return found

    def tables(self) -> dict[str, npt.NDArray[Any]]:
        """Return the numbers as tables for a model's folder."""
        return {
            "plda_mean": self.mean,
            "plda_basis": self.basis,
            "plda_between": self.between,
            "plda_noise": np.array(self.noise),
        }

    @classmethod
    def of(cls, tables: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Return the model that tables tell.

        Raises:
            FaultyInputError: ``biometrics_model_malformed``.
        """
        try:
            mean, basis, between, noise = (
                tables[f"plda_{name}"].astype(np.float64) for name in ("mean", "basis", "between", "noise")
            )
        except KeyError as fault:
            raise _malformed("a table of it is missing") from fault
        shaped = basis.ndim == _DIMENSIONS and (len(mean),) == mean.shape == basis.shape[:1] and noise.shape == (2,)
        if not shaped or not len(between) or between.shape != basis.shape[1:]:
            raise _malformed("its tables do not fit each other")
        if not all(np.isfinite(table).all() for table in (mean, basis, between, noise)) or between.min() <= 0:
            raise _malformed("its tables hold numbers that cannot be")
        return cls(mean, basis, between, (float(noise[0]), float(noise[1])))


def tempered(embeddings: Floats) -> Floats:
    """Return embeddings drawn half way (in logarithms) to one length: outliers of length are no outliers of person."""
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    found: Floats = embeddings * np.sqrt(np.sqrt(embeddings.shape[1]) / np.maximum(lengths, _LEAST_LENGTH))
    return found


def fit(embeddings: Floats, people: Labels, keys: Floats) -> Plda:
    """Return the model of embeddings ``[n, d]`` of numbered people and the lengths of their windows.

    By moments: variance within people, variance of their means less what of it is within. The variance within is drawn
    half way towards the same in every direction: new people vary in more directions than those it learned from.

    Raises:
        FaultyInputError: ``training_people``, without two people or anybody's second window.
    """
    embeddings = tempered(embeddings)
    _, person, counts = np.unique(people, return_inverse=True, return_counts=True)
    spare = len(person) - len(counts)
    if len(counts) < _DIMENSIONS or spare < 1:
        raise FaultyInputError("training_people", "training needs two people with several windows each")
    mean = embeddings.mean(axis=0)
    means = np.zeros((len(counts), embeddings.shape[1]))
    np.add.at(means, person, embeddings - mean)
    means /= counts[:, None]
    rest = embeddings - mean - means[person]
    within = rest.T @ rest / spare
    size = float(np.trace(within)) / len(within) + 1e-9
    few = len(within) / (len(within) + spare)
    within = (1 - few) * within + (few + _SHRINK) * size * np.eye(len(within))
    apart = means.T @ means / (len(counts) - 1) - within * float((1.0 / counts).mean())
    between, basis = _directions(apart, within)
    return Plda(mean, basis, between, _noise(rest @ basis, person, counts, keys))


def _directions(apart: Floats, within: Floats) -> tuple[Floats, Floats]:
    """Return variances between and the basis in which ``within`` is 1 and ``apart`` is diagonal, largest first."""
    values, vectors = np.linalg.eigh(within)
    white = vectors / np.sqrt(values)
    between, turned = np.linalg.eigh(white.T @ apart @ white)
    order = np.argsort(-between, kind="stable")
    basis = white @ turned[:, order]
    signs = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(basis.shape[1])])
    return np.maximum(between[order], _LEAST_BETWEEN), basis * signs


def _noise(rest: Floats, person: Labels, counts: Labels, keys: Floats) -> tuple[float, float]:
    """Return how the variance within depends on 1 / keys: a line, neither part of it below zero."""
    fair = counts[person] > 1
    size = (rest[fair] ** 2).mean(axis=1) * counts[person][fair] / (counts[person][fair] - 1)
    shorter = 1.0 / np.maximum(keys[fair], 1.0)
    if np.ptp(shorter) < 1e-9:  # noqa: PLR2004 - all of one length: nothing can be learned of others
        return float(size.mean()), 0.0
    slope = max(0.0, float(np.cov(shorter, size)[0, 1] / shorter.var(ddof=1)))
    start = float(size.mean() - slope * shorter.mean())
    if start < _LEAST_NOISE:
        return _LEAST_NOISE, max(0.0, float((size.mean() - _LEAST_NOISE) / shorter.mean()))
    return start, slope


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("biometrics_model_malformed", f"the model's PLDA is malformed: {text}")
