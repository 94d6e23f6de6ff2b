"""Prints of a window: hashes by which the same movement is known again, though not read back.

- A print covers a few keys or pointer events in a row; where it begins does not matter, so a part is known as well.
- ``kept`` are what a history remembers; ``near`` are what a new window might have been before it was shaken.
- Families: ``timing`` (holds and press-to-press times, each within ``LOOSE_MS``), ``tempo`` (their ratios, so a replay
  that is uniformly faster or slower is known), ``path`` (steps of the pointer, whatever their times), ``curve`` (the
  same summed over some steps, each sum within ``LOOSE_PX``).

>>> import numpy as np
>>> from ostiary.biometrics.window import Modality, window_of
>>> typed = [[k * 140 + k * k, k * 140 + k * k + 80 + k % 5, 1] for k in range(12)]
>>> one, other = (prints_of(window_of(Modality.KEYSTROKE, some)) for some in (typed, typed[3:]))
>>> one.whole == other.whole, np.isin(other.families["timing"].kept, one.families["timing"].kept).all()
(False, np.True_)
"""

import hashlib
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.window import Floats, Modality, Window

Codes = npt.NDArray[np.uint32]
Whole = npt.NDArray[np.int64]

LOOSE_MS: Final = 3.0  # ±1 ms on both ends of a time moves it by 2, and rounding by less than 1 more
LOOSE_LOG: Final = 0.04
LOOSE_PX: Final = 5.0
LONGEST_MS: Final = 2_000.0  # longer pauses are all alike
KEYS: Final = 4
STEPS: Final = 8
LEAST_TURNS: Final = 5  # different steps among ``STEPS``, or a straight slow line would be known everywhere
LEAST_WAY_PX: Final = 40.0
BLOCK: Final = 5
BLOCKS: Final = 4
LEAST_BLOCK_PX: Final = 25.0
LEAST_BEND: Final = 0.5  # radians over the blocks, or every straight line would be known
MOST_ASKED: Final = 96
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)
_HALF: Final = np.uint64(32)
_MIX: Final = np.uint64(29)


class Family(msgspec.Struct, frozen=True):
    """Prints of one kind.

    Attributes:
        kept: uint32 ``[n]``, one a place in the window.
        near: uint32 ``[m, k]``, for at most ``MOST_ASKED`` places every print that a slightly moved copy could have.
    """

    kept: Codes
    near: Codes


class Prints(msgspec.Struct, frozen=True):
    """All prints of a window.

    Attributes:
        modality: of which.
        whole: digest of the content but for its first time, and but for all times where the pointer went some way;
            equal only for exact replays.
        families: by name.
    """

    modality: Modality
    whole: bytes
    families: dict[str, Family]

    @property
    def remembered(self) -> "Prints":
        """What a history needs of it: a twentieth of the room."""
        families = {name: Family(one.kept, np.zeros_like(one.near[:0])) for name, one in self.families.items()}
        return Prints(self.modality, self.whole, families)


def prints_of(window: Window) -> Prints:
    """Return the prints of ``window``; once a window, whatever it is compared with."""
    content = window.content
    if isinstance(content, np.ndarray):
        if window.modality is Modality.KEYSTROKE:
            return Prints(window.modality, _digest(_intervals(content)), _typed(content))
        moves = np.count_nonzero(np.any(content[:, 1:3] != 0, axis=1))
        return Prints(window.modality, _digest(content[:, int(moves >= STEPS) :]), _pointed(content))
    text = repr(sorted(content.items()) if isinstance(content, dict) else content)
    return Prints(window.modality, hashlib.sha256(text.encode()).digest()[:16], {})


def _digest(numbers: Floats) -> bytes:
    return hashlib.sha256(np.round(numbers, 3).astype("<f8").tobytes()).digest()[:16]


def _intervals(events: Floats) -> Floats:
    """Return hold and press-to-press times, ``[n, 2]``; the first press has none before it."""
    return np.column_stack([events[:, 1] - events[:, 0], np.diff(events[:, 0], prepend=events[:1, 0])])


