"""Tells a slow drift from a frozen baseline: a CUSUM that neither waiting nor alternating wears down.

A profile that follows its subject follows a patient thief too. Beside it stands an ``Anchor`` that does not move: what
each measure of a day was on the subject's first quiet days. Every later day is compared with it.

Rules:
- A day's value becomes a normal score of its rank among the anchor's days (van der Waerden), so that a heavy tail, a
  holiday or one mad day moves a sum by at most ``MOST``.
- Two sums a measure (Page 1954), one for each direction: two measures that drift against each other do not cancel.
- Weekends have sums of their own beside those of all days: who drifts at weekends only is not washed out by the week.
- Sums change with days on which something was done, and with nothing else: waiting takes nothing off.
- What the profile itself has moved is bounded a day (``Rule.budget``), so a shift by ``d`` takes ``d / budget`` days at
  least, and ``Rule.bound`` is an alarm of its own.
- An alarm stays until somebody proved to be the subject; then the sums begin anew. The anchor stays where it is.
- Pure: values in, values out. No clock, nothing random, nothing learned.

>>> anchor = Anchor(values=(tuple(float(n) for n in range(30)),))
>>> watched, day = Watched(), 0
>>> while not watched.alarms:
...     day += 1
...     watched = step(watched, anchor, Day(day, (29.0,)))
>>> day, watched.alarms
(4, ('0:up',))
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import isfinite, sqrt
from statistics import NormalDist
from typing import Final

import msgspec

MOST: Final = 3.0
FEWEST_DAYS: Final = 20
MOST_MEASURES: Final = 16
_NORMAL: Final = NormalDist()
_LEAST_SPREAD: Final = 1e-6


class Rule(msgspec.Struct, frozen=True):
    """How much is let pass.

    Attributes:
        slack: of each sum a day, in deviations: a shift smaller than this for ever is tolerated.
        height: sum that is an alarm.
        budget: deviations that the profile may move a day.
        follow: share of the way to a day's value that the profile would go if nothing bounded it.
        bound: deviations between profile and anchor that are an alarm whatever the sums say.
    """

    slack: float = 0.4
    height: float = 5.0
    budget: float = 0.05
    follow: float = 0.1
    bound: float = 1.9

    def days_to(self, shift: float) -> float:
        """Return the fewest days with accesses in which the profile can move by ``shift`` deviations.

        >>> Rule().days_to(2.0)
        40.0
        """
        return shift / self.budget


RULE: Final = Rule()


class Anchor(msgspec.Struct, frozen=True, array_like=True):
    """What each measure was on the days that the baseline was taken of: sorted, one tuple a measure."""

    values: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, days: Sequence["Day"]) -> "Anchor":
        """Return the anchor of some days; a value that is no number is left out."""
        width = max((len(day.values) for day in days), default=0)
        told = [[day.values[place] for day in days if place < len(day.values)] for place in range(width)]
        return cls(tuple(tuple(sorted(value for value in column if isfinite(value))) for column in told))

    @property
    def ready(self) -> bool:
        """Whether there are days enough in every measure."""
        return bool(self.values) and all(len(column) >= FEWEST_DAYS for column in self.values)


class Day(msgspec.Struct, frozen=True, array_like=True):
    """One day on which the subject did something: its number, and a value a measure (NaN: not told)."""

    number: int
    values: tuple[float, ...]
    weekend: bool = False


class Watched(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a subject.

    Attributes:
        last: number of the last day that was taken in.
        sums: two a measure (up, down), of all days; then the same of weekends.
        moved: deviations between profile and anchor, one a measure.
        days: days taken in since the anchor was taken.
        alarms: measure and direction of what is alarming, ``0:up``; empty when nothing is.
    """

    last: int = -1
    sums: tuple[float, ...] = ()
    moved: tuple[float, ...] = ()
    days: int = 0
    alarms: tuple[str, ...] = ()

    @property
    def worst(self) -> float:
        """The largest sum."""
        return max(self.sums, default=0.0)


def score(column: Sequence[float], value: float) -> float:
    """Return the normal score of ``value`` among the anchor's sorted days, at most ``MOST`` either way.

    >>> round(score([1.0, 2.0, 3.0], 2.0), 3), round(score([1.0, 2.0, 3.0], 9.0), 3)
    (0.0, 1.15)
    """
    if not column or not isfinite(value):
        return 0.0
    rank = (bisect_left(column, value) + bisect_right(column, value)) / 2
    return max(-MOST, min(MOST, _NORMAL.inv_cdf((rank + 0.5) / (len(column) + 1))))


def scale(column: Sequence[float]) -> tuple[float, float]:
    """Return where the anchor's days lie and how wide: winsorised mean and deviation, which no single day moves far."""
    middle = _median(column)
    spread = 1.4826 * _median(sorted(abs(value - middle) for value in column))
    mean = sum(column) / len(column)
    plain = sqrt(sum((value - mean) ** 2 for value in column) / len(column))
    width = max(spread, 0.4 * plain, _LEAST_SPREAD)
    cut = [max(-2.5, min(2.5, (value - middle) / width)) for value in column]
    centre = sum(cut) / len(cut)
    deviation = sqrt(sum((value - centre) ** 2 for value in cut) / len(cut))
    return middle + width * centre, width * max(deviation, 0.3)


def step(watched: Watched, anchor: Anchor, day: Day, rule: Rule = RULE) -> Watched:
    """Take in one day; a day that is not later than the last one changes nothing."""
    width = len(anchor.values)
    if day.number <= watched.last or not anchor.ready or width > MOST_MEASURES:
        return watched
    told = [day.values[place] if place < len(day.values) else float("nan") for place in range(width)]
    scores = [score(column, value) for column, value in zip(anchor.values, told, strict=True)]
    sums = list(watched.sums) if len(watched.sums) == 4 * width else [0.0] * (4 * width)
    for block in (0, 2 * width) if day.weekend else (0,):
        for place, one in enumerate(scores):
            up, down = block + 2 * place, block + 2 * place + 1
            sums[up] = max(0.0, sums[up] + one - rule.slack)
            sums[down] = max(0.0, sums[down] - one - rule.slack)
    moved = watched.moved if len(watched.moved) == width else (0.0,) * width
    moved = tuple(
        _followed(at, column, value, rule) for at, column, value in zip(moved, anchor.values, told, strict=True)
    )
    alarms = {*watched.alarms, *_alarms(sums, moved, width, rule)}
    return Watched(day.number, tuple(sums), moved, watched.days + 1, tuple(sorted(alarms)))


def proven(watched: Watched) -> Watched:
    """Return what is left once the subject proved who it is: no alarm and no sums; the profile stays where it is."""
    return msgspec.structs.replace(watched, sums=(0.0,) * len(watched.sums), alarms=())


def _followed(at: float, column: Sequence[float], value: float, rule: Rule) -> float:
    if not isfinite(value):
        return at
    centre, deviation = scale(column)
    wanted = rule.follow * ((value - centre) / deviation - at)
    return at + max(-rule.budget, min(rule.budget, wanted))


def _alarms(sums: Sequence[float], moved: Sequence[float], width: int, rule: Rule) -> list[str]:
    found = [
        f"{place % (2 * width) // 2}:{'down' if place % 2 else 'up'}"
        for place, one in enumerate(sums)
        if one > rule.height
    ]
    return found + [f"{place}:{'down' if at < 0 else 'up'}" for place, at in enumerate(moved) if abs(at) >= rule.bound]


def _median(column: Sequence[float]) -> float:
    half = len(column) // 2
    return column[half] if len(column) % 2 else (column[half - 1] + column[half]) / 2
