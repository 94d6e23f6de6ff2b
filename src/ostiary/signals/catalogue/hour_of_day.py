"""Is this an hour at which the subject, and its peers, usually work? Around the clock, work days and weekends apart."""

from math import log
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import clock
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_LEAST: Final = 5
_USUAL: Final = 0.02
_EVEN: Final = 1 / 24
_WITHIN: Final = 2
_NEAR: Final = tuple(
    tuple(min((slot - hour) % 24, (hour - slot) % 24) <= _WITHIN for slot in range(48)) for hour in range(24)
)
_ROUND: Final = tuple(
    tuple((float(away), (hour - away) % 24, (hour + away) % 24) for away in range(13)) for hour in range(24)
)
_OFFSET: Final = "the last known offset stands in, without one UTC"
_FEATURES: Final = (
    Feature(
        "hour_surprise",
        "-ln chance of this local hour for the subject, backed off to peers",
        "nats",
        1,
        default=_OFFSET,
    ),
    Feature(
        "hour_ratio",
        "ln of how much likelier this hour is for the peers than for the subject",
        "nats",
        1,
        default=_OFFSET,
    ),
    Feature("hour_peer_surprise", "-ln chance of this local hour for the peer group", "nats", 1, default=_OFFSET),
    Feature(
        "hour_distance", "hours to the nearest hour at which the subject usually works", "hours", 1, default=_OFFSET
    ),
    Feature("hour_local", "the subject's local hour", "hours", 0, default=_OFFSET),
    Feature("hour_lately", "recent level of hour surprise over the subject's usual level", "nats", 0, default=_OFFSET),
    Feature(
        "hour_recent_share",
        "share of the subject's last accesses within two hours of this one",
        "share",
        0,
        default=_OFFSET,
    ),
)


def usual_hours(history: History) -> list[int]:
    """Return the hours that hold at least 2 % of what the subject did, with too little history none."""
    hours = history.own.hours
    total = sum(hours)
    if total < _LEAST:
        return []
    least = _USUAL * total
    pairs = zip(hours[:24], hours[24:], strict=True)
    return [hour for hour, (workday, weekend) in enumerate(pairs) if workday + weekend >= least]


def _away(hours: list[int], hour: int) -> float:
    """Return how far the nearest usual hour is from ``hour``, going round the clock both ways at once."""
    total = sum(hours)
    if total < _LEAST:
        return NAN
    least = _USUAL * total
    for away, before, after in _ROUND[hour]:
        if hours[before] + hours[before + 24] >= least or hours[after] + hours[after + 24] >= least:
            return away
    return NAN


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the seven features."""
    own, moment = history.own, history.moment
    hour = moment.hour
    mine, of_peers, _all = history.hours
    recent = own.recent_hours
    return (
        -log(mine),
        log(of_peers / mine),
        -log(of_peers),
        _away(own.hours, hour),
        hour + moment.minute / 60,
        NAN if not own.hour_surprise[0] else own.hour_lately - own.hour_surprise[1],
        sum(map(_NEAR[hour].__getitem__, recent)) / len(recent) if recent else NAN,
    )


def _window(hours: list[int]) -> str:
    """Return the shortest span of the clock that holds all of ``hours``."""
    gaps = [((after - before - 1) % 24, after) for before, after in zip(hours, hours[1:] + hours[:1], strict=True)]
    gap, first = max(gaps)
    return f"{first:02d} to {(first + 24 - gap) % 24:02d}"


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the time of day against the subject's own hours."""
    moment, hours = history.moment, usual_hours(history)
    here = clock(moment.hour, moment.minute) + ("" if moment.offset is not None else " UTC")
    if name == "hour_peer_surprise":
        return f"{here} is {'a rare' if value > -log(_EVEN) else 'a usual'} time for your peers"
    if not hours:
        return f"{here}: your hours are not yet known"
    return f"{here} is {'inside' if moment.hour in hours else 'outside'} your hours ({_window(hours)})"


SIGNAL: Final = Signal(Family.TIME, _FEATURES, ("time_ns", "tz_offset_min"), ("subject", "peers"), extract, words)
