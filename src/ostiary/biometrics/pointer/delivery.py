"""How a stream of pointer events was delivered: straight, or relayed by something that batches; and how to relay one.

- A remote desktop or a slow link hands over several movements at once: they follow each other after 0 ms. Straight from
  a browser or a desktop nearly none does. Relayed intervals tell of the link, and must not be learned.

>>> import numpy as np
>>> straight = np.array([[0, 0, 0, 0], [16, 3, 1, 0], [17, 4, 1, 0], [16, 2, 0, 1]], dtype=float)
>>> at_once(straight), relayed(straight, 40.0).tolist()
(0.0, [[33.0, 7.0, 2.0, 0.0], [16.0, 2.0, 0.0, 1.0]])
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ostiary.biometrics.window import Floats

RELAYED: Final = 0.03
_WHEEL: Final = 8 | 16


def at_once(events: Floats) -> float:
    """Return the share of movements that came with the event before, at 0 ms."""
    moved = np.abs(events[1:, 1:3]).sum(axis=1) > 0
    return float((events[1:, 0][moved] == 0).mean()) if moved.any() else 0.0


def is_relayed(windows: Sequence[Floats]) -> bool:
    """Return whether windows were mostly relayed."""
    return bool(windows) and float(np.median([at_once(events) for events in windows])) > RELAYED


def relayed(events: Floats, every_ms: float) -> Floats:
    """Return the events as a link that delivers movement every so often would; presses and wheel come at once."""
    if not len(events):
        return events
    buttons = events[:, 3].astype(np.int64)
    tick = np.floor(np.cumsum(events[:, 0]) / every_ms)
    own = np.ones(len(events), dtype=np.bool_)
    own[1:] = (np.diff(tick) > 0) | (np.diff(buttons) != 0) | ((buttons[1:] & _WHEEL) > 0)
    starts = np.flatnonzero(own)
    summed = np.add.reduceat(events[:, :3], starts, axis=0)
    return np.concatenate([summed, events[starts, 3:]], axis=1)
