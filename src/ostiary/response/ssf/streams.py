"""One event stream as it is kept, and what its receiver may say about it (SSF 1.0 §8.1.1).

Rules:

- what the receiver supplies is read strictly; what the transmitter supplies may be repeated but not changed;
- push goes to an address that ``addresses`` allows; without a delivery the method is poll;
- the authorisation that is echoed with every push is a secret: sealed as soon as it is read, and never shown again.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from typing_extensions import override

from ostiary.errors import FaultyInputError
from ostiary.identity.secevent.types import URIS
from ostiary.response.ssf.limits import MAX_AUTHORIZATION, MAX_EVENTS_REQUESTED, MAX_TEXT
from ostiary.signals.texts import neutral

PUSH: Final = "urn:ietf:rfc:8935"
POLL: Final = "urn:ietf:rfc:8936"
ENABLED: Final = "enabled"
PAUSED: Final = "paused"
DISABLED: Final = "disabled"
STATUSES: Final = (ENABLED, PAUSED, DISABLED)
ALL: Final = "ALL"
NONE: Final = "NONE"
# What we transmit: the verification and status events belong to every stream and are not asked for.
SUPPORTED: Final = tuple(
    URIS[name]
    for name in (
        "assurance-level-change",
        "credential-change",
        "device-compliance-change",
        "risk-level-change",
        "session-revoked",
    )
)


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a stream is delivered; ``sealed`` is the receiver's authorisation, readable only with the tenant's key."""

    method: str = POLL
    url: str = ""
    sealed: bytes = b""

    @override
    def __repr__(self) -> str:
        """Name method and address; keys are left out: the sealed part, and the query, where some have one."""
        return f"Delivery({self.method!r}, {self.url.partition('?')[0]!r})"


class Stream(msgspec.Struct, frozen=True, omit_defaults=True):
    """One stream.

    Attributes:
        owner: the enforcement point whose stream it is.
        audience: the ``aud`` of its event tokens.
        requested: event types that the receiver asked for; empty = all that are supported.
        default_subjects: ``ALL`` (subjects are left out) or ``NONE`` (subjects are added).
        reason: why it has its status.
    """

    tenant: str
    stream_id: str
    owner: str
    audience: tuple[str, ...]
    delivery: Delivery
    made_ns: int
    requested: tuple[str, ...] = ()
    description: str = ""
    default_subjects: str = ALL
    status: str = ENABLED
    reason: str = ""

    @property
    def delivered(self) -> tuple[str, ...]:
        """The event types that this stream carries."""
        return tuple(uri for uri in SUPPORTED if not self.requested or uri in self.requested)


class StreamLife(msgspec.Struct, frozen=True):
    """What changes in a stream without anybody changing it.

    Attributes:
        heard_ns: when its receiver was last heard of.
        verified_ns: when a verification was last asked for.
        dropped: events that were pushed out because too many waited.
    """

    heard_ns: int = 0
    verified_ns: int = 0
    dropped: int = 0


class Wanted(msgspec.Struct, frozen=True):
    """What a receiver says of its stream; ``None`` = not said. ``authorization`` is still in the clear."""

    method: str | None = None
    url: str = ""
    authorization: str = msgspec.field(default="")
    requested: tuple[str, ...] | None = None
    description: str | None = None

    @override
    def __repr__(self) -> str:
        """Show nothing of the secret."""
        return f"Wanted({self.method!r}, {self.url.partition('?')[0]!r})"


def read_wanted(body: Mapping[str, Any]) -> Wanted:
    """Return what the receiver supplies in a stream configuration.

    Raises:
        FaultyInputError: ``stream_invalid``.
    """
    method, url, authorization = _delivery(body)
    description = body.get("description")
    if description is not None and (not isinstance(description, str) or len(description) > MAX_TEXT):
        raise _fault("description")
    said = None if description is None else neutral(description)
    return Wanted(method, url, authorization, _events(body), said)


def _delivery(body: Mapping[str, Any]) -> tuple[str | None, str, str]:
    if "delivery" not in body:
        return None, "", ""
    told = body["delivery"]
    method = told.get("method") if isinstance(told, dict) else None
    if method not in (PUSH, POLL):
        raise _fault("delivery.method")
    if method == POLL:  # the address to poll at is ours to give
        return POLL, "", ""
    url, authorization = told.get("endpoint_url"), told.get("authorization_header", "")
    if not isinstance(url, str) or not 0 < len(url) <= MAX_TEXT:
        raise _fault("delivery.endpoint_url")
    if not isinstance(authorization, str) or len(authorization) > MAX_AUTHORIZATION or not _is_header(authorization):
        raise _fault("delivery.authorization_header")
    return PUSH, url, authorization


def _events(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    if "events_requested" not in body:
        return None
    listed = body["events_requested"]
    if not isinstance(listed, list) or len(listed) > MAX_EVENTS_REQUESTED:
        raise _fault("events_requested")
    if not all(isinstance(uri, str) and 0 < len(uri) <= MAX_TEXT for uri in listed):
        raise _fault("events_requested")
    # An empty list would mean a stream that never says anything; `requested = ()` means that nothing was asked for.
    return tuple(dict.fromkeys(listed)) or ("",)


def _is_header(text: str) -> bool:
    """Return whether ``text`` can be a header's value: no line can be added behind it (CWE-113)."""
    return text.isascii() and all(" " <= char <= "~" for char in text)


def _fault(name: str) -> FaultyInputError:
    return FaultyInputError("stream_invalid", f"`{name}` is missing or not as it must be", "/" + name.replace(".", "/"))
