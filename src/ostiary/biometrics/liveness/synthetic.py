"""Behaviour that no person made: keys that are not held, times that do not vary, a pointer without a hand behind it.

- Each measure falls linearly from what nearly every open person has (1) to what none has (0); the lowest counts.
- Middles lie where at most some in ten thousand windows of open people are (``benchmarks/biometrics_liveness.py``).
- Coarse clocks are nothing against anybody: that times lie on a grid of some milliseconds is not looked at, as browsers
  and operating systems round them; that they do not *vary* is.
- Too few events tell nothing. An attacker who draws each time from a person's own passes; the likelihood ratio, the
  nonce of the collector and the history are for him.
"""

from typing import Final

import numpy as np

from ostiary.biometrics.window import Floats, Modality, Window

LEAST_KEYS: Final = 12
LEAST_MOVES: Final = 32
LEAST_FOR_LONG: Final = 30
_ZERO_MS: Final = 1.0
_SHORTEST_MS: Final = 4.0
_LONGEST_MS: Final = 3_000.0
_TOLD: Final = 0.5
Found = tuple[float, str]

_UNTRUSTED: Final = "made by a program: the browser says that no person made some of the events"
_WORDS: Final = {
    "zero": "keys are not held at all",
    "holds": "all keys are held for the same time",
    "pauses": "all keys come at the same distance",
    "even": "no pause is longer than the others",
    "speed": "the pointer has one speed all the way",
    "smooth": "the pointer moves more smoothly than a hand",
}


def made(window: Window, *, trusted: bool | None = None) -> tuple[float, tuple[str, ...]]:
    """Return how far a window looks made by a person, 0 to 1, and in words what speaks against it.

    Args:
        window: of any modality; only events can be looked at.
        trusted: what the browser says of its events (``isTrusted``); ``None`` when nobody asked.
    """
    if trusted is False:
        return 0.0, (_UNTRUSTED,)
    found: list[Found] = []
    if isinstance(window.content, np.ndarray):
        found = _typed(window.content) if window.modality is Modality.KEYSTROKE else _pointed(window.content)
    score = min((one for one, _ in found), default=1.0)
    return score, tuple(f"made by a program: {_WORDS[name]}" for one, name in sorted(found) if one < _TOLD)


def _typed(events: Floats) -> list[Found]:
    if len(events) < LEAST_KEYS:
        return []
    held = events[:, 1] - events[:, 0]
    holds = np.log(np.clip(held, _SHORTEST_MS, _LONGEST_MS))
    pauses = np.log(np.clip(np.diff(events[:, 0]), _SHORTEST_MS, _LONGEST_MS))
    return [
        (1.0 - _rise(float((held <= _ZERO_MS).mean()), 0.1, 0.5), "zero"),
        (_rise(float(holds.std()), 0.02, 0.10), "holds"),
        (_rise(float(pauses.std()), 0.05, 0.19), "pauses"),
        (_rise(_longest(events), 0.6, 2.0), "even"),
    ]


def _pointed(events: Floats) -> list[Found]:
    moves = events[np.any(events[:, 1:3] != 0, axis=1), 1:3]
    if len(moves) < LEAST_MOVES:
        return []
    steps = np.hypot(moves[:, 0], moves[:, 1])
    rough = float(np.abs(np.diff(steps, 2)).mean() / steps.mean())
    return [
        (_rise(float(np.log1p(steps).std()), 0.0, 0.30), "speed"),
        (_rise(rough, 0.0, 0.19), "smooth"),
    ]


def _longest(events: Floats) -> float:
    """Return the longest pause, in medians; endless where there are too few keys for a long one."""
    pauses = np.diff(events[:, 0])
    return float(pauses.max() / max(float(np.median(pauses)), 1.0)) if len(events) >= LEAST_FOR_LONG else float("inf")


def _rise(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))
