"""What the pointer encoder reads: eleven numbers of every event of a block.

    dx, dy          signed logarithms of the step            speed, gain     logarithm of speed, its change
    wait            logarithm of the time before it          turn            sine and cosine of the change of heading
    vx, vy          signed logarithms of the velocity        left, other     which buttons are down

- No position, no absolute time; numbers lie around 0 and a few units wide, whatever a device sends.

>>> import numpy as np
>>> tensor(np.zeros((2, 128, 4))).shape
(2, 11, 128)
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ostiary.biometrics.window import Floats

Floats32 = npt.NDArray[np.float32]

CHANNELS: Final = 11
LONGEST_MS: Final = 2_000.0
SHORTEST_MS: Final = 4.0
FARTHEST: Final = 10_000.0
_WAIT: Final = 1.4
_SPEED: Final = 0.8


def tensor(blocks: Floats) -> Floats32:
    """Return what the encoder reads of blocks ``[n, 128, 4]``: ``[n, 11, 128]``."""
    wait = np.clip(blocks[..., 0], 0.0, LONGEST_MS)
    dx, dy = (np.clip(blocks[..., axis], -FARTHEST, FARTHEST) for axis in (1, 2))
    buttons = blocks[..., 3].astype(np.int64)
    per = np.maximum(wait, SHORTEST_MS)
    size = np.hypot(dx, dy)
    speed = np.log1p(10 * size / per)
    sine, cosine = turns(dx, dy, size)
    gain = np.zeros_like(speed)
    gain[:, 1:] = np.diff(speed, axis=1)
    channels = [
        signed_log(dx) / 2,
        signed_log(dy) / 2,
        np.log1p(wait) / 2 - _WAIT,
        signed_log(10 * dx / per) / 2,
        signed_log(10 * dy / per) / 2,
        speed / 2 - _SPEED,
        gain,
        sine,
        cosine,
        (buttons & 1) > 0,
        (buttons & ~1) > 0,
    ]
    return np.stack(channels, axis=1).astype(np.float32)


def turns(dx: Floats, dy: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Return sine and cosine of the turn between each step and the one before; 0 where one of them stood still."""
    sine, cosine = np.zeros_like(size), np.zeros_like(size)
    both = size[:, 1:] * size[:, :-1]
    fine = np.where(both > 0, both, np.inf)
    sine[:, 1:] = (dx[:, :-1] * dy[:, 1:] - dy[:, :-1] * dx[:, 1:]) / fine
    cosine[:, 1:] = (dx[:, :-1] * dx[:, 1:] + dy[:, :-1] * dy[:, 1:]) / fine
    return sine, cosine


def signed_log(values: Floats) -> Floats:
    """Return ln(1 + |v|) with the sign of v."""
    logs: Floats = np.sign(values) * np.log1p(np.abs(values))
    return logs
