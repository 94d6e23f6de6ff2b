"""The last 24 hours against a usual day of the subject, and of its peers: events, resources, items, bytes."""

from math import isnan, log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.numbers import unusual
from ostiary.signals.phrases import unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.telling import DAY_METRICS
from ostiary.vocabulary.events import AccessEvent

_RESOURCE: Final = ("resource_type", "resource_id", "time_ns")
_WHAT: Final = (
    ("events", "accesses", 0, ("time_ns",)),
    ("resources", "different resources", 1, _RESOURCE),
    ("amount", "items touched", 1, ("count",)),
    ("bytes", "bytes moved", 1, ("bytes",)),
)
_LEAST_DAYS: Final = 3
_LEAST_PEER_DAYS: Final = 10
_FEATURES: Final = (
    *(
        Feature(
            f"day_{name}_unusual", f"{what} of the last 24h against the subject's usual day", "deviations", way, sources
        )
        for name, what, way, sources in _WHAT
    ),
    *(
        Feature(f"day_{name}_peers", f"{what} of the last 24h over a peer's usual day", "ln ratio", way, sources)
        for name, what, way, sources in _WHAT
    ),
)
_NONE: Final = (NAN,) * len(_WHAT)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return four deviations and four ratios."""
    own, day = history.own, history.windows[2]
    events, resources = log1p(day[DAY_METRICS[0]]), log1p(day[DAY_METRICS[1]])
    amount = log1p(day[DAY_METRICS[2]]) if own.amount[0] else NAN
    size = log1p(day[DAY_METRICS[3]]) if own.volume[0] else NAN
    mine, peers = _NONE, _NONE
    if own.days and own.days[0][0] >= _LEAST_DAYS:
        one, two, three, four = own.days
        mine = (unusual(one, events), unusual(two, resources), unusual(three, amount), unusual(four, size))
    if history.peer_days and history.peer_days[0][0] >= _LEAST_PEER_DAYS:
        one, two, three, four = history.peer_days
        peers = (events - one[1], resources - two[1], amount - three[1], size - four[1])
    return (*mine, *peers)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the day against the usual one."""
    if isnan(value):
        return "there are too few days to say what a usual one is"
    _, what, whose = name.split("_")
    place = [each[0] for each in _WHAT].index(what)
    noun, today = _WHAT[place][1], history.windows[2][DAY_METRICS[place]]
    days = history.own.days if whose == "unusual" else history.peer_days
    usual = f"{unlogged(days[place][1]):,.0f}" if days else "unknown"
    owner = "yours" if whose == "unusual" else "your peers"
    return f"{today:,.0f} {noun} in the last 24 hours; a usual day of {owner} has {usual}"


SIGNAL: Final = Signal(Family.VOLUME, _FEATURES, (*_RESOURCE, "count", "bytes"), ("subject", "peers"), extract, words)
