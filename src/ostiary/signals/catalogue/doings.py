"""What kinds of things the subject has done lately: writes, exports, deletions, administration, listing."""

from math import log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import Feature, Signal
from ostiary.signals.windows import Metric
from ostiary.vocabulary.events import AccessEvent, ActionClass

_KINDS: Final = (
    ("writes", Metric.WRITES, 0),
    ("exports", Metric.EXPORTS, 1),
    ("deletes", Metric.DELETES, 1),
    ("admin", Metric.ADMINS, 1),
    ("lists", Metric.LISTS, 1),
)
_STRONG: Final = (ActionClass.ADMIN, ActionClass.DELETE, ActionClass.EXPORT)
_NOUNS: Final = {
    "writes": "write",
    "exports": "export",
    "deletes": "deletion",
    "admin": "administrative action",
    "lists": "listing",
}
_FEATURES: Final = (
    *(Feature(f"{name}_1h", f"{_NOUNS[name]}s of the last 1h", "ln(1+count)", way) for name, _, way in _KINDS),
    *(Feature(f"{name}_24h", f"{_NOUNS[name]}s of the last 24h", "ln(1+count)", way) for name, _, way in _KINDS),
    Feature("enumeration_1h", "share of the accesses of the last 1h that only listed", "share", 1, (), Family.SEQUENCE),
    Feature(
        "strong_action", "1 when this access administers, deletes or exports", "flag", 1, ("action_class",), Family.DEED
    ),
)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the twelve features."""
    _, hour, day, _ = history.windows
    return (
        log1p(hour[Metric.WRITES]),
        log1p(hour[Metric.EXPORTS]),
        log1p(hour[Metric.DELETES]),
        log1p(hour[Metric.ADMINS]),
        log1p(hour[Metric.LISTS]),
        log1p(day[Metric.WRITES]),
        log1p(day[Metric.EXPORTS]),
        log1p(day[Metric.DELETES]),
        log1p(day[Metric.ADMINS]),
        log1p(day[Metric.LISTS]),
        hour[Metric.LISTS] / (hour[0] + 1.0),
        1.0 if event.action_class in _STRONG else 0.0,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the count of one kind in words."""
    if name == "strong_action":
        return (
            f"`{event.action_class.value}` is among the strongest actions"
            if value
            else "not among the strongest actions"
        )
    if name == "enumeration_1h":
        return f"{value:.0%} of your accesses in the last hour only listed what there is"
    stem, _, window = name.rpartition("_")
    return f"{plural(unlogged(value), _NOUNS[stem])} in the last {'hour' if window == '1h' else '24 hours'}"


SIGNAL: Final = Signal(Family.VOLUME, _FEATURES, ("action_class", "time_ns"), ("subject",), extract, words)
