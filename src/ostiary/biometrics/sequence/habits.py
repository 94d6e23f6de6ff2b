"""What people do after what: one person's counts, and those of everybody in training.

- ``Habits`` are a person's damped counts by transition, with their sums by context and by token.
- ``Population`` are the habits of training people. Who is judged is left out of "everybody else" when among them:
  a template that holds nearly all that a training person did, or is held by it, is that person's (``twin``).

>>> import numpy as np
>>> anna = Habits.of(np.array([12, 21]), np.array([2.0, 2.0]), base=10)
>>> ben = Habits.of(np.array([12, 34]), np.array([1.0, 5.0]), base=10)
>>> everybody = Population((anna, ben), base=10)
>>> everybody.twin(anna), everybody.twin(Habits.of(np.array([55]), np.array([1.0]), base=10))
(0, -1)
>>> everybody.others(np.array([12, 34]), without=0).pair.tolist()
[1.0, 5.0]
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.sequence.ratio import Counts
from ostiary.biometrics.sequence.tokens import Ids
from ostiary.biometrics.window import Floats

TWIN: Final = 0.97
NOBODY: Final = -1


class Habits(msgspec.Struct, frozen=True):
    """Counts of one person or many: transitions by rising code, and their sums.

    Attributes:
        codes, weights: the transitions.
        contexts, words: sums by context and by token, float64 ``[base]``.
    """

    codes: Ids
    weights: Floats
    contexts: Floats
    words: Floats

    @staticmethod
    def of(codes: Ids, weights: Floats, base: int) -> "Habits":
        """Return the habits that transitions make; codes may come in any order and more than once."""
        kept, place = np.unique(codes, return_inverse=True)
        summed = _sums(place, weights, len(kept))
        contexts = _sums(kept // base, summed, base)
        return Habits(kept, summed, contexts, _sums(kept % base, summed, base))

    def at(self, codes: Ids) -> Floats:
        """Return the counts of some transitions, in the shape of ``codes``."""
        if not len(self.codes):
            return np.zeros(codes.shape)
        place = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        found: Floats = np.where(self.codes[place] == codes, self.weights[place], 0.0)
        return found

    def counts(self, codes: Ids) -> Counts:
        """Return all four counts at some transitions."""
        base = len(self.words)
        total = np.asarray(self.words.sum())
        return Counts(self.at(codes), self.contexts[codes // base], self.words[codes % base], total)


class Population:
    """Everybody's habits, and each one's share of them."""

    def __init__(self, people: Sequence[Habits], base: int) -> None:
        """Sum the habits of ``people``."""
        self.people, self.base = tuple(people), base
        self._codes = np.concatenate([one.codes for one in self.people] or [np.zeros(0, np.int64)])
        self._weights = np.concatenate([one.weights for one in self.people] or [np.zeros(0)])
        self._owners = np.repeat(np.arange(len(self.people)), [len(one.codes) for one in self.people])
        self.sum = Habits.of(self._codes, self._weights, base)
        self._totals = np.array([one.weights.sum() for one in self.people])

    def others(self, codes: Ids, without: int) -> Counts:
        """Return everybody's counts at some transitions, but for the person ``without`` (``NOBODY``: for none)."""
        everybody = self.sum.counts(codes)
        if without == NOBODY:
            return everybody
        return less(everybody, self.people[without].counts(codes))

    def twin(self, habits: Habits) -> int:
        """Return the number of the training person whose habits these are, or ``NOBODY``."""
        if not self.people:
            return NOBODY
        both = np.bincount(self._owners, np.minimum(self._weights, habits.at(self._codes)), minlength=len(self.people))
        share = both / np.maximum(np.minimum(self._totals, habits.weights.sum()), 1e-9)
        best = int(np.argmax(share))
        return best if share[best] >= TWIN else NOBODY


def less(everybody: Counts, own: Counts) -> Counts:
    """Return the counts of everybody else; rounding never takes one below zero."""
    return Counts(
        np.maximum(everybody.pair - own.pair, 0.0),
        np.maximum(everybody.context - own.context, 0.0),
        np.maximum(everybody.word - own.word, 0.0),
        np.maximum(everybody.total - own.total, 0.0),
    )


def _sums(places: Ids, weights: Floats, size: int) -> Floats:
    return np.bincount(places, weights, minlength=size).astype(np.float64)
