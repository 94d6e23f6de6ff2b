"""An attacker who types by program: holds and pauses drawn from what was seen of people, or worse.

- ``kde_typing`` draws hold and pause of each key from a person's own pairs, smoothed by a kernel: each number is
  plausible, what ties one key to the next is lost. The strongest of the simple generators (BeCAPTCHA-Type, 2022).
- ``steady_typing`` and ``random_typing`` are what scripts do: the same delays always, or delays drawn evenly.
"""

from collections.abc import Sequence

import numpy as np

from ostiary.biometrics.window import Floats, Modality, Window


def kde_typing(seen: Sequence[Window], keys: int, luck: np.random.Generator, width: float = 0.1) -> Window:
    """Return ``keys`` keys drawn from the (hold, pause) pairs of ``seen``; ``width`` of the kernel, in ln ms."""
    pairs = np.concatenate([_pairs(window) for window in seen])
    drawn = pairs[luck.integers(len(pairs), size=keys)] * np.exp(luck.normal(0, width, (keys, 2)))
    return typed(drawn[:, 0], drawn[:, 1])


def steady_typing(keys: int, hold_ms: float = 50, pause_ms: float = 120) -> Window:
    """Return keys that are all held and apart for the same time."""
    return typed(np.full(keys, hold_ms), np.full(keys, pause_ms))


def random_typing(keys: int, luck: np.random.Generator, low_ms: float = 50, high_ms: float = 250) -> Window:
    """Return keys whose pauses are drawn evenly between two bounds, and holds as well, half as long."""
    return typed(luck.uniform(low_ms / 2, high_ms / 2, keys), luck.uniform(low_ms, high_ms, keys))


def typed(holds: Floats, pauses: Floats) -> Window:
    """Return the window of such holds, and press-to-press times of which the first is left out; whole ms."""
    down = np.round(np.concatenate([[0.0], np.cumsum(pauses[1:])]))
    return Window(Modality.KEYSTROKE, np.column_stack([down, down + np.round(holds), np.zeros(len(holds))]))


def _pairs(window: Window) -> Floats:
    events = window.content
    if not isinstance(events, np.ndarray):
        raise TypeError("only keystrokes can be learned from")
    return np.column_stack([events[1:, 1] - events[1:, 0], np.diff(events[:, 0])])
