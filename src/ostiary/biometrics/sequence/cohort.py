"""How alike a window is to people of the training set, each judged as if they claimed it.

- The evidence for the few most alike is taken off every score (``Smoothing.likest``): a window that others explain as
  well says little for anybody.
- They are found once a window, when it is embedded, with one more than needed: whoever is judged is not his own cohort.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ostiary.biometrics.sequence.habits import Population, less
from ostiary.biometrics.sequence.ratio import Counts, Smoothing, evidence
from ostiary.biometrics.sequence.tokens import Ids
from ostiary.biometrics.window import Floats

MOST: Final = 64
TOP: Final = 5
KEPT: Final = TOP + 1


class Cohort:
    """The first people of the population, as tables that are gathered from."""

    def __init__(self, population: Population) -> None:
        """Lay out the tables."""
        people = population.people[:MOST]
        self._population, self.size = population, len(people)
        codes = population.sum.codes
        self._pairs = np.zeros((len(codes) + 1, self.size), np.float32)
        for place, one in enumerate(people):
            self._pairs[np.searchsorted(codes, one.codes), place] = one.weights
        shape = (population.base, 0)
        self._contexts = np.stack([one.contexts for one in people], axis=1) if people else np.zeros(shape)
        self._words = np.stack([one.words for one in people], axis=1) if people else np.zeros(shape)
        self._totals = np.array([one.words.sum() for one in people])

    def scores(self, codes: Ids, weights: Floats, rule: Smoothing) -> Floats:
        """Return the evidence of one window for each of the cohort, ``[size]``."""
        known, base = self._population.sum.codes, self._population.base
        place = np.searchsorted(known, codes)
        if len(known):
            place = np.where(known[np.minimum(place, len(known) - 1)] == codes, place, len(known))
        context, word = codes // base, codes % base
        own = Counts(
            self._pairs[place].astype(np.float64), self._contexts[context], self._words[word], self._totals[None, :]
        )
        all_ = self._population.sum.counts(codes)
        everybody = Counts(all_.pair[:, None], all_.context[:, None], all_.word[:, None], all_.total[None, None])
        scores: Floats = weights @ evidence(own, less(everybody, own), base - 1, rule)
        return scores

    def likest(self, codes: Ids, weights: Floats, rule: Smoothing) -> tuple[Floats, Floats]:
        """Return scores and numbers of the ``KEPT`` most alike, most alike first; NaN where there are not so many."""
        scores, numbers = np.full(KEPT, np.nan), np.full(KEPT, np.nan)
        if self.size and rule.likest:
            found = self.scores(codes, weights, rule)
            best = np.argsort(-found, kind="stable")[:KEPT]
            scores[: len(best)], numbers[: len(best)] = found[best], best
        return scores, numbers


def mean_without(scores: Floats, numbers: Floats, person: int) -> Floats:
    """Return the mean of the ``TOP`` highest scores in each row ``[n, KEPT]``, without one person's; 0 of none."""
    allowed: npt.NDArray[np.bool_] = np.isfinite(scores) & (numbers != person)
    allowed &= np.cumsum(allowed, axis=1) <= TOP
    count = allowed.sum(axis=1)
    mean: Floats = np.where(allowed, scores, 0.0).sum(axis=1) / np.maximum(count, 1)
    return mean
