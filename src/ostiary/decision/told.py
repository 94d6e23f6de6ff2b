"""The fact groups of a request: what its context tells of place, posture, data and more, and what its token is.

Rules:
- The enforcement point is authenticated, so its context is believed where a member has the right type; a member of the
  wrong type, a number out of bounds and a text that is empty count as not told, and unknown members are left alone.
- What the identity room has verified wins: of a token that it saw nothing is read from the context but how many of its
  scopes this request uses.
- The directory's facts of the account are not the caller's to tell, but for the ticket that covers this very access.
"""

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Final, TypeVar

import msgspec

from ostiary.identity.types import VerifiedIdentity
from ostiary.vocabulary.facts import (
    AccountFacts,
    BehaviourFacts,
    DataFacts,
    LanguageFacts,
    NetworkKind,
    PlaceFacts,
    PostureFacts,
    TokenFacts,
    WorkloadFacts,
)

_NS: Final = 1_000_000_000
_MAX_TEXT: Final = 512
_MAX: Final = 2**53
_KINDS: Final = frozenset(NetworkKind)
Group = TypeVar("Group", bound=msgspec.Struct)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -_MAX <= value <= _MAX else None


def _text(value: object) -> str | None:
    return value[:_MAX_TEXT] if isinstance(value, str) and value else None


def _kind(value: object) -> NetworkKind | None:
    return NetworkKind(value) if isinstance(value, str) and value in _KINDS else None


_READERS: Final[dict[Any, Callable[[object], Any]]] = {
    bool: _flag,
    int: _whole,
    float: _number,
    str: _text,
    NetworkKind: _kind,
}
_GROUPS: Final = (PlaceFacts, PostureFacts, DataFacts, WorkloadFacts, LanguageFacts, BehaviourFacts, TokenFacts)
_MEMBERS: Final[dict[type, tuple[tuple[str, Callable[[object], Any]], ...]]] = {
    group: tuple(
        (field.name, _READERS[next(kind for kind in field.type.__args__ if kind is not NoneType)])
        for field in msgspec.structs.fields(group)
    )
    for group in _GROUPS
}


def group_of(context: Mapping[str, Any], name: str, group: type[Group]) -> Group | None:
    """Return the group that the context tells under ``name``, or ``None`` when it tells nothing of it."""
    told = context.get(name)
    if not isinstance(told, dict):
        return None
    members = {
        member: value
        for member, read in _MEMBERS[group]
        if member in told and (value := read(told[member])) is not None
    }
    return group(**members) if members else None


def token_of(identity: VerifiedIdentity, context: Mapping[str, Any], now_ns: int) -> TokenFacts | None:
    """Return the facts of the token at ``now_ns``: the identity's own, or what a trusted caller asserts."""
    told, traits = group_of(context, "token", TokenFacts), identity.token
    if traits is None:
        return told
    issued, expires = traits.issued_ns, traits.expires_ns
    return TokenFacts(
        age_s=None if issued is None else max(0.0, (now_ns - issued) / _NS),
        lifetime_s=None if issued is None or expires is None else (expires - issued) / _NS,
        bound=identity.proof != "none",
        token_id=traits.token_id,
        audience=traits.audience or None,
        algorithm=traits.algorithm or None,
        key_id=traits.key_id or None,
        claims=traits.shape or None,
        scopes_granted=len(identity.scopes),
        scopes_used=None if told is None else told.scopes_used,
        delegation_depth=traits.delegation_depth,
        clock_skew_s=None if issued is None else max(0.0, (issued - now_ns) / _NS),
    )


def account_of(context: Mapping[str, Any]) -> AccountFacts | None:
    """Return what the caller may tell of the account: whether an approved ticket covers this access."""
    ticket = _flag(context.get("ticket"))
    return None if ticket is None else AccountFacts(ticket=ticket)


def facts_of(identity: VerifiedIdentity, context: Mapping[str, Any], now_ns: int) -> dict[str, Any]:
    """Return every fact group of one request, by its field in an access event."""
    return {
        "token": token_of(identity, context, now_ns),
        "place": group_of(context, "place", PlaceFacts),
        "posture": group_of(context, "posture", PostureFacts),
        "account": account_of(context),
        "data": group_of(context, "data", DataFacts),
        "workload": group_of(context, "workload", WorkloadFacts),
        "language": group_of(context, "language", LanguageFacts),
        "behaviour": group_of(context, "behaviour", BehaviourFacts),
    }
