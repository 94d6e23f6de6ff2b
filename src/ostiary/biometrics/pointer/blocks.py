"""A pointer window of any length in blocks of 128 events, each beginning in the middle of the one before.

- A window of fewer than ``LEAST`` events has no block: too little to judge.
- One of ``LEAST`` to 127 events is one block, repeated from its beginning to full length.
- A longer one is cut every ``HOP`` events; its last block ends with its last event.

>>> import numpy as np
>>> cut(np.ones((300, 4))).shape, cut(np.ones((40, 4))).shape, cut(np.ones((31, 4))).shape
((4, 128, 4), (1, 128, 4), (0, 128, 4))
"""

from typing import Final

import numpy as np

from ostiary.biometrics.window import Floats

BLOCK: Final = 128
HOP: Final = 64
LEAST: Final = 32


def cut(events: Floats, hop: int = HOP) -> Floats:
    """Return the blocks of events ``[n, 4]``, ``[blocks, 128, 4]``."""
    if len(events) < LEAST:
        return np.zeros((0, BLOCK, 4))
    if len(events) < BLOCK:
        return np.resize(events, (1, BLOCK, 4))
    starts = [*range(0, len(events) - BLOCK, hop), len(events) - BLOCK]
    return np.stack([events[start : start + BLOCK] for start in starts])
