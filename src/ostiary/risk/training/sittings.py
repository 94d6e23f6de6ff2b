"""Groups a time-ordered history into sittings: one session, or accesses of one subject less than half an hour apart.

>>> from ostiary.vocabulary.events import AccessEvent
>>> def at(minute, who): return AccessEvent(f"{who}{minute}", "t", minute * 60 * 10**9, who, "read", "db", "orders")
>>> [sitting.places for sitting in sittings_of([at(0, "ann"), at(5, "bob"), at(10, "ann"), at(50, "ann")])]
[[0, 2], [1], [3]]
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.signals.dimensions import collection_of
from ostiary.signals.tables import subject_key
from ostiary.vocabulary.events import AccessEvent

GAP_NS: Final = 30 * 60 * 10**9


class Sitting(msgspec.Struct, frozen=True):
    """One sitting.

    Attributes:
        subject: key of whose it is.
        number: how many sittings the subject had before.
        start_ns: time of its first access.
        places: positions of its accesses in the history.
    """

    subject: str
    number: int
    start_ns: int
    places: list[int]


def sittings_of(events: Sequence[AccessEvent], rest_ns: int = GAP_NS) -> list[Sitting]:
    """Return the sittings of ``events`` in order of their first access; one with a name may rest for ``rest_ns``."""
    found: list[Sitting] = []
    counts: dict[str, int] = {}
    running: dict[tuple[str, str], tuple[Sitting, int]] = {}
    for place, event in enumerate(events):
        subject = subject_key(event)
        key = (subject, event.session_id or "")
        sitting, last_ns = running.get(key, (None, 0))
        if sitting is None or event.time_ns - last_ns > (rest_ns if event.session_id else GAP_NS):
            number = counts.get(subject, 0)
            counts[subject] = number + 1
            sitting = Sitting(subject, number, event.time_ns, [])
            found.append(sitting)
        sitting.places.append(place)
        running[key] = (sitting, event.time_ns)
    return found


def collections_of(events: Sequence[AccessEvent]) -> dict[str, set[str]]:
    """Return which collections each subject ever used."""
    used: dict[str, set[str]] = {}
    for event in events:
        used.setdefault(subject_key(event), set()).add(collection_of(event.resource_type, event.resource_id))
    return used
