"""Ghosts: single accesses in an odd context, judged against a profile and never learned.

Three ways in which an own access becomes odd, each drawn from what the tenant really does:

- *name*: somebody else's access under the subject's name, with the subject's token (the first sight of a stolen one).
- *hour*: the subject's own access, five to twelve hours later than it was.
- *place*: the subject's own access from another subject's network, device and offset.

Half of the second and third also go to a resource the subject's colleagues use and the subject does not. With ``parts``
the other subject is of the same part, as with planted impostors.
"""

import random
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ostiary.risk.training.disguise import TARGET, disguise, fields, later_token, named
from ostiary.vocabulary.events import AccessEvent

_HOUR_NS: Final = 3_600 * 10**9
_HOURS: Final = (5.0, 12.0)
_REACH: Final = 2_000  # how far back a partner is looked for
_TRIES: Final = 20
_TRIES_APART: Final = 400


def make_ghosts(
    events: Sequence[AccessEvent], share: float, seed: int, parts: Sequence[int] = ()
) -> dict[int, list[AccessEvent]]:
    """Return about ``share`` ghosts an event, by the position in the history before which they are judged."""
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    found: dict[int, list[AccessEvent]] = {}
    for place in range(len(events)):
        if rng.random() < share:
            ghost = _ghost(events, place, rng, parts)
            if ghost is not None:
                found.setdefault(place, []).append(ghost)
    return found


def _ghost(events: Sequence[AccessEvent], place: int, rng: random.Random, parts: Sequence[int]) -> AccessEvent | None:
    event, other = events[place], _partner(events, place, rng, parts)
    if other is None:
        return None
    way = rng.choice(("name", "hour", "place"))
    if way == "name":
        token = later_token(other.token, event.time_ns - other.time_ns)
        return msgspec.structs.replace(event, **named(event, other), token=token, session_id=_alone(event))
    change: dict[str, Any] = {"session_id": _alone(event)}
    if way == "hour":
        shift = int(rng.uniform(*_HOURS) * _HOUR_NS)
        change.update(time_ns=event.time_ns + shift, token=later_token(event.token, shift))
    else:
        change.update(disguise(event, other, other))
    if rng.random() < 0.5:  # noqa: PLR2004 - a fair coin
        change.update(fields(other, TARGET))
    return msgspec.structs.replace(event, **change)


def _partner(events: Sequence[AccessEvent], place: int, rng: random.Random, parts: Sequence[int]) -> AccessEvent | None:
    """Return a recent access of somebody else."""
    mine = events[place].subject_id
    for _ in range((_TRIES_APART if parts else _TRIES) if place else 0):
        number = rng.randrange(max(0, place - _REACH), place)
        other = events[number]
        if other.subject_id != mine and (not parts or parts[number] == parts[place]):
            return other
    return None


def _alone(event: AccessEvent) -> str | None:
    """Return a session that nothing else belongs to; an event without one stays so, or its lack would give it away."""
    return None if event.session_id is None else f"{event.session_id}~{event.event_id}"
