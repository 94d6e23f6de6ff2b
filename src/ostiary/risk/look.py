"""What session risk needs of a look at the profiles: little enough to be handed to another process.

- It bears the names of a ``History``, so that both can be judged by; what session risk does not look at is not there,
  and who looks at it all the same fails at once.

>>> from ostiary.signals.book import ProfileBook
>>> event = AccessEvent("1", "default", 10**18, "ann", "read", "database", "payments", country="AT")
>>> history = ProfileBook("default").view(event)
>>> look = taken(*told(history))
>>> look.moment.now == history.moment.now, look.values[Dim.COUNTRY], look.mine[Dim.RESOURCE]
(True, 'AT', None)
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Final

import msgspec

from ostiary.signals.dimensions import Dim
from ostiary.signals.history import History
from ostiary.signals.profiles import Entry, Shared
from ostiary.vocabulary.events import AccessEvent

__all__ = ["AccessEvent", "Known", "Look", "Parts", "taken", "told"]

_VALUES: Final = (
    Dim.RESOURCE,
    Dim.COLLECTION,
    Dim.NETWORK,
    Dim.COUNTRY,
    Dim.DEVICE,
    Dim.AGENT,
    Dim.TIMEZONE,
)
_values_of: Final = itemgetter(*_VALUES)
_own_of: Final = itemgetter(Dim.RESOURCE, Dim.COLLECTION)

Parts = tuple[
    int,
    str | None, str | None, str | None, str | None, str | None, str | None, str | None,
    Entry | None, Entry | None,
    Shared | None,
    int,
    tuple[float, float, float],
]  # fmt: skip
"""A look as plain values: when, values, own entries, the peers' entry and total of the collection, hours."""


class When(msgspec.Struct, frozen=True, gc=False):
    """When the access is: seconds since the Unix epoch."""

    now: int


class Look(msgspec.Struct, frozen=True, gc=False):
    """The part of a ``History`` that session risk looks at, under the same names."""

    moment: When
    values: Mapping[int, str | None]
    mine: Mapping[int, Entry | None]
    peers: Mapping[int, Shared | None]
    peer_totals: Mapping[int, int]
    hours: tuple[float, float, float]


Known = History | Look
"""What was known before an access, whole or as far as session risk looks."""


def told(history: History) -> Parts:
    """Return what session risk needs of ``history`` as plain values."""
    return (
        history.moment.now,
        *_values_of(history.values),
        *_own_of(history.mine),
        history.peers[Dim.COLLECTION],
        history.peer_totals[Dim.COLLECTION],
        history.hours,
    )


def taken(now: int, *parts: Any) -> Look:
    """Return the look that ``told`` took apart."""
    *values, resource, collection, peer, peer_total, hours = parts
    return Look(
        When(now),
        dict(zip(_VALUES, values, strict=True)),
        {Dim.RESOURCE: resource, Dim.COLLECTION: collection},
        {Dim.COLLECTION: peer},
        {Dim.COLLECTION: peer_total},
        hours,
    )
