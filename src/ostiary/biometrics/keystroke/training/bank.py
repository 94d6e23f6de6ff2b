"""Many people's keys in one place, and batches drawn from them.

- In one batch all samples have as many keys, as many as some real window has or fewer: nothing is padded, and the
  network meets every length.
- A sample is a stretch of one window; where that is too short, and sometimes where it is not, another window of the
  same person goes on behind it. That is what makes few sentences a person last for many epochs.
- Classes of keys are now and then left out of a sample, so that one model serves sources with and without them.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.keystroke.tensor import CHANNELS, CLASS_CHANNEL, INPUTS, LEAST, Tensor, channels
from ostiary.biometrics.window import Floats

_SHORTER: Final = 0.5
_LEAST_SHARE: Final = 0.6
_MIXED: Final = 0.3
_CLASSLESS: Final = 0.3
_LEAST_SAMPLE: Final = 14
Numbers = npt.NDArray[np.int64]


class Bank(msgspec.Struct, frozen=True):
    """The pieces of many people.

    Attributes:
        keys: ``[all keys, CHANNELS]``, one piece after the other.
        starts, lengths: where each piece lies.
        people: number of the person, a piece; from 0 without gaps.
        of: the pieces of each person.
    """

    keys: Tensor
    starts: Numbers
    lengths: Numbers
    people: Numbers
    of: list[Numbers]

    def batch(self, chosen: Numbers, luck: np.random.Generator) -> Tensor:
        """Return samples ``[n, INPUTS, L]`` that begin with a stretch of each of the ``chosen`` pieces."""
        length = self._length(luck)
        behind = np.array([one[luck.integers(len(one))] for one in (self.of[self.people[at]] for at in chosen)])
        first = np.minimum(self.lengths[chosen], length)
        mixed = luck.random(len(chosen)) < _MIXED
        first = np.where(mixed, np.maximum(np.minimum(first, length // 2), 1), first)
        begin = _drawn(self.lengths[chosen] - first, luck)
        begin_behind = _drawn(self.lengths[behind] - np.minimum(self.lengths[behind], length - first), luck)
        step = np.arange(length)[None]
        own = self.starts[chosen][:, None] + begin[:, None] + step
        other = begin_behind[:, None] + step - first[:, None]
        other = self.starts[behind][:, None] + other % self.lengths[behind][:, None]
        table = self.keys[np.where(step < first[:, None], own, other)].transpose(0, 2, 1)
        found = np.ones((len(chosen), INPUTS, length), np.float32)
        found[:, :CHANNELS] = table
        found[luck.random(len(chosen)) < _CLASSLESS, CLASS_CHANNEL:CHANNELS] = 0.0
        return found

    def _length(self, luck: np.random.Generator) -> int:
        length = int(self.lengths[luck.integers(len(self.lengths))])
        share = luck.uniform(_LEAST_SHARE, 1.0) if luck.random() < _SHORTER else 1.0
        return max(min(_LEAST_SAMPLE, length), int(length * share), LEAST)


def bank_of(pieces: Sequence[Floats], people: Numbers) -> Bank:
    """Return the bank of pieces ``[n, 3]`` of numbered people."""
    lengths = np.array([len(piece) for piece in pieces])
    keys = np.concatenate([channels(piece).T for piece in pieces])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    order = np.argsort(people, kind="stable")
    of = np.split(order, np.flatnonzero(np.diff(people[order])) + 1)
    return Bank(keys, starts, lengths, people, of)


def _drawn(most: Numbers, luck: np.random.Generator) -> Numbers:
    """Return a number from 0 to ``most`` for each."""
    found: Numbers = (luck.random(len(most)) * (most + 1)).astype(np.int64)
    return found
