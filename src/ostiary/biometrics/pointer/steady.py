"""A pointer's path as a steady clock would have seen it: what the delivery of events tells is gone, the movement stays.

- A remote desktop, a slow link and a gaming mouse deliver one and the same movement in very different events; how many
  and how far apart tells of the machine, not of the person.
- The path is read on a grid of ``GRID_MS``. An event's movement happened within the last ``GRID_MS`` before it: a still
  pointer sends nothing, so a long wait is rest, not slowness.
- Waits are cut at ``LONGEST_MS``. Presses and releases keep their own times, in ticks of ``TICK_MS``, the clock of most
  systems; wheel steps keep their count.

>>> import numpy as np
>>> path = steady(np.array([[0, 0, 0, 0], [20, 8, 0, 0], [105, 4, 0, 0], [900, 5, 0, 1]], dtype=float))
>>> path.dx.round(1).tolist()
[12.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 1.0]
"""

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.biometrics.window import Floats

GRID_MS: Final = 125.0
TICK_MS: Final = 15.625
LONGEST_MS: Final = 1_500.0
LEFT: Final = 1
HELD: Final = 1 | 2 | 4 | 32
WHEEL_UP: Final = 8
WHEEL_DOWN: Final = 16

Ints = npt.NDArray[np.int64]


class Steady(msgspec.Struct, frozen=True):
    """A path on a grid.

    Attributes:
        dx, dy: movement within each cell of the grid, in source pixels, ``[cells]``.
        places: where the pointer is after each event, from the first, ``[events, 2]``.
        at: time of each event on the path's own clock, ms, ``[events]``; waits are cut.
        held: bit mask of the buttons down after each event, ``[events]``.
        wheel: +1, -1 or 0 steps of each event.
        moved: whether each event moved the pointer.
    """

    dx: Floats
    dy: Floats
    places: Floats
    at: Floats
    held: Ints
    wheel: Floats
    moved: npt.NDArray[np.bool_]


def steady(events: Floats) -> Steady:
    """Return the path of events ``[n, 4]``."""
    waits = np.clip(events[:, 0], 0.0, LONGEST_MS)
    waits[:1] = 0.0
    at = np.cumsum(waits)
    places = np.cumsum(events[:, 1:3], axis=0)
    times, xy = _knots(at, waits, places)
    grid = np.arange(0.0, at[-1] + GRID_MS, GRID_MS) if len(at) else np.zeros(1)
    x, y = (np.interp(grid, times, xy[:, axis]) for axis in (0, 1))
    masks = events[:, 3].astype(np.int64)
    return Steady(
        dx=np.diff(x),
        dy=np.diff(y),
        places=places,
        at=at,
        held=masks & HELD,
        wheel=((masks & WHEEL_UP) > 0).astype(np.float64) - ((masks & WHEEL_DOWN) > 0),
        moved=np.abs(events[:, 1:3]).sum(axis=1) > 0,
    )


def _knots(at: Floats, waits: Floats, places: Floats) -> tuple[Floats, Floats]:
    """Return times and places between which the pointer went straight; rest before a late event is a knot too."""
    late = np.flatnonzero(waits > GRID_MS)
    times = np.concatenate([at, at[late] - GRID_MS])
    xy = np.concatenate([places, places[late - 1]])
    order = np.argsort(times, kind="stable")
    return times[order], xy[order]
