"""What is looked at of another subject when an access is compared with it: so little that nothing packed need open.

Rules:
- A face says of its subject exactly what the open profile says: whether one is open or packed changes no answer.
- Of the resources it has the favourites only; whoever uses a resource most is told by the resource itself.

>>> own = Subject(last=9, favourites=["db:a"], dims=[{"db:a": (3, 1, 9, 2.5)}, *[None] * (COUNT - 1)])
>>> face_of(own).weights
{'db:a': (2.5, 9)}
"""

from typing import Final

import msgspec

from ostiary.signals.dimensions import COUNT, Dim
from ostiary.signals.numbers import Number
from ostiary.signals.profiles import Entry, Fading, Subject

__all__ = ["COUNT", "TELLING", "Face", "face_of", "favourite", "read_face", "write_face"]

TELLING: Final = (Dim.TIMEZONE, Dim.NETWORK, Dim.DEVICE, Dim.AGENT, Dim.COUNTRY)
_NEVER: Final[Entry] = (0, 0, 0, 0.0)


class Face(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One subject from outside.

    Attributes:
        last, pace, gap, utc_hours: as in the profile.
        totals, times: uses of any value, and of each, one place per dimension of ``TELLING``.
        weights: fading use of each favourite resource, and as of when.
    """

    last: int
    pace: float
    gap: Number
    utc_hours: tuple[int, ...]
    totals: tuple[int, ...]
    times: tuple[dict[str, int], ...]
    weights: dict[str, Fading]


write_face: Final = msgspec.msgpack.Encoder().encode
read_face: Final = msgspec.msgpack.Decoder(Face).decode


def face_of(own: Subject) -> Face:
    """Return the face of an open profile."""
    uses = own.dims[Dim.RESOURCE] or {}
    return Face(
        own.last,
        own.pace,
        own.gap,
        tuple(own.utc_hours),
        tuple([own.totals[dim] for dim in TELLING]),
        tuple([{value: entry[0] for value, entry in (own.dims[dim] or {}).items()} for dim in TELLING]),
        {name: (entry[3], entry[2]) for name in own.favourites if (entry := uses.get(name)) is not None},
    )


def favourite(own: Subject | Face, resource: str) -> Fading | None:
    """Return the fading use of ``resource``, if it is among the subject's favourites."""
    if isinstance(own, Face):
        return own.weights.get(resource)
    entry = (own.dims[Dim.RESOURCE] or {}).get(resource) if resource in own.favourites else None
    return None if entry is None else (entry[3], entry[2])
