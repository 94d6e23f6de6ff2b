"""How widely the subject reaches now: different and new resources, collections, networks and devices in a while."""

from math import log1p
from typing import Final

from ostiary.signals.history import History
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import Feature, Signal
from ostiary.signals.windows import SPAN_NAMES, SPAN_WORDS, Metric
from ostiary.vocabulary.events import AccessEvent

_COUNTED: Final = (
    ("resources", Metric.RESOURCES, (1, 2, 3), "different resources"),
    ("collections", Metric.COLLECTIONS, (1, 2, 3), "different collections"),
    ("new_resources", Metric.NEW, (1, 2, 3), "resources new to the subject"),
    ("networks", Metric.NETWORKS, (1, 2), "different networks"),
    ("devices", Metric.DEVICES, (2,), "different devices"),
)
_PLACES: Final = tuple((place, metric) for _, metric, places, _ in _COUNTED for place in places)
_FEATURES: Final = (
    *(
        Feature(f"{name}_{SPAN_NAMES[place]}", f"{what} in the last {SPAN_NAMES[place]}", "ln(1+count)", 1)
        for name, _, places, what in _COUNTED
        for place in places
    ),
    Feature("breadth_1h", "different resources for each access of the last 1h", "share", 0),
    Feature(
        "new_share_7d", "share of the accesses of the last 7d that were to resources new to the subject", "share", 1
    ),
)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the counts and two shares."""
    windows = history.windows
    counts = [log1p(windows[place][metric]) for place, metric in _PLACES]
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


SIGNAL: Final = Signal("volume", _FEATURES, ("resource_id", "ip", "device_id", "time_ns"), ("subject",), extract, words)
