"""Which flag speaks for which part of an event when it is not told: absent never reads as safe.

Rules:
- Every optional field of an access event has a flag that is 1 when the field is not told.
- A group of facts has one flag: the share of its members that are not told, 1 when the whole group is absent.
- What a field being absent means is left to nobody's guess: the features that read it are NaN, and the flag is up.
- The outcome and its detail have no flag: when an access is decided nobody knows them yet.

>>> flags_of(("token.age_s", "ip", "time_ns"))
('missing_token', 'missing_network')
"""

from types import NoneType
from typing import Final

import msgspec

from ostiary.vocabulary.events import AccessEvent

FIELDS: Final[dict[str, str]] = {
    "ip": "network",
    "device_id": "device",
    "ua_family": "agent",
    "tz_offset_min": "timezone",
    "session_id": "session",
    "mfa": "second_factor",
    "sensitivity": "sensitivity",
    "count": "amount",
    "auth_method": "auth_method",
    "auth_age_s": "auth_age",
    "country": "country",
    "asn": "asn",
    "device_managed": "management",
    "ua_os": "system",
    "client_id": "client",
    "issuer": "issuer",
    "bytes": "bytes",
    "groups": "groups",
    "labels": "labels",
}
"""Field of the event → what its flag calls it, in the order of the flags."""

GROUPS: Final[tuple[str, ...]] = (
    "token",
    "place",
    "posture",
    "account",
    "data",
    "workload",
    "language",
    "behaviour",
)
MEMBERS: Final[dict[str, tuple[str, ...]]] = {
    field.name: next(kind for kind in field.type.__args__ if kind is not NoneType).__struct_fields__
    for field in msgspec.structs.fields(AccessEvent)
    if field.name in GROUPS
}
"""Group of facts → names of its members."""


def flag_of(source: str) -> str:
    """Return the flag that speaks for one source, or nothing when every event tells it."""
    head = source.partition(".")[0]
    called = head if head in GROUPS else FIELDS.get(head, "")
    return f"missing_{called}" if called else ""


def flags_of(sources: tuple[str, ...]) -> tuple[str, ...]:
    """Return the flags that speak for ``sources``."""
    return tuple(dict.fromkeys(flag for source in sources if (flag := flag_of(source))))


def known_source(source: str) -> bool:
    """Return whether ``source`` names a field of the event, or a member of a group as ``group.member``."""
    head, dot, member = source.partition(".")
    return member in MEMBERS.get(head, ()) if dot else head in AccessEvent.__struct_fields__
