"""Is this a weekday, and an hour of the world clock, on which the subject usually works?"""

from math import log
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import clock
from ostiary.signals.signal import Feature, Signal
from ostiary.signals.surprise import smooth
from ostiary.vocabulary.events import AccessEvent

_PRIOR: Final = 3.0
_DAYS: Final = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_OFFSET: Final = "the last known offset stands in, without one UTC"
_FEATURES: Final = (
    Feature("weekday_surprise", "-ln chance of this weekday for the subject", "nats", 1, default=_OFFSET),
    Feature("weekend", "1 on the subject's Saturday and Sunday", "flag", 0, default=_OFFSET),
    Feature(
        "utc_hour_surprise",
        "-ln chance of this hour of UTC for the subject, whatever its time zone says",
        "nats",
        1,
        ("time_ns",),
    ),
)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the three features."""
    own, moment = history.own, history.moment
    days, hours = own.weekdays, own.utc_hours
    return (
        -log((days[moment.weekday] + _PRIOR / 7) / (sum(days) + _PRIOR)),
        1.0 if moment.weekend else 0.0,
        -log((smooth(hours, moment.utc_hour) + _PRIOR / 24) / (sum(hours) + _PRIOR)),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the day, or the hour of UTC, against the subject's own."""
    moment, days = history.moment, history.own.weekdays
    if name == "utc_hour_surprise":
        return f"{clock(moment.utc_hour)} UTC is {'an unusual' if value > 3 else 'a usual'} hour for you"  # noqa: PLR2004
    return f"{days[moment.weekday]} of your {sum(days)} accesses were on {_DAYS[moment.weekday]}"


SIGNAL: Final = Signal(Family.TIME, _FEATURES, ("time_ns", "tz_offset_min"), ("subject",), extract, words)
