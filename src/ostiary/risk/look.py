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
from typing import Final

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
_OWN: Final = (Dim.RESOURCE, Dim.COLLECTION)

Parts = tuple[int, tuple[str | None, ...], tuple[Entry | None, ...], Shared | None, int, tuple[float, float, float]]
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
    values, mine = history.values, history.mine
    return (
        history.moment.now,
        tuple([values[dim] for dim in _VALUES]),
        tuple([mine[dim] for dim in _OWN]),
        history.peers[Dim.COLLECTION],
        history.peer_totals[Dim.COLLECTION],
        history.hours,
    )


def taken(
    now: int,
    values: tuple[str | None, ...],
    mine: tuple[Entry | None, ...],
    peer: Shared | None,
    peer_total: int,
    hours: tuple[float, float, float],
) -> Look:
    """Return the look that ``told`` took apart."""
    return Look(
        When(now),
        dict(zip(_VALUES, values, strict=True)),
        dict(zip(_OWN, mine, strict=True)),
        {Dim.COLLECTION: peer},
        {Dim.COLLECTION: peer_total},
        hours,
    )
