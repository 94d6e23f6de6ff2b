"""What a person's behaviour is usually like, in a handful of plain numbers, so that a judgement can be told in words.

- Kept beside the template and sealed with it: a middle and a deviation by trait, over windows. No window can be made of
  them, and no judgement: they explain what the model said, and nothing else.
- A trait is the logarithm of a window's median, so that a difference is a ratio: "40 % longer".
- A difference is told when it is both large for this person (``CLEAR`` deviations) and large at all (``LEAST``).

>>> import numpy as np
>>> from ostiary.biometrics.window import window_of
>>> def typed(hold): return window_of(Modality.KEYSTROKE, [[150 * k, 150 * k + hold, 0] for k in range(20)])
>>> usual = usual_of([typed(hold) for hold in (98, 100, 102)])
>>> differences(Modality.KEYSTROKE, usual, [traits_of(typed(140))])
('typing rhythm differs: holds 40 % longer than usual',)
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

import msgspec
import numpy as np

from ostiary.biometrics.window import Floats, Modality, Window

CLEAR: Final = 2.0
LEAST: Final = 0.10
_FLOOR: Final = 0.05
_FEWEST: Final = 5
_LONGEST_STEP_MS: Final = 500.0
Traits = Mapping[str, float]

_WORDS: Final = {
    "hold": ("holds", "longer", "shorter"),
    "pace": ("time from key to key", "longer", "shorter"),
    "speed": ("movements", "faster", "slower"),
    "stride": ("steps of the pointer", "longer", "shorter"),
    "variety": ("kinds of actions", "more", "fewer"),
}
_TITLES: Final = {
    Modality.KEYSTROKE: "typing rhythm differs",
    Modality.FEATURES: "typing rhythm differs",
    Modality.POINTER: "pointer movement differs",
    Modality.SEQUENCE: "way of working differs",
}


class Usual(msgspec.Struct, frozen=True):
    """What is usual in one trait: middle and deviation of its logarithm over ``windows`` windows."""

    middle: float
    wide: float
    windows: int


Habits = Mapping[str, Usual]


def traits_of(window: Window) -> dict[str, float]:
    """Return the traits of one window, as logarithms; empty where there is too little."""
    return {name: math.log(value) for name, value in _READERS[window.modality](window).items() if value > 0}


def usual_of(windows: Sequence[Window]) -> dict[str, Usual]:
    """Return what is usual over a person's windows."""
    return usual_of_traits([traits_of(window) for window in windows])


def plain_usual(windows: Sequence[Window]) -> dict[str, float]:
    """Return the middles as people read them: holds and paces in ms, speeds in pixels a ms, three digits."""
    return {name: round(math.exp(usual.middle), 3) for name, usual in usual_of(windows).items()}


def usual_of_traits(all_traits: Sequence[Traits]) -> dict[str, Usual]:
    """Return the same, of traits read before."""
    names = sorted({name for traits in all_traits for name in traits})
    found = {name: np.array([traits[name] for traits in all_traits if name in traits]) for name in names}
    return {name: Usual(float(v.mean()), max(float(v.std()), _FLOOR), len(v)) for name, v in found.items()}


def differences(modality: Modality, habits: Habits, now: Sequence[Traits]) -> tuple[str, ...]:
    """Return in words how the windows of ``now`` differ from what is usual, the clearest first."""
    found: list[tuple[float, str]] = []
    for name, recent in usual_of_traits(now).items():
        usual = habits.get(name)
        if usual is None or name not in _WORDS:
            continue
        gap = recent.middle - usual.middle
        if abs(gap) / usual.wide >= CLEAR and abs(math.expm1(gap)) >= LEAST:
            found.append((-round(abs(gap) / usual.wide, 6), f"{_TITLES[modality]}: {_words(name, gap)}"))
    return tuple(text for _, text in sorted(found))


def _words(name: str, gap: float) -> str:
    what, more, less = _WORDS[name]
    if round(gap - math.log(2.0), 6) >= 0:
        return f"{what} {math.exp(gap):.1f} times as {_plain(more)} as usual"
    return f"{what} {abs(100 * math.expm1(gap)):.0f} % {more if gap > 0 else less} than usual"


def _plain(more: str) -> str:
    return {"longer": "long", "faster": "fast", "more": "many"}[more]


def _typing(window: Window) -> dict[str, float]:
    keys = cast("Floats", window.content)
    if len(keys) < _FEWEST:
        return {}
    return {"hold": float(np.median(keys[:, 1] - keys[:, 0])), "pace": float(np.median(np.diff(keys[:, 0])))}


def _pointing(window: Window) -> dict[str, float]:
    events = cast("Floats", window.content)
    far = np.hypot(events[:, 1], events[:, 2])
    moving = (far > 0) & (events[:, 0] > 0) & (events[:, 0] <= _LONGEST_STEP_MS)
    if moving.sum() < _FEWEST:
        return {}
    return {"speed": float(np.median(far[moving] / events[moving, 0])), "stride": float(np.median(far[moving]))}


def _features(window: Window) -> dict[str, float]:
    features = cast("dict[str, tuple[float, ...]]", window.content)
    held = [value for name, values in features.items() if name.endswith("-0") for value in values]
    steps = [value for name, values in features.items() if not name.endswith("-0") for value in values]
    return {
        name: float(np.median(values)) for name, values in (("hold", held), ("pace", steps)) if len(values) >= _FEWEST
    }


def _working(window: Window) -> dict[str, float]:
    tokens = cast("tuple[str, ...]", window.content)
    return {"variety": len(set(tokens)) / len(tokens)} if len(tokens) >= _FEWEST else {}


_READERS: Final[Mapping[Modality, Callable[[Window], dict[str, float]]]] = {
    Modality.KEYSTROKE: _typing,
    Modality.POINTER: _pointing,
    Modality.FEATURES: _features,
    Modality.SEQUENCE: _working,
}
