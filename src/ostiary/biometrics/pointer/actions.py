"""What a person does with the pointer, one row an action: a move, a click, a drag, each by some fifty numbers.

- An action ends with a release, or with a second of rest. One without movement, click or wheel is none.
- Movement is read on the steady grid (``steady.py``) and waits in coarse steps, so that neither the number of events
  nor their spacing can be seen. Distances stay in source pixels.
- All actions of a window are worked out at once; what an action does not have (a hold without a press) is ``NONE``.

>>> import numpy as np
>>> window = np.array([[0, 0, 0, 0], *[[16, 9, 2, 0]] * 40, [90, 0, 0, 1], [80, 0, 0, 0]], dtype=float)
>>> rows = actions(window)
>>> rows.shape, float(rows[0, NAMES.index("clicks")]), float(rows[0, NAMES.index("hold")])
((1, 55), 1.0, 5.0)
"""

from typing import Final

import numpy as np

from ostiary.biometrics.pointer.groups import Groups, Ints
from ostiary.biometrics.pointer.steady import GRID_MS, LEFT, TICK_MS, Steady, steady
from ostiary.biometrics.window import Floats

NONE: Final = -999.0
REST_MS: Final = 1_000.0
COARSE_MS: Final = 250.0
LONGEST_LEAD_MS: Final = 5_000.0
DRAG: Final = 5.0
SHARP: Final = 0.6
LEAST_PATH: Final = 5.0
_BASE: Final = [
    "clicks",
    "drags",
    "right",
    "wheel_up",
    "wheel_down",
    "hold",
    "dragged",
    "walked",
    "settle",
    "lead",
    "after",
]
_WHOLE: Final = ["cells", "path", "far", "ex", "ey", "sin", "cos", "octant", "straight", "still", "across", "along"]
_QUARTERS: Final = (0.25, 0.5, 0.75)
_SPEED: Final = ["v_mean", "v_std", "v_max", "v_q25", "v_q50", "v_q75", "v_first", "v_last", "v_peak"]
_AXES: Final = ["x_mean", "x_max", "x_std", "y_mean", "y_max", "y_std"]
_CHANGE: Final = ["a_max", "a_min", "a_std", "a_mean", "j_mean", "j_std", "swings"]
_TURN: Final = [
    "turn_sum",
    "turn_abs",
    "turn_mean",
    "turn_std",
    "turns",
    "bend_mean",
    "off_max",
    "off_min",
    "off_far",
    "off_share",
]
NAMES: Final = (*_BASE, *_WHOLE, *_SPEED, *_AXES, *_CHANGE, *_TURN)


def actions(events: Floats) -> Floats:
    """Return the actions of events ``[n, 4]``, ``[actions, 55]``; no rows where nothing was done."""
    path = steady(events)
    first, edges = _cuts(path, events)
    count = len(first)
    middles = (np.arange(len(path.dx)) + 0.5) * GRID_MS
    cells = _trimmed(path, Groups(np.searchsorted(edges, middles, side="right"), count))
    base = _base(path, first, events[:, 0])
    rows = np.concatenate([base, *_movement(path, *cells)], axis=1)
    done = (rows[:, NAMES.index("path")] >= LEAST_PATH) | (base[:, :2].any(axis=1)) | (base[:, 3:5].any(axis=1))
    return rows[done]


def _cuts(path: Steady, events: Floats) -> tuple[Ints, Floats]:
    """Return the first event of each action, and the times that part actions."""
    down = path.held > 0
    after_release = np.zeros(len(down), dtype=np.bool_)
    after_release[2:] = down[:-2] & ~down[1:-1]
    rest = events[:, 0] >= REST_MS
    rest[:1] = False
    first = np.flatnonzero(after_release | rest)
    edges = np.where(rest[first], path.at[first] - GRID_MS, path.at[first - 1])
    return np.concatenate([[0], first]), edges


def _trimmed(path: Steady, groups: Groups) -> tuple[Groups, Ints]:
    """Return the cells from each action's first movement to its last."""
    moving = np.flatnonzero((path.dx != 0) | (path.dy != 0))
    ids = groups.ids[moving]
    order = np.arange(len(groups.size))
    low, high = np.searchsorted(ids, order), np.searchsorted(ids, order, side="right")
    begin = np.full(len(order), len(groups.ids))
    end = np.full(len(order), -1)
    some = high > low
    begin[some], end[some] = moving[low[some]], moving[high[some] - 1]
    place = np.arange(len(groups.ids))
    chosen = (place >= begin[groups.ids]) & (place <= end[groups.ids])
    return groups.part(chosen), np.flatnonzero(chosen)


