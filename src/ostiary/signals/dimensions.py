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
    REGION = 15
    CITY = 16
    LANGUAGE = 17
    JA4 = 18
    NETWORK_KIND = 19
    TOKEN_KEY = 20
    TOKEN_CLAIMS = 21
    TOKEN_AUDIENCE = 22
    IMAGE = 23
    EGRESS = 24
    TOOL = 25
    PURPOSE = 26
    NETWORK_AGENT = 27
    ASN_DEVICE = 28
    DEVICE_CLIENT = 29
    JA4_AGENT = 30
    MOVE = 31


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
    Caps(8, 512),  # region
    Caps(8, 1024),  # city
    Caps(6, 128),  # language
    Caps(8, 1024),  # ja4
    Caps(8, 16),  # network_kind
    Caps(6, 256),  # token_key
    Caps(6, 512),  # token_claims
    Caps(8, 512),  # token_audience
    Caps(12, 1024),  # image
    Caps(24, 2048),  # egress
    Caps(24, 1024),  # tool
    Caps(8, 256),  # purpose
    Caps(16, 4096),  # network_agent
    Caps(12, 4096),  # asn_device
    Caps(12, 4096),  # device_client
    Caps(8, 2048),  # ja4_agent
    Caps(24, 2048),  # move
)
TELLING: Final = (Dim.RESOURCE, Dim.NETWORK, Dim.COUNTRY, Dim.DEVICE, Dim.AGENT, Dim.TIMEZONE)
NAMES: Final[tuple[str, ...]] = tuple(dim.name.lower() for dim in Dim)
COUNT: Final = len(NAMES)
_NO_PLACE: Final = (None,) * 5
_NO_TOKEN: Final = (None,) * 3


def collection_of(resource_type: str, resource_id: str) -> str:
    """Return what holds a resource: its type and its id up to the first inner slash."""
    cut = resource_id.find("/", 1)
    return f"{resource_type}:{resource_id if cut < 0 else resource_id[:cut]}"


def _agent_of(event: AccessEvent) -> str | None:
    if event.ua_family is None and event.ua_os is None:
        return None
    return f"{event.ua_family or '?'} on {event.ua_os or '?'}"


def _of_place(event: AccessEvent) -> tuple[str | None, ...]:
    """Return region, city, language, JA4 and kind of network."""
    place = event.place
    if place is None:
        return _NO_PLACE
    return place.region, place.city, place.language, place.ja4, place.kind


def _of_token(event: AccessEvent) -> tuple[str | None, ...]:
    """Return the token's key, the shape of its claims, and for whom it was issued."""
    token = event.token
    if token is None:
        return _NO_TOKEN
    key = None if token.algorithm is None and token.key_id is None else f"{token.algorithm}/{token.key_id}"
    return key, token.claims, _pair(event.issuer, token.audience)


def _pair(one: str | None, other: str | None) -> str | None:
    return None if one is None or other is None else f"{one}+{other}"


def values_of(event: AccessEvent, previous: str | None = None, before: str | None = None) -> list[str | None]:
    """Return the event's value in each dimension.

    Args:
        event: the access.
        previous: the collection that the subject touched before.
        before: the action that the subject did before.
    """
    kind = event.resource_type
    collection = collection_of(kind, event.resource_id)
    network = None if event.ip is None else network_of(event.ip).prefix
    asn = None if event.asn is None else str(event.asn)
    agent, place, workload = _agent_of(event), event.place, event.workload
    return [
        f"{kind}:{event.resource_id}",
        collection,
        kind,
        event.action,
        f"{event.action_class} {collection}",
        network,
        asn,
        event.country,
        event.device_id,
        agent,
        event.client_id,
        event.auth_method,
        event.issuer,
        None if event.tz_offset_min is None else str(event.tz_offset_min),
        None if previous is None else f"{previous}>{collection}",
        *_of_place(event),
        *_of_token(event),
        *((None, None) if workload is None else (workload.image, workload.egress)),
        None if event.language is None else event.language.tool,
        None if event.data is None else event.data.purpose,
        _pair(network, agent),
        _pair(asn, event.device_id),
        _pair(event.device_id, event.client_id),
        None if place is None else _pair(place.ja4, event.ua_family),
        None if before is None else f"{before}>{event.action}",
    ]
