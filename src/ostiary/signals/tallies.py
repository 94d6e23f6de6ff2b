"""What an event adds to its subject's sliding windows.

Rules:
- Odd amounts (negative, infinite, not a number) count as nothing: a liar cannot poison a sum.
- "Different resources in a window" counts uses of a resource not used within that window before.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Final, NamedTuple

from ostiary.signals.dimensions import Dim
from ostiary.signals.profiles import Entry, Subject
from ostiary.signals.windows import SPANS, Metric, add, add_to
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

MOST: Final = 1e15
SENSITIVE: Final = 3
BAD: Final = (EventOutcome.DENIED, EventOutcome.FAILURE)
_OF_CLASS: Final[dict[ActionClass, int]] = {
    ActionClass.ADMIN: Metric.ADMINS,
    ActionClass.DELETE: Metric.DELETES,
    ActionClass.EXPORT: Metric.EXPORTS,
    ActionClass.LIST: Metric.LISTS,
    ActionClass.WRITE: Metric.WRITES,
}
_DISTINCT: Final = (
    (Dim.RESOURCE, Metric.RESOURCES),
    (Dim.COLLECTION, Metric.COLLECTIONS),
    (Dim.NETWORK, Metric.NETWORKS),
    (Dim.DEVICE, Metric.DEVICES),
)


class Surprises(NamedTuple):
    """How surprising the event's resource, hour and time zone are for its subject, and all together, in nats."""

    resource: float
    hour: float
    zone: float
    odds: float


def sane(amount: float | None) -> float | None:
    """Return ``amount`` within [0, 10^15], or ``None`` when it is absent or no amount."""
    if amount is None or not isfinite(amount) or amount < 0:
        return None
    return float(min(amount, MOST))


def tally(
    event: AccessEvent, own: Subject, now: int, before: Sequence[Entry | None], surprises: Surprises, *, opens: bool
) -> None:
    """Count ``event`` in the windows; ``before`` is the subject's entry per dimension ahead of it."""
    amounts: list[tuple[int, float]] = [
        (Metric.EVENTS, 1.0),
        (Metric.SURPRISE, surprises.resource),
        (Metric.ODDS, surprises.odds),
    ]
    if opens:
        amounts.append((Metric.SESSIONS, 1.0))
        amounts.append((Metric.HOUR_SURPRISE, surprises.hour))
        amounts.append((Metric.ZONE_SURPRISE, surprises.zone))
    if before[Dim.RESOURCE] is None:
        amounts.append((Metric.NEW, 1.0))
    metric = _OF_CLASS.get(event.action_class)
    if metric is not None:
        amounts.append((metric, 1.0))
    _measures(event, amounts)
    _faults(event, amounts)
    add(own.windows, now, amounts)
    for dim, metric in _DISTINCT:
        _distinct(own, now, before[dim], metric, told=_told(event, dim))


def _measures(event: AccessEvent, amounts: list[tuple[int, float]]) -> None:
    if (count := sane(event.count)) is not None:
        amounts.append((Metric.AMOUNT, count))
    if (size := sane(event.bytes)) is not None:
        amounts.append((Metric.BYTES, size))
    if event.sensitivity is not None and event.sensitivity >= SENSITIVE:
        amounts.append((Metric.SENSITIVE, 1.0))


def _faults(event: AccessEvent, amounts: list[tuple[int, float]]) -> None:
    if event.outcome not in BAD:
        return
    amounts.append((Metric.FAILURES, 1.0))
    if event.outcome is EventOutcome.DENIED:
        amounts.append((Metric.DENIALS, 1.0))
    if event.action_class is ActionClass.AUTHENTICATE:
        amounts.append((Metric.LOGIN_FAILURES, 1.0))


def _told(event: AccessEvent, dim: Dim) -> bool:
    if dim is Dim.NETWORK:
        return event.ip is not None
    return event.device_id is not None if dim is Dim.DEVICE else True


def _distinct(own: Subject, now: int, entry: Entry | None, metric: int, *, told: bool) -> None:
    if not told:
        return
    idle = SPANS[-1] if entry is None else now - entry[2]
    for place, span in enumerate(SPANS):
        if idle >= span:
            add_to(own.windows, place, now, metric)