def _typed(events: Floats) -> dict[str, Family]:
    times = np.clip(_intervals(events), -LONGEST_MS, LONGEST_MS)
    if len(times) < KEYS:
        return {}
    each = np.lib.stride_tricks.sliding_window_view(times, KEYS, axis=0).transpose(0, 2, 1).reshape(-1, 2 * KEYS)
    timing = each[:, [0, 2, 3, 4, 5, 7]]  # hold, hold, step, hold, step, step
    logs = np.log(np.maximum(each[:, [0, 2, 3, 4, 5, 6, 7]], 1.0))
    tempo = np.delete(logs, 2, axis=1) - logs[:, [2]]
    return {"timing": _loose(timing, LOOSE_MS), "tempo": _loose(tempo, LOOSE_LOG)}


def _pointed(events: Floats) -> dict[str, Family]:
    moves = events[np.any(events[:, 1:3] != 0, axis=1), 1:3]
    found = {}
    if len(moves) >= STEPS:
        runs = np.lib.stride_tricks.sliding_window_view(moves, STEPS, axis=0).reshape(-1, 2 * STEPS)
        turns = (np.diff(np.sort(runs[:, :STEPS] * 65_537.0 + runs[:, STEPS:], axis=1)) != 0).sum(axis=1) + 1
        telling = runs[(np.abs(runs).sum(axis=1) >= LEAST_WAY_PX) & (turns >= LEAST_TURNS)]
        kept = _mixed(np.round(telling).astype(np.int64))
        found["path"] = Family(kept, kept[_asked(len(kept))][:, None])
    if len(moves) >= BLOCK * BLOCKS:
        sums = np.lib.stride_tricks.sliding_window_view(moves, BLOCK, axis=0).sum(axis=2)
        runs = np.column_stack([sums[at * BLOCK : len(sums) - (BLOCKS - 1 - at) * BLOCK] for at in range(BLOCKS)])
        found["curve"] = _loose(runs[_bent(runs)], LOOSE_PX, MOST_ASKED // 3)
    return found


def _bent(runs: Floats) -> npt.NDArray[np.bool_]:
    """Return which runs of blocks go far enough and are no straight line."""
    blocks = runs.reshape(-1, BLOCKS, 2)
    angles = np.arctan2(blocks[:, :, 1], blocks[:, :, 0])
    turned = np.abs((np.diff(angles, axis=1) + np.pi) % (2 * np.pi) - np.pi).sum(axis=1)
    kept: npt.NDArray[np.bool_] = (np.abs(blocks).sum(axis=2).min(axis=1) >= LEAST_BLOCK_PX) & (turned >= LEAST_BEND)
    return kept


def _loose(values: Floats, loose: float, most: int = MOST_ASKED) -> Family:
    """Return prints in cells ``2 * loose`` wide; what lies within ``loose`` of a value has one of its near prints."""
    width = 2 * loose
    if not len(values):
        return _none(2 ** values.shape[1])
    kept = _mixed(np.floor(values / width).astype(np.int64))
    some = values[_asked(len(values), most)]
    low, high = np.floor((some - loose) / width).astype(np.int64), np.floor((some + loose) / width).astype(np.int64)
    near = np.zeros((len(some), 1), np.uint64)
    for at in range(values.shape[1]):
        near = np.concatenate([_step(near, low[:, [at]]), _step(near, high[:, [at]])], axis=1)
    return Family(kept, (near >> _HALF).astype(np.uint32))


def _mixed(cells: Whole) -> Codes:
    codes = np.zeros(len(cells), np.uint64)
    for at in range(cells.shape[1]):
        codes = _step(codes, cells[:, at])
    return (codes >> _HALF).astype(np.uint32)


def _step(codes: npt.NDArray[np.uint64], cells: Whole) -> npt.NDArray[np.uint64]:
    mixed = (codes ^ cells.astype(np.uint64)) * _PRIME
    return mixed ^ (mixed >> _MIX)


def _asked(count: int, most: int = MOST_ASKED) -> Whole:
    """Return which places of ``count`` are asked about: all, or as many as are enough, evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64)) if count else np.arange(0)


def _none(width: int) -> Family:
    return Family(np.zeros(0, np.uint32), np.zeros((0, width), np.uint32))