def _base(path: Steady, first: Ints, waits: Floats) -> Floats:
    """Return what buttons, wheel and waits say, ``[actions, 11]``."""
    events = Groups(np.repeat(np.arange(len(first)), np.diff([*first, len(path.at)])), len(first))
    down = path.held > 0
    pressed = events.part(down)
    has = pressed.size > 0
    press = np.where(has, np.flatnonzero(down)[pressed.begin - (pressed.begin == down.sum())] if down.any() else 0, 0)
    end = first + events.size - 1
    walked = np.concatenate([[0.0], np.cumsum(np.hypot(path.dx, path.dy))])
    grid = np.arange(len(walked)) * GRID_MS
    meanwhile = np.interp(path.at[end], grid, walked) - np.interp(path.at[press], grid, walked)
    dragged = np.where(has, np.hypot(*(path.places[end] - path.places[press]).T), 0.0)
    moved = np.maximum.accumulate(np.where(path.moved, np.arange(len(path.at)), -1))
    before = moved[np.maximum(press - 1, 0)]
    drag = has & (dragged >= DRAG)
    settled = has & ~drag & (before >= first)
    lead = np.full(len(first), NONE)
    lead[1:] = np.floor(np.clip(waits[first[1:]], 0.0, LONGEST_LEAD_MS) / COARSE_MS)
    columns = [
        has & ~drag,
        drag,
        has & ((path.held[press] & ~LEFT) > 0),
        np.log1p(events.sum(np.maximum(path.wheel, 0))),
        np.log1p(events.sum(np.maximum(-path.wheel, 0))),
        np.where(has & ~down[end], np.round((path.at[end] - path.at[press]) / TICK_MS), NONE),
        np.where(has, dragged, NONE),
        np.where(has, meanwhile, NONE),
        np.where(settled, np.floor((path.at[press] - path.at[before]) / GRID_MS), NONE),
        lead,
        np.append(lead[1:], NONE),
    ]
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def _movement(path: Steady, groups: Groups, chosen: Ints) -> list[Floats]:
    """Return what the movement says, in the order of ``NAMES``."""
    dx, dy = path.dx[chosen], path.dy[chosen]
    size = np.hypot(dx, dy)
    ex, ey = groups.sum(dx), groups.sum(dy)
    far, length = np.hypot(ex, ey), groups.sum(size)
    angle = np.arctan2(ey, ex)
    whole = [
        groups.size.astype(np.float64),
        length,
        far,
        ex,
        ey,
        np.sin(angle),
        np.cos(angle),
        np.floor((angle + np.pi) / (np.pi / 4)),
        far / np.maximum(length, 1.0),
        1.0 - groups.mean((size > 0).astype(np.float64)),
        groups.mean((np.abs(dx) > 4 * np.abs(dy)).astype(np.float64)),
        groups.mean((np.abs(dy) > 4 * np.abs(dx)).astype(np.float64)),
    ]
    tables = [whole, _speeds(groups, size, dx, dy), _changes(groups, size), _turns(groups, dx, dy, size, (ex, ey, far))]
    return [np.stack(table, axis=1) for table in tables]


def _speeds(groups: Groups, size: Floats, dx: Floats, dy: Floats) -> list[Floats]:
    highest = groups.max(size)
    peaks = groups.part(size >= highest[groups.ids])
    peak = peaks.first(np.flatnonzero(size >= highest[groups.ids]).astype(np.float64))
    speed = [groups.mean(size), groups.std(size), highest, *(groups.quantile(size, share) for share in _QUARTERS)]
    speed += [groups.first(size), groups.last(size), (peak - groups.begin) / np.maximum(groups.size - 1, 1)]
    axes = [(groups.mean(np.abs(one)), groups.max(np.abs(one)), groups.std(one)) for one in (dx, dy)]
    return [*speed, *axes[0], *axes[1]]


def _changes(groups: Groups, size: Floats) -> list[Floats]:
    inside = groups.ids[1:] == groups.ids[:-1]
    gain = np.diff(size)[inside]
    gains = Groups(groups.ids[1:][inside], len(groups.size))
    within = gains.ids[1:] == gains.ids[:-1]
    jerk = np.diff(gain)[within]
    jerks = Groups(gains.ids[1:][within], len(groups.size))
    swing = ((gain[1:] > 0) != (gain[:-1] > 0))[within].astype(np.float64)
    return [
        gains.max(gain),
        gains.min(gain),
        gains.std(gain),
        gains.mean(np.abs(gain)),
        jerks.mean(np.abs(jerk)),
        jerks.std(jerk),
        jerks.mean(swing),
    ]


def _turns(groups: Groups, dx: Floats, dy: Floats, size: Floats, end: tuple[Floats, Floats, Floats]) -> list[Floats]:
    moving = size > 0
    ids, heading, steps = groups.ids[moving], np.arctan2(dy[moving], dx[moving]), size[moving]
    inside = ids[1:] == ids[:-1]
    turn = np.diff(heading)[inside]
    turn = np.arctan2(np.sin(turn), np.cos(turn))
    turns = Groups(ids[1:][inside], len(groups.size))
    bend = np.abs(turn) / np.maximum(steps[1:][inside], 1.0)
    ex, ey, far = end
    x, y = (np.cumsum(one) - (groups.first(np.cumsum(one)) - groups.first(one))[groups.ids] for one in (dx, dy))
    off = (x * ey[groups.ids] - y * ex[groups.ids]) / np.maximum(far, 1.0)[groups.ids]
    farthest = groups.max(np.abs(off))
    return [
        turns.sum(turn),
        turns.sum(np.abs(turn)),
        turns.mean(np.abs(turn)),
        turns.std(turn),
        turns.sum((np.abs(turn) > SHARP).astype(np.float64)),
        turns.mean(bend),
        groups.max(off),
        groups.min(off),
        farthest,
        farthest / np.maximum(far, 1.0),
    ]
