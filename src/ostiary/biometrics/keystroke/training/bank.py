"""Many people's keys in one place, and batches drawn from them.

- Half of the samples are whole windows as they were typed, for such are judged in life; the others are stretches of
  one, and some go on, from their middle, with a stretch of another window of the same person. That is what makes few
  sentences a person last for many epochs.
- Samples of a batch are handed over in groups of like length, which saves the time of what would be padded.
- Of half of the samples a stretch of keys is hidden: that there are keys is told, nothing of their times. No model can
  lean on a few telling keys, and the same sentences teach for many more epochs.
- Classes of keys are now and then left out of a sample, so that one model serves sources with and without them.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.keystroke.tensor import CHANNELS, CLASS_CHANNEL, INPUTS, Tensor, channels
from ostiary.biometrics.window import Floats

_CUT: Final = 0.5
_LEAST_SHARE: Final = 0.5
_MIXED: Final = 0.15
_CLASSLESS: Final = 0.3
_HIDING: Final = 0.5
_MOST_HIDDEN: Final = 0.5
_LEAST_SAMPLE: Final = 14
_LEAST_STRETCH: Final = 7
_GROUPS: Final = 4
Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


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

    def batch(self, chosen: Numbers, luck: np.random.Generator) -> tuple[list[Tensor], Numbers]:
        """Return groups of samples ``[n, INPUTS, L]``, one sample a ``chosen`` piece, and whose they are."""
        whole = self.lengths[chosen]
        behind = np.array([one[luck.integers(len(one))] for one in (self.of[self.people[at]] for at in chosen)])
        share = np.where(luck.random(len(chosen)) < _CUT, luck.uniform(_LEAST_SHARE, 1.0, len(chosen)), 1.0)
        lengths = np.minimum(whole, np.maximum(_LEAST_SAMPLE, (whole * share).astype(np.int64)))
        mixed = luck.random(len(chosen)) < _MIXED
        first = np.where(mixed, np.minimum(lengths, np.maximum(_LEAST_STRETCH, lengths // 2)), lengths)
        begin = _drawn(whole - lengths, luck)
        rest = np.minimum(self.lengths[behind], lengths - first)
        begin_behind = _drawn(self.lengths[behind] - rest, luck)
        places = (self.starts[chosen] + begin, first, self.starts[behind] + begin_behind, first + rest)
        order = np.argsort(first + rest, kind="stable")
        groups = [self._samples([place[part] for place in places], luck) for part in np.array_split(order, _GROUPS)]
        return [group for group in groups if len(group)], self.people[chosen[order]]

    def _samples(self, places: Sequence[Numbers], luck: np.random.Generator) -> Tensor:
        """Return samples: keys from one place, then from another, then nothing up to the longest."""
        own, first, other, lengths = (place[:, None] for place in places)
        step = np.arange(int(lengths.max(initial=0)))[None]
        at = np.where(step < first, own + step, other + step - first)
        there = step < lengths
        found = np.zeros((len(own), INPUTS, step.shape[1]), np.float32)
        shown = there & ~_hidden(lengths, step, luck)
        found[:, :CHANNELS] = (self.keys[np.where(there, at, 0)] * shown[:, :, None]).transpose(0, 2, 1)
        found[:, CHANNELS] = there
        found[luck.random(len(own)) < _CLASSLESS, CLASS_CHANNEL:CHANNELS] = 0.0
        return found


def bank_of(pieces: Sequence[Floats], people: Numbers) -> Bank:
    """Return the bank of pieces ``[n, 3]`` of numbered people."""
    lengths = np.array([len(piece) for piece in pieces])
    keys = np.concatenate([channels(piece).T for piece in pieces])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    order = np.argsort(people, kind="stable")
    of = np.split(order, np.flatnonzero(np.diff(people[order])) + 1)
    return Bank(keys, starts, lengths, people, of)


def _hidden(lengths: Numbers, step: Numbers, luck: np.random.Generator) -> Flags:
    """Return which keys of samples are hidden, ``[n, L]``: a stretch of up to ``_MOST_HIDDEN`` of a sample, or none."""
    wide = luck.random(lengths.shape) * _MOST_HIDDEN * lengths * (luck.random(lengths.shape) < _HIDING)
    begin = luck.random(lengths.shape) * (lengths - wide)
    return np.asarray((step >= begin) & (step < begin + wide))


def _drawn(most: Numbers, luck: np.random.Generator) -> Numbers:
    """Return a number from 0 to ``most`` for each."""
    found: Numbers = (luck.random(len(most)) * (most + 1)).astype(np.int64)
    return found
