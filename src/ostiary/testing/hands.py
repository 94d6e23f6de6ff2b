"""Invented people at a pointer: each has a pace, a reach and a way to click of their own, straight or by a relay.

>>> hand(3, session=0, count=200).shape[1], bool((hand(3, 0) == hand(3, 0)).all())
(4, True)
"""

from typing import Final

import numpy as np

from ostiary.biometrics.window import Floats

EVERY_MS: Final = 16.0


def hand(person: int, session: int, count: int = 400) -> Floats:
    """Return about ``count`` events of somebody's strokes and clicks, straight."""
    luck = np.random.default_rng([person, session])
    pace, reach, hold = 4 + 2 * (person % 5), 20 + 25 * (person % 4), 60 + 18 * (person % 6)
    rows: list[list[float]] = []
    while len(rows) < count:
        angle, steps = luck.uniform(0, 2 * np.pi), int(luck.integers(6, 10)) + reach // 10
        speeds = pace * np.sin(np.linspace(0.2, 3.0, steps)) * luck.uniform(0.8, 1.2)
        rows += [[EVERY_MS, round(v * np.cos(angle)), round(v * np.sin(angle)), 0] for v in speeds]
        rows += [[200, 0, 0, 1], [hold + float(luck.normal(0, 6)), 0, 0, 0]]
    return np.array(rows, dtype=np.float64)


def batched(events: Floats) -> Floats:
    """Return the events as a relay hands them over: every third movement at once with the one before."""
    events = events.copy()
    late = np.zeros(len(events), dtype=np.bool_)
    late[1::3] = np.abs(events[1::3, 1:3]).sum(axis=1) > 0
    events[late, 0] = 0.0
    return events
