"""Attackers who teach a template another person: they begin as the victim and move a little with every window.

- ``blended`` lies between two windows of typing, key by key: at 0 the victim's, at 1 the attacker's own rhythm.
- ``typed_drift`` are such windows in order; ``patient`` waits for each to be accepted before it moves on.
- Nothing here knows the model: who sees embeddings as well can drift through ``between``.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ostiary.biometrics.window import Floats, Modality, Window


def blended(victim: Window, attacker: Window, share: float) -> Window:
    """Return typing whose holds and press-to-press times lie ``share`` of the way to the attacker's, in whole ms."""
    one, other = _events(victim), _events(attacker)
    keys = min(len(one), len(other))
    hold = _between(one[:keys, 1] - one[:keys, 0], other[:keys, 1] - other[:keys, 0], share)
    step = _between(np.diff(one[:keys, 0]), np.diff(other[:keys, 0]), share)
    down = np.round(np.concatenate([[0.0], np.cumsum(step)]))
    return Window(Modality.KEYSTROKE, np.column_stack([down, down + np.round(hold), one[:keys, 2]]))


def typed_drift(
    victim: Sequence[Window], attacker: Sequence[Window], steps: int, luck: np.random.Generator, pace: float = 0.02
) -> Iterator[Window]:
    """Yield windows that go ``pace`` of the distance that is left, each from a fresh pair of windows."""
    for step in range(1, steps + 1):
        yield _drawn(victim, attacker, 1.0 - (1.0 - pace) ** step, luck)


def patient(
    victim: Sequence[Window],
    attacker: Sequence[Window],
    accepts: Callable[[Window], bool],
    steps: int,
    luck: np.random.Generator,
    pace: float = 0.02,
) -> float:
    """Offer ``steps`` windows, moving on by ``pace`` of the whole way when one is accepted; return how far it came."""
    share = pace
    for _ in range(steps):
        if accepts(_drawn(victim, attacker, share, luck)):
            share = min(1.0, share + pace)
    return share


def between(victim: Floats, attacker: Floats, share: float) -> Floats:
    """Return the embedding that lies ``share`` of the way from one to the other."""
    return _between(victim, attacker, share)


def _drawn(victim: Sequence[Window], attacker: Sequence[Window], share: float, luck: np.random.Generator) -> Window:
    return blended(victim[int(luck.integers(len(victim)))], attacker[int(luck.integers(len(attacker)))], share)


def _between(one: Floats, other: Floats, share: float) -> Floats:
    mixed: Floats = (1.0 - share) * one + share * other
    return mixed


def _events(window: Window) -> Floats:
    if not isinstance(window.content, np.ndarray):
        raise TypeError("only events can be blended")
    return window.content
