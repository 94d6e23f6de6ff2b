"""A window of behaviour, as every source of it is told: the neutral form, parsed with limits.

    keystroke            [[t_down, t_up, key_class], …]     ms since the window's first press, classes 0 to 8
    pointer              [[dt, dx, dy, buttons], …]         ms since the event before, source pixels, a bit mask
    sequence             ["token", …]                       command names, or verbs on route templates
    keystroke-features   {"x-y": [v, …]}                    hold (y = 0) and press-to-press times, ms

>>> window_of(Modality.KEYSTROKE, [[0, 95, 1], [140, 231, 2]]).content.shape
(2, 3)
>>> window_of(Modality.SEQUENCE, ["cat", "mail"]).content
('cat', 'mail')
"""

from enum import StrEnum
from math import isfinite
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.errors import FaultyInputError

Floats = npt.NDArray[np.float64]
Content = Floats | tuple[str, ...] | dict[str, tuple[float, ...]]

MOST_EVENTS: Final = 200_000
MOST_FEATURES: Final = 20_000
MOST_TOKEN: Final = 256
MOST_MS: Final = 1e9


class Modality(StrEnum):
    """What kind of behaviour a window holds."""

    KEYSTROKE = "keystroke"
    POINTER = "pointer"
    SEQUENCE = "sequence"
    FEATURES = "keystroke-features"


_WIDTH: Final = {Modality.KEYSTROKE: 3, Modality.POINTER: 4}


class Window(msgspec.Struct, frozen=True):
    """One window.

    Attributes:
        modality: of what.
        content: float64 ``[n, 3]`` of keystrokes, ``[n, 4]`` of pointer events, tokens, or values by feature.
    """

    modality: Modality
    content: Content


def window_of(modality: Modality, raw: Any) -> Window:
    """Return the window that decoded JSON tells.

    Raises:
        FaultyInputError: ``window_malformed``, ``window_empty``, ``window_too_long``.
    """
    if not raw:
        raise FaultyInputError("window_empty", "a window has no events")
    if modality is Modality.SEQUENCE:
        return Window(modality, _tokens(raw))
    if modality is Modality.FEATURES:
        return Window(modality, _features(raw))
    return Window(modality, _numbers(raw, _WIDTH[modality]))


def _numbers(raw: Any, width: int) -> Floats:
    if not isinstance(raw, list):
        raise _malformed("events are a list")
    _short(len(raw), MOST_EVENTS)
    try:
        rows = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as fault:
        raise _malformed(f"an event is a list of {width} numbers") from fault
    if rows.ndim != 2 or rows.shape[1] != width:  # noqa: PLR2004 - rows and their members
        raise _malformed(f"an event is a list of {width} numbers")
    if not np.isfinite(rows).all() or np.abs(rows).max() > MOST_MS:
        raise _malformed("a number is not finite or beyond all measure")
    return rows


def _tokens(raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list):
        raise _malformed("events are a list")
    _short(len(raw), MOST_EVENTS)
    if not all(isinstance(token, str) and 0 < len(token) <= MOST_TOKEN for token in raw):
        raise _malformed(f"a token is a text of 1 to {MOST_TOKEN} characters")
    return tuple(raw)


def _features(raw: Any) -> dict[str, tuple[float, ...]]:
    if not isinstance(raw, dict):
        raise _malformed("features are an object")
    _short(len(raw), MOST_FEATURES)
    return {_name(name): _values(values) for name, values in raw.items()}


def _name(name: str) -> str:
    if not 0 < len(name) <= MOST_TOKEN:
        raise _malformed(f"a feature's name has 1 to {MOST_TOKEN} characters")
    return name


def _values(values: Any) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise _malformed("a feature's values are a list of numbers")
    _short(len(values), MOST_EVENTS)
    if not all(type(value) in {int, float} and isfinite(value) and abs(value) <= MOST_MS for value in values):
        raise _malformed("a feature's values are finite numbers")
    return tuple(float(value) for value in values)


def _short(length: int, most: int) -> None:
    if length > most:
        raise FaultyInputError("window_too_long", f"a window has {length:,} entries; {most:,} are the most")


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("window_malformed", text)
