"""A typed phrase as a row of numbers: how many keys, the logarithms of its holds and of the times between presses.

- Logarithms, for a person's times vary in proportion; floors keep a clock's coarseness and key bounces from counting.
- A row is ``[ROW]``, zeros after the phrase's end, last a checksum of the keys' classes in order (0: unknown), so that
  another phrase of as many keys is not taken for the same.
- Of more than ``MOST_KEYS`` keys the first ones count; with fewer than ``LEAST_KEYS`` a row is NaN throughout.

>>> row_of(np.array([[0.0, 95.0, 1.0], [140.0, 231.0, 2.0], [300.0, 380.0, 1.0], [410.0, 500.0, 4.0]]))[0]
np.float64(4.0)
"""

from typing import Final
from zlib import crc32

import numpy as np

from ostiary.biometrics.window import Floats

MOST_KEYS: Final = 30
LEAST_KEYS: Final = 4
ROW: Final = 2 * MOST_KEYS + 1
_HOLD_MS: Final = (10.0, 5_000.0)
_FLIGHT_MS: Final = (0.0, 10_000.0)
_FLIGHT_FLOOR_MS: Final = 60.0


def row_of(keys: Floats) -> Floats:
    """Return the row of key presses ``[n, 3]``."""
    count = min(len(keys), MOST_KEYS)
    row = np.zeros(ROW)
    if count < LEAST_KEYS:
        row[:] = np.nan
        return row
    down, up = keys[:count, 0], keys[:count, 1]
    row[0] = count
    row[1 : 1 + count] = np.log(np.clip(up - down, *_HOLD_MS))
    row[1 + count : 2 * count] = np.log(np.clip(np.diff(down), *_FLIGHT_MS) + _FLIGHT_FLOOR_MS)
    classes = np.clip(keys[:count, 2], 0, 255).astype(np.uint8)
    row[-1] = crc32(classes.tobytes()) if classes.any() else 0
    return row


def timings(rows: Floats, keys: int) -> Floats:
    """Return holds and flights of rows of ``keys`` keys, ``[n, 2 · keys - 1]``."""
    return rows[:, 1 : 2 * keys]


def shape_of(rows: Floats, keys: int) -> float:
    """Return the most usual checksum of rows of ``keys`` keys; 0 without any."""
    found, counts = np.unique(rows[rows[:, 0] == keys, -1], return_counts=True)
    return float(found[counts.argmax()]) if len(found) else 0.0


def pace(rows: Floats) -> Floats:
    """Return median hold and median flight of each row, whatever its length, ``[n, 2]``."""
    found = np.full((len(rows), 2), np.nan)
    for at, row in enumerate(rows):
        if np.isfinite(row[0]):
            keys = int(row[0])
            found[at] = np.median(row[1 : 1 + keys]), np.median(row[1 + keys : 2 * keys])
    return found
