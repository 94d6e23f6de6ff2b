"""Slow change: does what the subject does lately still look like what it always did?

The Jensen-Shannon divergence (Lin 1991) between the collections of the last sittings and of all time, and for the very
thing accessed how much of its use is recent: what began last week is not yet a habit.
"""

from collections.abc import Sequence
from math import isnan, log, log2
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.numbers import faded
from ostiary.signals.signal import DEEPEST, NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_HIGH: Final = 0.3
_ZONE: Final = ("tz_offset_min",)
_FEATURES: Final = (
    Feature("drift_collections", "Jensen-Shannon divergence of recent from all collections", "bits", 0),
    Feature("drift_resource", "ln of recent use of this resource over its lifetime use", "ln ratio", 0),
    Feature("drift_collection", "ln of recent use of this collection over its lifetime use", "ln ratio", 0),
    Feature("mature_resource", "uses of this resource that are not recent, at most 200", "ln(1+count)", -1),
    Feature("mature_collection", "uses of this collection that are not recent, at most 200", "ln(1+count)", -1),
    Feature(
        "mature_timezone", "uses of this offset from UTC that are not recent, at most 200", "ln(1+count)", -1, _ZONE
    ),
    Feature("recent_resource_share", "share of the last resources of the subject that are this one", "share", 0),
    Feature("recent_collection_share", "share of the last collections of the subject that are this one", "share", 0),
)


def _divergence(lately: Sequence[tuple[int, int]], total: int) -> float:
    if not lately or total <= 0:
        return NAN
    recent = sum([often for often, _ in lately])
    bits, covered = 0.0, 0.0
    for often, ever in lately:
        p, q = often / recent, ever / total
        both = (p + q) / 2
        bits += p * log2(p / both)
        if q:
            bits += q * log2(q / both)
            covered += q
    return min(1.0, (bits + max(0.0, 1.0 - covered)) / 2)


def _use(history: History, dim: int, pace: float) -> tuple[float, float]:
    """Return how much likelier a value is lately than ever, and how much of its use is old."""
    mine = history.mine[dim]
    if history.values[dim] is None or not history.known:
        return NAN, NAN
    if mine is None:
        return 0.0, 0.0
    weight = faded(mine[3], history.moment.now - mine[2])
    lately = (weight + 0.5) / (pace + 1.0)
    ever = (mine[0] + 0.5) / (history.my_totals[dim] + 1.0)
    return log(lately / ever), log(1.0 + min(DEEPEST, max(0.0, mine[0] - weight)))


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the eight features."""
    own, values = history.own, history.values
    pace = faded(own.pace, history.moment.now - own.last)
    lately, old_resource = _use(history, Dim.RESOURCE, pace)
    collection, old_collection = _use(history, Dim.COLLECTION, pace)
    _lately, old_zone = _use(history, Dim.TIMEZONE, pace)
    resources, collections = own.recent_resources, own.recent
    return (
        _divergence(history.lately, history.my_totals[Dim.COLLECTION]),
        lately,
        collection,
        old_resource,
        old_collection,
        old_zone,
        resources.count(values[Dim.RESOURCE] or "") / len(resources) if resources else NAN,
        collections.count(values[Dim.COLLECTION] or "") / len(collections) if collections else NAN,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the drift in words."""
    if isnan(value):
        return "there is too little history to see a drift"
    if name.startswith("mature"):
        what = {"resource": "this resource", "collection": "this collection"}.get(name[7:], "this time zone")
        return f"your use of {what} is {'well established' if value > 1 else 'only recent'}"
    if name.startswith(("drift_resource", "drift_collection", "recent_")):
        return f"you used it {'more' if value > 0 else 'no more'} lately than ever before"
    return f"what you do lately {'differs from' if value > _HIGH else 'looks like'} what you always did"


SIGNAL: Final = Signal(
    Family.SURPRISE, _FEATURES, ("resource_type", "resource_id", "time_ns"), ("subject",), extract, words, "drift"
)
