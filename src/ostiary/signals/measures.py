"""Numbers of fact groups made fit for a model: told or NaN, finite, within bounds.

>>> flag(True, bad=False), logged(-3.0), within(7.0, 0.0, 1.0)
(0.0, 0.0, 1.0)
>>> logged(None), logged(float("inf")), flag(None, bad=True)
(nan, nan, nan)
"""

from math import isfinite, log1p
from typing import Final

from ostiary.signals.signal import NAN

MOST: Final = 1e15
_DAY: Final = 86_400


def flag(told: bool | None, *, bad: bool) -> float:  # noqa: FBT001 - the fact itself
    """Return 1 when what is told is the bad one of two, 0 when it is the good one, NaN when it is not told."""
    return NAN if told is None else 1.0 if told is bad else 0.0


def logged(amount: float | None) -> float:
    """Return ``ln(1 + amount)``; what is negative counts as none, what is no number as not told."""
    if amount is None or not isfinite(amount):
        return NAN
    return log1p(amount if 0.0 <= amount <= MOST else MOST if amount > 0 else 0.0)


def logged_days(seconds: float | None, most: float) -> float:
    """Return ``ln(1 + days)`` of an age in seconds, at most ``most`` days."""
    if seconds is None or not isfinite(seconds):
        return NAN
    return log1p(min(max(0.0, seconds / _DAY), most))


def within(value: float | None, low: float, high: float) -> float:
    """Return ``value`` between ``low`` and ``high``; what is no number is not told."""
    if value is None or not isfinite(value):
        return NAN
    return float(min(max(value, low), high))
