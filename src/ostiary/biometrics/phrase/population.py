"""How the training people type the phrase: where they lie, how far apart, and how far one person's repetitions."""

from collections.abc import Sequence

import msgspec
import numpy as np

from ostiary.biometrics.window import Floats

_RIDGE = 1e-4


class Population(msgspec.Struct, frozen=True):
    """The people who type one phrase of ``d`` timings.

    Attributes:
        mean: ``[d]``, of the people's own means.
        within: ``[d, d]``, pooled covariance of a person's repetitions.
        between: ``[d, d]``, covariance of the people's means.
        deviation: ``[d]``, mean absolute deviation of a person's repetitions.
        inverse: of ``within + between``; ``volume`` the logarithm of its determinant.
    """

    mean: Floats
    within: Floats
    between: Floats
    deviation: Floats
    inverse: Floats
    volume: float

    @property
    def keys(self) -> int:
        """Keys of the phrase."""
        return (len(self.mean) + 1) // 2

    def strangeness(self, mean: Floats) -> float:
        """Return how far a person's mean lies from the people, in squared deviations a timing: about 1 for them."""
        away = mean - self.mean
        return float(away @ self.inverse @ away) / len(mean)


class Sums(msgspec.Struct, frozen=True):
    """What the people have in common, person by person, so that anybody can be left out.

    Attributes:
        means: ``[p, d]``; within: ``[p, d, d]``; deviations: ``[p, d]``.
    """

    means: Floats
    within: Floats
    deviations: Floats

    def without(self, person: int = -1) -> Population:
        """Return the population, ``person`` left out."""
        kept = np.arange(len(self.means)) != person
        within, between = self.within[kept].mean(axis=0), np.cov(self.means[kept].T)
        return population(self.means[kept].mean(axis=0), within, between, self.deviations[kept].mean(axis=0))


def sums(people: Sequence[Floats]) -> Sums:
    """Return what people of repetitions ``[n, d]`` have in common; two repetitions each at least."""
    return Sums(
        means=np.array([times.mean(axis=0) for times in people]),
        within=np.array([np.cov(times.T) for times in people]),
        deviations=np.array([np.abs(times - np.median(times, axis=0)).mean(axis=0) for times in people]),
    )


def population(mean: Floats, within: Floats, between: Floats, deviation: Floats) -> Population:
    """Return a population with what follows from its numbers."""
    total = within + between + _RIDGE * np.eye(len(mean))
    inverse: Floats = np.linalg.inv(total).astype(np.float64)
    return Population(mean, within, between, deviation, inverse, float(np.linalg.slogdet(total)[1]))
