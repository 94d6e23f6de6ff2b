"""One evaluation request as an access event: the bridge from AuthZEN to the signals.

The enforcement point is authenticated, so its ``context`` is believed where it has the right type; a member of
the wrong type counts as not told. Members read: ``ip``, ``user_agent``, ``device`` ({id, managed}), ``session_id``,
``tz_offset_min``, ``client_id``, ``mfa``, ``count``, ``bytes``, ``ticket``, and the fact groups ``place``, ``posture``,
``data``, ``workload``, ``language``, ``behaviour``, ``token`` with the members of ``vocabulary.facts`` (see ``told``).
Time and id come from the receipt alone, a verified token's facts from the identity, the account's from the directory.
"""

import ipaddress
from functools import lru_cache
from typing import Any, Final, TypeVar

from ostiary.decision.parts import Known
from ostiary.decision.told import facts_of
from ostiary.identity.types import VerifiedIdentity
from ostiary.vocabulary.entities import EvaluationRequest, Receipt
from ostiary.vocabulary.events import AccessEvent, EventOutcome

_NS: Final = 1_000_000_000
_MAX_TEXT: Final = 512
_MAX_OFFSET_MIN: Final = 14 * 60
_MAX_AMOUNT: Final = 2**53
_MAX_ADDRESS: Final = 64  # no address is longer, and none of what a caller sends is remembered at any length
_ADDRESSES: Final = 8192

T = TypeVar("T", int, float)


def text_of(value: object) -> str | None:
    """Return ``value`` when it is a non-empty text, shortened to a bound."""
    return value[:_MAX_TEXT] if isinstance(value, str) and value else None


def ip_of(value: object) -> str | None:
    """Return ``value`` in canonical form when it is an IP address; IPv4 inside IPv6 comes out as IPv4.

    A zone id (``fe80::1%…``) is refused: it may hold any text, and means something to another machine only.
    """
    return _canonical(value) if isinstance(value, str) and len(value) <= _MAX_ADDRESS else None


@lru_cache(maxsize=_ADDRESSES)
def _canonical(value: str) -> str | None:
    if "%" in value:
        return None
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _integer(value: object, bound: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -bound <= value <= bound else None


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _MAX_AMOUNT else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def device_of(context: dict[str, Any]) -> dict[str, Any]:
    """Return the context's ``device`` member when it is an object, else an empty one."""
    device = context.get("device")
    return device if isinstance(device, dict) else {}


def event_of(
    receipt: Receipt,
    request: EvaluationRequest,
    identity: VerifiedIdentity,
    known: Known,
) -> AccessEvent:
    """Return the access event of one request, before enrichment.

    Args:
        receipt: the server's own stamp: id, time, peer.
        request: the evaluation request, its context already free of tokens.
        identity: the verified subject.
        known: what is stored of subject, resource and device; the enforcement point's word does not replace a posture
            that the device itself has proven.
    """
    context = request.context
    device = device_of(context)
    amount = _integer(context.get("bytes"), _MAX_AMOUNT)
    told = facts_of(identity, context, receipt.received_ns)
    if known.device.posture is not None:
        told["posture"] = known.device.posture
    if known.watches:  # whoever speaks for somebody else does not say how that one types (confused deputy)
        told["behaviour"] = known.biometrics.facts if known.biometrics else None
    auth_age = receipt.received_ns / _NS - identity.auth_time if identity.auth_time is not None else None
    return AccessEvent(
        event_id=receipt.decision_id,
        tenant=identity.tenant,
        time_ns=receipt.received_ns,
        subject_id=identity.subject_id,
        subject_type=identity.subject_type,
        action=request.action.name,
        resource_type=request.resource.type,
        resource_id=request.resource.id,
        outcome=EventOutcome.UNKNOWN,
        sensitivity=known.resource.sensitivity,
        session_id=session_id_of(identity, context),
        client_id=identity.client_id or text_of(context.get("client_id")),
        issuer=identity.issuer or None,
        auth_method=identity.amr[0] if identity.amr else None,
        mfa=True if "mfa" in identity.amr else _flag(context.get("mfa")),
        auth_age_s=max(0.0, auth_age) if auth_age is not None else None,
        ip=ip_of(context.get("ip")) or receipt.peer_ip,
        device_id=text_of(device.get("id")),
        device_managed=_flag(device.get("managed")),
        user_agent=text_of(context.get("user_agent")),
        tz_offset_min=_integer(context.get("tz_offset_min"), _MAX_OFFSET_MIN),
        count=_amount(context.get("count")),
        bytes=amount if amount is not None and amount >= 0 else None,
        groups=known.subject.groups,
        labels=known.resource.labels,
        source="ostiary",
        **told,
    )


@lru_cache(maxsize=_ADDRESSES)
def network_prefix(ip: str | None) -> str:
    """Return the network of an address as far as it stays the same while a person moves little: /24, or /48 of IPv6."""
    if ip is None:
        return ""
    length = 24 if "." in ip else 48
    return str(ipaddress.ip_network(f"{ip}/{length}", strict=False))


def session_id_of(identity: VerifiedIdentity, context: dict[str, Any]) -> str | None:
    """Return the session id: the token's own before what the enforcement point says."""
    return identity.session_id or text_of(context.get("session_id"))


def sessions_of(identity: VerifiedIdentity, context: dict[str, Any]) -> tuple[str, ...]:
    """Return under which names the ledger knows the session; the first is the one that a decision may end.

    An id that no issuer vouches for is a claim: it names a session of this very subject and nobody else's, so that
    nobody ends another's session by naming it. The bare id counts too: one that was ended by token stays ended.
    """
    session_id = session_id_of(identity, context)
    if session_id is None or identity.session_id:
        return () if session_id is None else (session_id,)
    return own_session(identity, session_id), session_id


def own_session(identity: VerifiedIdentity, session_id: str) -> str:
    """Return the name of a session that is this subject's and nobody else's."""
    return f"{identity.subject_type}\n{identity.subject_id}\n{session_id}"
