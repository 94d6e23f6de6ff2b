"""How a block of 128 events moves, in some 270 hand-made numbers: how fast, how bent, how even, where to.

- Quantiles and means of speed, step, wait, gain and turn; shares of directions, small steps, waits and presses; how
  straight over 4 to 32 events; joint counts of speed with speed before and with turn, and of small steps.
- Shares are square roots (Hellinger): a rare thing counts, and no count dwarfs the rest.
- All blocks at once; every number is finite whatever the block.

>>> import numpy as np
>>> shapes(np.zeros((3, 128, 4))).shape == (3, WIDTH)
True
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ostiary.biometrics.pointer.tensor import FARTHEST, LONGEST_MS, turns
from ostiary.biometrics.window import Floats

Flags = npt.NDArray[np.bool_]
Series = tuple[Floats, Flags, list[int]]
WIDTH: Final = 269

_WAITS: Final = np.array([0, 5, 12, 25, 50, 100, 250, np.inf])
_STEPS: Final = np.array([0.5, 1.5, 3.0, 8.0, 20.0, 60.0, np.inf])
_TINY: Final = 3.0
_SPEEDS: Final = (-3.5, -2.2, -1.2, -0.4, 0.4, 1.2)
_BENDS: Final = (0.05, 0.15, 0.35, 0.8, 1.6)
_EVERY: Final = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
_WIDE: Final = [1, 2, 3, 4, 5]  # of _EVERY
_QUARTERS: Final = [2, 3, 4]
_ENDS: Final = [0, 2, 3, 4, 6]
_MIDDLE: Final = [3]
_UPPER: Final = [2, 3, 4, 5]
_HIGH: Final = [3, 5]
_LOW: Final = [2]
_TURNS: Final = (2, 3, 4, 6)
_SPANS: Final = (4, 8, 16, 32)
_FAST: Final = 4.0
_SMALL: Final = 6


class _Block:
    """What several of the numbers are made from; ``[n, 128]`` each, ``[n, 127]`` of neighbours."""

    def __init__(self, blocks: Floats) -> None:
        self.wait = np.clip(blocks[..., 0], 0.0, LONGEST_MS)
        self.dx, self.dy = (np.clip(blocks[..., axis], -FARTHEST, FARTHEST) for axis in (1, 2))
        self.buttons = blocks[..., 3].astype(np.int64)
        self.size = np.hypot(self.dx, self.dy)
        self.moved = self.size > 0
        self.log_wait = np.log1p(self.wait)
        self.speed = np.log((self.size + 0.25) / np.maximum(self.wait, 1.0))
        self.both = self.moved[:, 1:] & self.moved[:, :-1]
        self.gain = np.diff(self.speed, axis=1)
        sine, cosine = turns(self.dx, self.dy, self.size)
        self.turn = np.arctan2(sine, cosine)[:, 1:]


def shapes(blocks: Floats) -> Floats:
    """Return the numbers of blocks ``[n, 128, 4]``: ``[n, WIDTH]``."""
    block = _Block(blocks)
    parts = [_marginals(block), _directions(block), _shares(block), _paths(block), _joint(block)]
    return np.concatenate(parts, axis=1)


def _mean(values: Floats, where: Flags) -> Floats:
    means: Floats = (values * where).sum(axis=1) / np.maximum(where.sum(axis=1), 1)
    return means


def _share(where: Flags) -> Floats:
    roots: Floats = np.sqrt(where.mean(axis=1))
    return roots


def _spreads(series: Sequence[Series]) -> list[Floats]:
    """Return quantiles, mean and deviation of what counts in each series, ``[n, quantiles + 2]``; 0 where nothing does.

    All series at once, padded to the longest: a call of numpy costs more than the few numbers of a block.
    """
    rows, width = len(series[0][0]), max(values.shape[1] for values, _, _ in series)
    values, where = np.zeros((len(series), rows, width)), np.zeros((len(series), rows, width), dtype=np.bool_)
    for at, (some, counts, _) in enumerate(series):
        values[at, :, : some.shape[1]], where[at, :, : some.shape[1]] = some, counts
    count = where.sum(axis=2)
    most = np.maximum(count - 1, 0)[:, :, None]
    ordered = np.sort(np.where(where, values, np.inf), axis=2)
    ordered[count == 0] = 0.0
    place = most * _EVERY
    low = place.astype(np.int64)
    below = np.take_along_axis(ordered, low, axis=2)
    quantiles = below + (np.take_along_axis(ordered, np.minimum(low + 1, most), axis=2) - below) * (place - low)
    counted, whole = values * where, np.maximum(count, 1)
    mean = counted.sum(axis=2) / whole
    deviation = np.sqrt(np.maximum((values * counted).sum(axis=2) / whole - mean * mean, 0.0))
    around = np.stack([mean, deviation], axis=2)
    return [np.concatenate([quantiles[at][:, chosen], around[at]], axis=1) for at, (_, _, chosen) in enumerate(series)]


def _marginals(block: _Block) -> Floats:
    moved, both, turn, gain = block.moved, block.both, block.turn, block.gain
    bent, gained = np.abs(turn), np.abs(gain)
    fast = both & (block.size[:, 1:] > _FAST) & (block.size[:, :-1] > _FAST)
    series: list[Series] = [
        (block.speed, moved, _WIDE),
        (np.log1p(block.size), moved, _WIDE),
        (np.log1p(np.abs(block.dx)), moved, _QUARTERS),
        (np.log1p(np.abs(block.dy)), moved, _QUARTERS),
        (block.log_wait, np.ones_like(moved), _ENDS),
        (gain, both, _ENDS),
        (gained, both, _MIDDLE),
        (bent, both, _UPPER),
        (turn, both, _QUARTERS),
        (bent, fast, _HIGH),
        (gained, fast, _HIGH),
        (bent, both & ~fast, _MIDDLE),
    ]
    return np.concatenate(_spreads(series), axis=1)


def _directions(block: _Block) -> Floats:
    """Return how often each eighth of the circle was taken, and how fast."""
    octant = ((np.arctan2(block.dy, block.dx) + np.pi) / (np.pi / 4) + 0.5).astype(np.int64) % 8
    there = (octant[:, None, :] == np.arange(8)[:, None]) & block.moved[:, None, :]
    count = there.sum(axis=2)
    fast = (block.speed[:, None, :] * there).sum(axis=2) / np.maximum(count, 3)
    return np.concatenate([np.sqrt(count / block.size.shape[1]), fast], axis=1)


def _shares(block: _Block) -> Floats:
    moved, wait, size = block.moved, block.wait, block.size
    left, right = (block.buttons & 1) > 0, (block.buttons & 2) > 0
    press, release = np.zeros_like(left), np.zeros_like(left)
    press[:, 1:] = left[:, 1:] & ~left[:, :-1]
    release[:, 1:] = ~left[:, 1:] & left[:, :-1]
    sizes = size[:, None, :] >= _STEPS[:, None]
    waits = wait[:, None, :] >= _WAITS[:, None]
    flags = [np.abs(block.dx) <= 1, np.abs(block.dy) <= 1, block.dx == 0, block.dy == 0]
    flags = [*(flag & moved for flag in flags), ~moved, size < _TINY, left, right, press, left & moved]
    within = [sizes[:, :-1] & ~sizes[:, 1:], waits[:, :-1] & ~waits[:, 1:]]
    shares = np.sqrt(np.concatenate([np.stack(flags, axis=1), *within], axis=1).mean(axis=2))
    around = np.stack([_mean(block.log_wait, press), _mean(block.log_wait, release)], axis=1)
    return np.concatenate([shares, around], axis=1)


def _paths(block: _Block) -> Floats:
    """Return how straight the path is over some events, and how far it gets."""
    heading = np.arctan2(block.dy, block.dx)
    x, y, walked = (np.cumsum(one, axis=1) for one in (block.dx, block.dy, block.size))
    turned = [(np.cos(heading[:, n:] - heading[:, :-n]), block.moved[:, n:] & block.moved[:, :-n]) for n in _TURNS]
    parts = [np.stack([_mean(*one) for one in turned], axis=1)]
    series: list[Series] = []
    for span in _SPANS:
        far = np.hypot(x[:, span:] - x[:, :-span], y[:, span:] - y[:, :-span])
        path = walked[:, span:] - walked[:, :-span]
        series += [
            (far / np.maximum(path, 1.0), path > 2 * span, _LOW),
            (far, np.ones_like(far, dtype=np.bool_), _HIGH),
        ]
    found = _spreads(series)
    for straight, far in zip(found[::2], found[1::2], strict=True):
        parts += [straight, np.log1p(far[:, :2])]
    return np.concatenate(parts, axis=1)


def _joint(block: _Block) -> Floats:
    """Return joint counts: speed with speed before, speed with turn, small steps across and along."""
    speed = np.where(block.moved, np.digitize(block.speed, _SPEEDS), 0)
    kinds, bends = len(_SPEEDS) + 1, len(_BENDS) + 1
    bend = np.where(block.both, speed[:, 1:] * bends + np.digitize(np.abs(block.turn), _BENDS), kinds * bends)
    small_x, small_y = (np.minimum(np.abs(one), _SMALL).astype(np.int64) for one in (block.dx, block.dy))
    return np.concatenate(
        [
            _counts(speed[:, 1:] * kinds + speed[:, :-1], kinds * kinds),
            _counts(bend, kinds * bends + 1),
            _counts(small_x * (_SMALL + 1) + small_y, (_SMALL + 1) ** 2),
        ],
        axis=1,
    )


def _counts(cells: npt.NDArray[np.int64], width: int) -> Floats:
    """Return the roots of the shares of each cell, ``[n, width]``."""
    flat = (np.arange(len(cells)) * width)[:, None] + cells
    counts = np.bincount(flat.ravel(), minlength=len(cells) * width).reshape(len(cells), width)
    roots: Floats = np.sqrt(counts / cells.shape[1])
    return roots
