"""What a day of a subject was, in a few numbers that every event tells: the measures that drift is looked for in.

Rules:
- Only what was permitted counts, and what went well: a refused try is no part of how somebody works.
- A day begins at four in the morning where the subject is: few work then, and who works past midnight keeps one day.
- Means over a day's accesses, no sums: a busy day weighs as much as a quiet one. How busy it was is a measure itself.
- Bounded: four numbers a subject while a day goes on. An event of a day that is over is left out.

>>> from ostiary.vocabulary.events import AccessEvent
>>> noon = AccessEvent("1", "t", 12 * 3_600 * 10**9, "ann", "read", "table", "sales/eu", count=9.0)
>>> open_day, over = taken(None, noon)
>>> over is None, [round(value, 2) for value in closed(open_day).values]
(True, [8.0, 2.3, 0.69])
"""

from math import isfinite, log1p
from typing import Final

import msgspec

from ostiary.defence.drift import Day
from ostiary.vocabulary.events import AccessEvent

MEASURES: Final = ("hour", "amount", "accesses")
"""Hours since four o'clock, ``ln(1 + items)`` of an access, ``ln(1 + accesses)`` of the day."""

_DAY_S: Final = 86_400
_BEGINS_S: Final = 4 * 3_600
_FIRST_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday
_SATURDAY: Final = 5
_MOST: Final = 1e15
_NS: Final = 1_000_000_000


class OpenDay(msgspec.Struct, frozen=True, array_like=True):
    """A day that goes on: its number, sums of its accesses, and how many they were."""

    number: int
    hours: float = 0.0
    amounts: float = 0.0
    told: int = 0
    accesses: int = 0


def taken(going_on: OpenDay | None, event: AccessEvent) -> tuple[OpenDay, Day | None]:
    """Take ``event`` in; return the day that goes on now, and the one that it ended, if it did."""
    local = event.time_ns // _NS + 60 * (event.tz_offset_min or 0) - _BEGINS_S
    number = local // _DAY_S
    over = None
    if going_on is None or number > going_on.number:
        over = None if going_on is None else closed(going_on)
        going_on = OpenDay(number)
    if number < going_on.number:
        return going_on, None
    count = event.count
    known = count is not None and isfinite(count) and count >= 0
    amount = log1p(min(count, _MOST)) if known and count is not None else 0.0
    return (
        OpenDay(
            number,
            going_on.hours + local % _DAY_S / 3_600,
            going_on.amounts + amount,
            going_on.told + known,
            going_on.accesses + 1,
        ),
        over,
    )


def closed(day: OpenDay) -> Day:
    """Return the measures of a day that is over."""
    amount = day.amounts / day.told if day.told else float("nan")
    weekend = (day.number + _FIRST_WEEKDAY) % 7 >= _SATURDAY
    return Day(day.number, (day.hours / max(1, day.accesses), amount, log1p(day.accesses)), weekend)
