"""An attacker who moves the pointer by program: curves through control points, at a speed that a formula gives.

- Neither ``bent`` nor ``eased`` it goes straight at one speed; ``bent`` goes by two control points; ``eased`` has the
  speed rise and fall as a hand's does; ``shaky`` adds noise to each place (the usual recipe against detectors).
- Steps come every ``every_ms`` as a browser delivers them, in whole pixels; each way ends with a click.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from ostiary.biometrics.window import Floats, Modality, Window

_LEFT: Final = 1
_CLICK_MS: Final = 90.0


def pointer(
    luck: np.random.Generator,
    events: int = 128,
    *,
    every_ms: float = 8.0,
    bent: bool = True,
    eased: bool = True,
    shaky: float = 0.0,
) -> Window:
    """Return a window of ``events`` events: ways between random points of a screen, one after another."""
    rows: list[Floats] = []
    at, count = np.array([960.0, 540.0]), 0
    while count < events:
        to = luck.uniform([0, 0], [1920, 1080])
        way = np.array(list(_way(at, to, luck, every_ms, bent=bent, eased=eased, shaky=shaky)))
        rows.append(way)
        at, count = at + way[:, 1:3].sum(axis=0), count + len(way)
    content = np.concatenate(rows)[:events]
    content[0, 0] = 0
    return Window(Modality.POINTER, content)


def _way(
    start: Floats, end: Floats, luck: np.random.Generator, every_ms: float, *, bent: bool, eased: bool, shaky: float
) -> Iterator[Floats]:
    far = float(np.linalg.norm(end - start))
    steps = max(8, int(far / luck.uniform(6, 14)))
    share = np.linspace(0, 1, steps + 1)
    if eased:
        share = share**3 * (10 - 15 * share + 6 * share**2)  # minimum jerk (Flash & Hogan 1985)
    aside = luck.normal(0, 0.15 * far, (2, 2)) if bent else np.zeros((2, 2))
    one, two = start + (end - start) / 3 + aside[0], start + 2 * (end - start) / 3 + aside[1]
    t = share[:, None]
    line = (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * one + 3 * (1 - t) * t**2 * two + t**3 * end
    places = np.round(line + luck.normal(0, shaky, line.shape) if shaky else line)
    for dx, dy in np.diff(places, axis=0):
        yield np.array([every_ms, dx, dy, 0.0])
    yield np.array([_CLICK_MS, 0.0, 0.0, float(_LEFT)])
    yield np.array([_CLICK_MS, 0.0, 0.0, 0.0])
