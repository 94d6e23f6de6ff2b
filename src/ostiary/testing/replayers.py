"""Attackers who play a person's own windows again, as they were or a little changed so that no digest is the same.

>>> import numpy as np
>>> typed = Window(Modality.KEYSTROKE, np.array([[0.0, 90, 1], [150, 240, 2], [290, 360, 1]]))
>>> slower(typed, 1.5).content[:, 0].tolist()
[0.0, 225.0, 435.0]
"""

import numpy as np

from ostiary.biometrics.window import Floats, Modality, Window


def shaken(window: Window, luck: np.random.Generator, by_ms: int = 1) -> Window:
    """Return the window with each of its times moved by a whole number of ms, ``by_ms`` at most."""
    events = _events(window)
    if window.modality is Modality.POINTER:
        events[:, 0] = np.maximum(0, events[:, 0] + luck.integers(-by_ms, by_ms + 1, len(events)))
        return Window(window.modality, events)
    events[:, :2] += luck.integers(-by_ms, by_ms + 1, (len(events), 2))
    events[:, 1] = np.maximum(events[:, 1], events[:, 0])
    events = events[np.argsort(events[:, 0], kind="stable")]
    events[:, :2] -= events[0, 0]
    return Window(window.modality, events)


def cut(window: Window, first: int, last: int | None = None) -> Window:
    """Return a part of the window, its times beginning anew."""
    events = _events(window)[first:last]
    if window.modality is Modality.KEYSTROKE:
        events[:, :2] -= events[0, 0]
    else:
        events[0, 0] = 0
    return Window(window.modality, events)


def slower(window: Window, factor: float) -> Window:
    """Return the window with all its times ``factor`` as long, in whole ms."""
    events = _events(window)
    times = slice(0, 2 if window.modality is Modality.KEYSTROKE else 1)
    events[:, times] = np.round(events[:, times] * factor)
    return Window(window.modality, events)


def _events(window: Window) -> Floats:
    if not isinstance(window.content, np.ndarray):
        raise TypeError("only events can be played again")
    return window.content.copy()
