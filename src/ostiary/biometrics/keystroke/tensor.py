"""A window of keystrokes as channels of a small network, and a long window as pieces of equal length.

    0  hold, on a logarithmic scale          4  release to release, signed
    1  hold, on a linear scale               5  whether the key overlaps the one before
    2  press to press, logarithmic           6… one channel a class of key, all zero where it is unknown
    3  release to press, signed: below zero where keys overlap

- Times are clipped near their 99th percentile: a pause of ten seconds tells nothing that one of two does not.
- Every channel is centred and scaled by constants, never by the window itself: how fast somebody types is theirs.
- The first key has no key before it: its channels 2 to 5 are zero. Times that run backwards are read as no time.

>>> import numpy as np
>>> keys = np.array([[0.0, 95.0, 1.0], [140.0, 231.0, 2.0], [200.0, 300.0, 0.0]])
>>> table = channels(keys)
>>> table.shape, (table[5] > 0).tolist(), table[CLASS_CHANNEL + 1].tolist()
((14, 3), [False, False, True], [0.0, 1.0, 0.0])
>>> [len(piece) for piece in pieces(np.zeros((150, 3)))]
[50, 50, 50]
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from ostiary.biometrics.window import Floats

Tensor = npt.NDArray[np.float32]

LEAST: Final = 8
"""Fewer keys than these are too little to judge."""
PIECE: Final = 70
"""The most keys that the network sees at once."""
MOST_PIECES: Final = 64
"""Of a longer window only so many pieces are looked at, evenly spread."""
CLASSES: Final = 8
CLASS_CHANNEL: Final = 6
CHANNELS: Final = CLASS_CHANNEL + CLASSES
INPUTS: Final = CHANNELS + 1
"""Channels, and whether there is a key at all."""

_MOST_HOLD: Final = 400.0
_MOST_GAP: Final = 1500.0
_MOST_OVERLAP: Final = 400.0


def pieces(keys: Floats) -> list[Floats]:
    """Return a window cut into as few pieces as hold at most ``PIECE`` keys each, of nearly equal length."""
    if len(keys) <= PIECE:
        return [keys]
    found = np.array_split(keys, -(-len(keys) // PIECE))
    if len(found) <= MOST_PIECES:
        return found
    return [found[at] for at in np.linspace(0, len(found) - 1, MOST_PIECES).round().astype(int)]


def channels(keys: Floats) -> Tensor:
    """Return ``[CHANNELS, n]`` of keys ``[n, 3]``: down, up, class."""
    down, up = np.maximum.accumulate(keys[:, 0]), keys[:, 1]
    up = np.maximum(down, up)
    hold = np.clip(up - down, 0.0, _MOST_HOLD)
    follows = np.ones(len(keys))
    follows[:1] = 0.0
    press = np.clip(np.diff(down, prepend=down[:1]), 0.0, _MOST_GAP)
    gap = down - np.concatenate([up[:1], up[:-1]])
    release = np.diff(up, prepend=up[:1])
    table = np.zeros((CHANNELS, len(keys)))
    table[0] = (np.log(hold + 10.0) - 4.745) / 0.33
    table[1] = hold / 100.0 - 1.05
    table[2] = (np.log(press + 20.0) - 5.247) / 0.6 * follows
    table[3] = (_signed(gap) - 1.0) * follows
    table[4] = (_signed(release) - 1.3) * follows
    table[5] = ((gap < 0) - 0.2) * follows
    kinds = keys[:, 2].astype(int)
    known = (kinds >= 1) & (kinds <= CLASSES)
    table[CLASS_CHANNEL + kinds[known] - 1, np.flatnonzero(known)] = 1.0
    return table.astype(np.float32)


def batch(tables: Sequence[Tensor]) -> Tensor:
    """Return pieces' channels side by side ``[n, INPUTS, PIECE]``, zeros behind the shorter ones."""
    found = np.zeros((len(tables), INPUTS, PIECE), np.float32)
    for row, table in enumerate(tables):
        found[row, :CHANNELS, : table.shape[1]] = table
        found[row, CHANNELS, : table.shape[1]] = 1.0
    return found


def _signed(times: Floats) -> Floats:
    scaled: Floats = np.arcsinh(np.clip(times, -_MOST_OVERLAP, _MOST_GAP) / 40.0) / 1.5
    return scaled
