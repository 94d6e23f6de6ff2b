"""The dimensions of an access: the discrete things about it that a subject, its peers and a tenant can be used to.

Rules:
- A dimension's value is a short text, or ``None`` when the event does not tell.
- The order is part of the profile format: append, never insert.
- A *collection* is what holds a resource: the part of its id before the first inner slash
  (``nova/api`` → ``nova``, ``arn:aws:s3:::bucket/key`` → the bucket, a database without slash → itself).

>>> from ostiary.vocabulary import events
>>> event = events.AccessEvent("1", "default", 0, "ann", "GetObject", "bucket", "reports/2024.csv")
>>> dict(zip(NAMES, values_of(event)))["collection"]
'bucket:reports'
"""

from enum import IntEnum
from typing import Final, NamedTuple

from ostiary.signals.network import network_of
from ostiary.vocabulary.events import AccessEvent


class Dim(IntEnum):
    """Position of a dimension in every per-dimension list."""

    RESOURCE = 0
    COLLECTION = 1
    RESOURCE_TYPE = 2
    ACTION = 3
    DEED = 4
    NETWORK = 5
    ASN = 6
    COUNTRY = 7
    DEVICE = 8
    AGENT = 9
    CLIENT = 10
    AUTH_METHOD = 11
    ISSUER = 12
    TIMEZONE = 13
    STEP = 14


class Caps(NamedTuple):
    """How many values of a dimension one subject and one group may hold before the rarest half goes."""

    subject: int
    group: int


CAPS: Final[tuple[Caps, ...]] = (
    Caps(96, 8192),  # resource
    Caps(48, 4096),  # collection
    Caps(16, 512),  # resource_type
    Caps(48, 2048),  # action
    Caps(48, 4096),  # deed
    Caps(24, 4096),  # network
    Caps(12, 2048),  # asn
    Caps(8, 256),  # country
    Caps(12, 4096),  # device
    Caps(12, 1024),  # agent
    Caps(8, 1024),  # client
    Caps(8, 64),  # auth_method
    Caps(8, 256),  # issuer
    Caps(12, 64),  # timezone
    Caps(48, 4096),  # step
)
TELLING: Final = (Dim.RESOURCE, Dim.NETWORK, Dim.COUNTRY, Dim.DEVICE, Dim.AGENT, Dim.TIMEZONE)
NAMES: Final[tuple[str, ...]] = tuple(dim.name.lower() for dim in Dim)
COUNT: Final = len(NAMES)


def collection_of(resource_type: str, resource_id: str) -> str:
    """Return what holds a resource: its type and its id up to the first inner slash."""
    cut = resource_id.find("/", 1)
    return f"{resource_type}:{resource_id if cut < 0 else resource_id[:cut]}"


def _agent_of(event: AccessEvent) -> str | None:
    if event.ua_family is None and event.ua_os is None:
        return None
    return f"{event.ua_family or '?'} on {event.ua_os or '?'}"


def values_of(event: AccessEvent, previous: str | None = None) -> list[str | None]:
    """Return the event's value in each dimension; ``previous`` is the collection the subject touched before."""
    kind = event.resource_type
    collection = collection_of(kind, event.resource_id)
    return [
        f"{kind}:{event.resource_id}",
        collection,
        kind,
        event.action,
        f"{event.action_class} {collection}",
        None if event.ip is None else network_of(event.ip).prefix,
        None if event.asn is None else str(event.asn),
        event.country,
        event.device_id,
        _agent_of(event),
        event.client_id,
        event.auth_method,
        event.issuer,
        None if event.tz_offset_min is None else str(event.tz_offset_min),
        None if previous is None else f"{previous}>{collection}",
    ]
