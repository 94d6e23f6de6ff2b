"""A window as its transitions: which token followed which, and how often, damped.

- A transition is one number, ``context · base + token``; the context of the very first token is ``base - 1``.
- A weight is the root of the count: the fortieth repetition in a window tells less than the first.
- A window longer than ``SPAN`` tokens is cut into even parts and is the mean of them, so any length gives evidence on
  one scale. Beyond ``MOST_TOKENS`` the rest is left unread.

>>> import numpy as np
>>> codes, weights = transitions(np.array([0, 1, 0, 1, 0]), base=10)
>>> codes.tolist(), weights.round(2).tolist()
([1, 10, 90], [1.41, 1.41, 1.0])
"""

from typing import Final

import numpy as np

from ostiary.biometrics.sequence.tokens import Ids
from ostiary.biometrics.window import Floats

SPAN: Final = 100
MOST_TOKENS: Final = 20 * SPAN
SLOTS: Final = 192
EMPTY: Final = -1

_UNIT: Final = 1 << 20
_STEP: Final = 64.0
LEAST: Final = 0.5 / _STEP  # a lighter weight rounds to nothing
MOST_BASE: Final = 1 << 16  # base² · _UNIT stays below 2**53, so a float64 holds code and weight exactly


def transitions(ids: Ids, base: int) -> tuple[Ids, Floats]:
    """Return the codes of a window's transitions, rising, and their weights; at most ``SLOTS``, the heaviest."""
    ids = ids[:MOST_TOKENS]
    before = np.concatenate([[base - 1], ids[:-1]])
    parts = max(1, round(len(ids) / SPAN))
    part = np.arange(len(ids)) * parts // max(1, len(ids))
    space = base * base
    seen, counts = np.unique(part * space + before * base + ids, return_counts=True)
    codes, place = np.unique(seen % space, return_inverse=True)
    weights = np.bincount(place, np.sqrt(counts), minlength=len(codes)) / parts
    if len(codes) > SLOTS:
        kept = np.sort(np.argsort(-weights, kind="stable")[:SLOTS])
        codes, weights = codes[kept], weights[kept]
    return codes, weights


def packed(codes: Ids, weights: Floats) -> Floats:
    """Return code and weight as one number each: half the room, and exact (weights in steps of 1/64)."""
    steps = np.clip(np.round(weights * _STEP), 1, _UNIT - 1)
    return codes.astype(np.float64) * _UNIT + steps


def unpacked(numbers: Floats) -> tuple[Ids, Floats]:
    """Return codes and weights of what ``packed`` made."""
    codes = np.floor(numbers / _UNIT)
    return codes.astype(np.int64), (numbers - codes * _UNIT) / _STEP
