"""Small running numbers: means that forget, counts that fade, sliding windows; all deterministic and of fixed size.

Rules:
- Each is a plain immutable tuple or a list of fixed length, so that a reader keeps what it saw.
- Only ``+ - * /``, ``exp``, ``log`` and ``sqrt`` of 64-bit floats in a fixed order: one history, one set of bits.

>>> number = EMPTY
>>> for value in (1.0, 2.0, 3.0):
...     number = moved(number, value)
>>> number[0], round(number[1], 3)
(3, 2.0)
"""

from math import exp, isnan, log, sqrt
from typing import Final

Number = tuple[int, float, float]
"""How many values, their (forgetting) mean, their (forgetting) variance."""

EMPTY: Final[Number] = (0, 0.0, 0.0)
HALF_LIFE_S: Final = 14 * 86_400
FADE: Final = log(2.0) / HALF_LIFE_S
_SLOWEST: Final = 0.02
_LEAST_DEVIATION: Final = 0.25
_LIMIT: Final = 8.0


def moved(number: Number, value: float) -> Number:
    """Return ``number`` with ``value`` in it: exact at first, then forgetting at 2 % a value."""
    seen, mean, variance = number
    share = max(1.0 / (seen + 1), _SLOWEST)
    away = value - mean
    mean += share * away
    return (seen + 1, mean, (1.0 - share) * (variance + share * away * away))


def unusual(number: Number, value: float, least: int = 3) -> float:
    """Return how many deviations ``value`` lies above the mean, in [-8, 8]; NaN with fewer than ``least`` values.

    A value that is itself NaN stays so.
    """
    seen, mean, variance = number
    if seen < least or isnan(value):
        return float("nan")
    score = (value - mean) / (sqrt(variance) + _LEAST_DEVIATION)
    return max(-_LIMIT, min(_LIMIT, score))


def faded(weight: float, seconds: int) -> float:
    """Return what is left of ``weight`` after ``seconds`` at a half-life of 14 days."""
    return weight * exp(-FADE * seconds) if seconds > 0 else weight
