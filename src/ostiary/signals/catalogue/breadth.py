"""How widely the subject reaches now: different and new resources, collections, networks and devices in a while."""

from collections.abc import Sequence
from math import log1p
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.windows import SPAN_NAMES, SPAN_WORDS, Metric
from ostiary.vocabulary.events import AccessEvent

_RESOURCE: Final = ("resource_type", "resource_id", "time_ns")
_COUNTED: Final = (
    ("resources", Metric.RESOURCES, (1, 2, 3), "different resources", _RESOURCE),
    ("collections", Metric.COLLECTIONS, (1, 2, 3), "different collections", _RESOURCE),
    ("new_resources", Metric.NEW, (1, 2, 3), "resources new to the subject", _RESOURCE),
    ("networks", Metric.NETWORKS, (1, 2), "different networks", ("ip", "time_ns")),
    ("devices", Metric.DEVICES, (2,), "different devices", ("device_id", "time_ns")),
)
_ASKED: Final[dict[int, int]] = {Metric.NETWORKS: Dim.NETWORK, Metric.DEVICES: Dim.DEVICE}
_PLACES: Final = tuple((place, metric) for _, metric, places, _, _ in _COUNTED for place in places)
_FEATURES: Final = (
    *(
        Feature(f"{name}_{SPAN_NAMES[place]}", f"{what} in the last {SPAN_NAMES[place]}", "ln(1+count)", 1, sources)
        for name, _, places, what, sources in _COUNTED
        for place in places
    ),
    Feature("breadth_1h", "different resources for each access of the last 1h", "share", 0, _RESOURCE),
    Feature(
        "new_share_7d",
        "share of the accesses of the last 7d that were to resources new to the subject",
        "share",
        1,
        _RESOURCE,
    ),
)


def _never(value: float, metric: int, totals: Sequence[int]) -> float:
    """Return NaN for a count of nothing when no access of the subject ever told the thing counted."""
    dim = _ASKED.get(metric)
    return value if dim is None or totals[dim] else NAN


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the counts and two shares."""
    windows, totals = history.windows, history.my_totals
    counts = [log1p(windows[place][metric]) for place, metric in _PLACES]
    if not totals[Dim.NETWORK] or not totals[Dim.DEVICE]:
        counts = [value or _never(value, metric, totals) for value, (_, metric) in zip(counts, _PLACES, strict=True)]
    hour, week = windows[1], windows[3]
    counts.append(hour[Metric.RESOURCES] / (hour[0] + 1.0))
    counts.append(week[Metric.NEW] / (week[0] + 1.0))
    return tuple(counts)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the count in the window in words."""
    if name in {"breadth_1h", "new_share_7d"}:
        what = "different resources" if name == "breadth_1h" else "resources new to you"
        return f"{value:.0%} of your latest accesses went to {what}"
    stem, _, window = name.rpartition("_")
    noun = {"new_resources": "resource"}.get(stem, stem.removesuffix("s"))
    fresh = " new to you" if stem == "new_resources" else ""
    return f"{plural(unlogged(value), noun)}{fresh} in the last {SPAN_WORDS[SPAN_NAMES.index(window)]}"


SIGNAL: Final = Signal(
    Family.VOLUME, _FEATURES, ("resource_id", "ip", "device_id", "time_ns"), ("subject",), extract, words
)
