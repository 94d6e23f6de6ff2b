"""Ghosts: single accesses in an odd context, judged against a profile and never learned.

Three ways in which an own access becomes odd, each drawn from what the tenant really does:

- *name*: somebody else's access under the subject's name (the first sight of a stolen token).
- *hour*: the subject's own access, five to twelve hours later than it was.
- *place*: the subject's own access from another subject's network, device and offset.

Half of the second and third also go to a resource the subject's colleagues use and the subject does not.
"""

import random
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ostiary.vocabulary.events import AccessEvent

_HOUR_NS: Final = 3_600 * 10**9
_HOURS: Final = (5.0, 12.0)
_REACH: Final = 2_000  # how far back a partner is looked for
_TRIES: Final = 20
_PLACE: Final = (
    "ip",
    "country",
    "asn",
    "tz_offset_min",
    "device_id",
    "device_managed",
    "user_agent",
    "ua_family",
    "ua_os",
)
_TARGET: Final = ("resource_type", "resource_id", "action", "action_class", "sensitivity", "labels")
_WHO: Final = ("subject_id", "subject_type", "groups")


def make_ghosts(events: Sequence[AccessEvent], share: float, seed: int) -> dict[int, list[AccessEvent]]:
    """Return about ``share`` ghosts an event, by the position in the history before which they are judged."""
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    found: dict[int, list[AccessEvent]] = {}
    for place in range(len(events)):
        if rng.random() < share:
            ghost = _ghost(events, place, rng)
            if ghost is not None:
                found.setdefault(place, []).append(ghost)
    return found


def _ghost(events: Sequence[AccessEvent], place: int, rng: random.Random) -> AccessEvent | None:
    event, other = events[place], _partner(events, place, rng)
    if other is None:
        return None
    way = rng.choice(("name", "hour", "place"))
    if way == "name":
        return msgspec.structs.replace(event, **_fields(other, _WHO), session_id=None)
    change: dict[str, Any] = {"session_id": None}
    if way == "hour":
        change["time_ns"] = event.time_ns + int(rng.uniform(*_HOURS) * _HOUR_NS)
    else:
        change.update(_fields(other, _PLACE))
    if rng.random() < 0.5:  # noqa: PLR2004 - a fair coin
        change.update(_fields(other, _TARGET))
    return msgspec.structs.replace(event, **change)


def _partner(events: Sequence[AccessEvent], place: int, rng: random.Random) -> AccessEvent | None:
    """Return a recent access of somebody else."""
    mine = events[place].subject_id
    for _ in range(_TRIES if place else 0):
        other = events[rng.randrange(max(0, place - _REACH), place)]
        if other.subject_id != mine:
            return other
    return None


def _fields(event: AccessEvent, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(event, name) for name in names}
