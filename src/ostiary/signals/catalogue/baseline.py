"""Against the frozen baseline: how far habits have moved since, and how this access looks to who the subject was then.

The adaptive profile gets used to anything that is done slowly enough; the baseline does not.
"""

from math import isnan, log, log1p
from typing import Final

from ostiary.signals.baselines import KEPT
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import span, unlogged
from ostiary.signals.signal import LONGEST_DAYS, NAN, Feature, Signal
from ostiary.signals.surprise import smooth
from ostiary.vocabulary.events import AccessEvent

_DAY: Final = 86_400
_HALF: Final = 0.5
_PRIOR: Final = 3.0
_HIGH: Final = 0.3
_ODD: Final = 3.0
_WHAT: Final = tuple(dim.name.lower() for dim in KEPT)
_NOUNS: Final = dict(zip(_WHAT, ("collections", "actions", "networks", "countries", "devices"), strict=True))
_SOURCES: Final = (("resource_type", "resource_id"), ("action",), ("ip",), ("country",), ("device_id",))
_FEATURES: Final = (
    *(
        Feature(
            f"baseline_{what}_drift",
            f"Jensen-Shannon divergence of recent {_NOUNS[what]} from the frozen ones",
            "bits",
            0,
        )
        for what in _WHAT
    ),
    *(
        Feature(
            f"baseline_{what}_surprise", f"-ln chance of this {what} by the subject's frozen habits", "nats", 1, source
        )
        for what, source in zip(_WHAT, _SOURCES, strict=True)
    ),
    Feature("baseline_hour_surprise", "-ln chance of this local hour by the subject's frozen habits", "nats", 1),
    Feature("baseline_surprise", "the same over all of them; what is not told counts as never seen", "nats", 1),
    Feature("baseline_creep", "how much less surprising this collection is now than by the frozen habits", "nats", 0),
    Feature("baseline_age", "since the subject's habits were frozen, at most 90 days", "ln(1+days)", 0),
)
_MISSING: Final = (NAN,) * len(_FEATURES)
_NO_DRIFT: Final = (NAN,) * len(KEPT)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return drift and surprise of each frozen dimension, and four sums."""
    own, moment = history.own, history.moment
    base = own.baseline
    if base is None:
        return _MISSING
    total, surprises = 0.0, []
    for dim, habits, uses in zip(KEPT, base.habits, base.totals, strict=True):
        value = history.values[dim]
        often = 0 if value is None else habits.get(value, 0)  # what is not told is not safer than what was never seen
        surprise = -log((often + _HALF) / (uses + 1.0)) if uses else 0.0
        surprises.append(NAN if value is None or not uses else surprise)
        total += surprise
    hours, near = base.hours, 24 if moment.weekend else 0
    there = smooth(hours, moment.hour, near) + smooth(hours, moment.hour, 24 - near)
    hour = -log((there + _PRIOR / 24) / (sum(hours) + _PRIOR))
    mine = history.mine[KEPT[0]]
    now = -log(((mine[0] if mine else 0) + _HALF) / (history.my_totals[KEPT[0]] + 1.0))
    age = log1p(min(max(0, moment.now - base.at) / _DAY, LONGEST_DAYS))
    return (*(own.drift or _NO_DRIFT), *surprises, hour, total + hour, surprises[0] - now, age)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what the frozen habits say, in words."""
    base = history.own.baseline
    if base is None or isnan(value):
        return "your habits are not yet frozen for comparison"
    since = span(history.moment.now - base.at)
    if name == "baseline_age":
        return f"your habits were frozen {span(_DAY * unlogged(value))} ago"
    what = name.removeprefix("baseline_").removesuffix("_surprise").removesuffix("_drift")
    if name.endswith("_drift"):
        return f"your {_NOUNS[what]} {'differ from' if value > _HIGH else 'are like'} those of {since} ago"
    if name == "baseline_creep":
        return f"you got used to this only {'' if value > 1.0 else 'partly '}in the last {since}"
    whole = "this access" if what == "surprise" else f"this {what}"
    return f"{whole} would have been {'unusual' if value > _ODD else 'usual'} for you {since} ago"


SIGNAL: Final = Signal(
    Family.SURPRISE,
    _FEATURES,
    ("resource_id", "action", "ip", "country", "device_id", "time_ns"),
    ("subject",),
    extract,
    words,
    "baseline",
)
