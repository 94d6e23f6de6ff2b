"""What is kept of a person's way of typing a phrase, and how it is laid into a template's numbers.

- Means and mean deviations are taken with three memories: the last dozens of repetitions, and longer.
- The latest repetitions are kept; and the covariance, where the model knows the phrase.

A template is ``[r, d]``, ``d`` the timings of the phrase: what is said of the whole, three pairs of means and
deviations, a median, half of the covariance (it is symmetric) where it is kept, and the latest repetitions.
"""

from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.phrase.timings import LEAST_KEYS, MOST_KEYS, pace, timings
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

MEMORIES: Final = (15.0, 50.0, 200.0)
MIDDLE: Final = 1
LATEST: Final = 12
_SHORT: Final = 12.0
_FIXED: Final = 8
_LEAST: Final = 1e-3


class Person(msgspec.Struct, frozen=True):
    """How a person types a phrase.

    Attributes:
        keys: of the phrase.
        count: repetitions enrolled.
        pace: mean and deviation of the median hold, then of the median flight, ``[4]``.
        means, deviations: by memory, ``[3, d]``; deviations are mean absolute ones.
        median: of the late repetitions, ``[d]``.
        covariance: ``[d, d]``, or empty where the model does not know the phrase.
        latest: repetitions ``[p, d]``.
    """

    keys: int
    count: int
    pace: Floats
    means: Floats
    deviations: Floats
    median: Floats
    covariance: Floats
    latest: Floats

    @property
    def known(self) -> bool:
        """Whether the model knows the phrase."""
        return bool(len(self.covariance))


def person_of(rows: Floats) -> Person:
    """Return the person whose usable rows these are, late ones last; of rows of several lengths the most usual."""
    lengths = rows[:, 0].astype(np.int64)
    keys = int(np.bincount(lengths).argmax())
    own = rows[lengths == keys]
    times, tempo = timings(own, keys), pace(own)
    weights = np.stack([fading(len(own), memory) for memory in MEMORIES])
    means = weights @ times
    deviations = np.stack([weight @ np.abs(times - mean) for weight, mean in zip(weights, means, strict=True)])
    away = times - means[MIDDLE]
    return Person(
        keys=keys,
        count=len(own),
        pace=np.stack([tempo.mean(axis=0), tempo.std(axis=0)], axis=1).ravel(),
        means=means,
        deviations=deviations,
        median=_median(times, fading(len(own), _SHORT)),
        covariance=(away * weights[MIDDLE][:, None]).T @ away,
        latest=times[-LATEST:].copy(),
    )


def fading(count: int, memory: float) -> Floats:
    """Return weights ``[count]`` that sum to 1, the last the heaviest; after ``memory`` repetitions a third is left."""
    weights = np.exp((np.arange(count) - count) / memory)
    faded: Floats = weights / weights.sum()
    return faded


def effective(count: int, memory: float) -> float:
    """Return how many equal repetitions so many fading ones are worth."""
    return float(1.0 / (fading(count, memory) ** 2).sum())


def _median(times: Floats, weights: Floats) -> Floats:
    order = np.argsort(times, axis=0, kind="stable")
    reached = np.cumsum(weights[order], axis=0) >= 0.5  # noqa: PLR2004 - the middle
    place = np.take_along_axis(order, reached.argmax(axis=0)[None], axis=0)
    middle: Floats = np.take_along_axis(times, place, axis=0)[0]
    return middle


def moved(person: Person, times: Floats, share: float) -> Person:
    """Return the person moved towards a repetition ``[d]`` by ``share`` of the way."""
    step = share * (times - person.means[MIDDLE])
    return msgspec.structs.replace(
        person,
        means=person.means + share * (times - person.means),
        median=person.median + share * (times - person.median),
        latest=person.latest + step,
    )


def laid(person: Person) -> Floats:
    """Return the person as a template's numbers."""
    size = 2 * person.keys - 1
    whole = np.zeros(size)
    whole[:3] = person.keys, person.known, person.count
    whole[3:7] = person.pace
    pairs = np.stack([person.means, person.deviations], axis=1).reshape(-1, size)
    half = person.covariance[np.triu_indices(size)].reshape(-1, size) if person.known else person.covariance
    return np.concatenate([whole[None], pairs, person.median[None], half, person.latest])


def lifted(centre: Floats) -> Person:
    """Return the person in a template's numbers.

    Raises:
        FaultyInputError: ``template_malformed``, when they are none of a phrase.
    """
    size = centre.shape[1] if centre.ndim == 2 else 0  # noqa: PLR2004 - rows and their members
    keys = (size + 1) // 2
    fine = size % 2 == 1 and LEAST_KEYS <= keys <= MOST_KEYS and len(centre) > _FIXED and np.isfinite(centre).all()
    if not fine or centre[0, 0] != keys or centre[0, 2] < 1:
        raise _malformed()
    known, rest = bool(centre[0, 1]), centre[_FIXED:]
    if known and len(rest) <= keys:
        raise _malformed()
    half, latest = rest[: keys * known], rest[keys * known :]
    pairs = centre[1 : _FIXED - 1].reshape(len(MEMORIES), 2, size)
    return Person(
        keys=keys,
        count=int(centre[0, 2]),
        pace=centre[0, 3:7],
        means=pairs[:, 0],
        deviations=np.maximum(pairs[:, 1], _LEAST),
        median=centre[_FIXED - 1],
        covariance=_whole(half, size) if known else np.zeros((0, size)),
        latest=latest,
    )


def _whole(half: Floats, size: int) -> Floats:
    square = np.zeros((size, size))
    square[np.triu_indices(size)] = half.ravel()
    both: Floats = square + np.triu(square, 1).T
    return both


def _malformed() -> FaultyInputError:
    return FaultyInputError("template_malformed", "the template holds no typed phrase")
