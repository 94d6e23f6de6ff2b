"""What an event token says, typed: read strictly, written back value for value.

Rules (RFC 8417 §2.2 as SSF 1.0 §4 profiles it):

- ``sub`` and ``exp`` must not be there: an access token can never pass for an event token, nor the other way round;
- exactly one event; its value is an object;
- ``iss``, ``jti``, ``iat``, ``aud`` and ``sub_id`` are required; ``txn`` says which decision was the cause;
- other claims are kept as they are.

>>> payload = read_payload({"iss": "https://idp.example", "jti": "1", "iat": 5, "aud": "us", "sub_id":
...     {"format": "email", "email": "a@b.example"}, "events": {"urn:x": {}}})
>>> payload.event.uri, payload.for_whom
('urn:x', ('us',))
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity.dates import as_date_ns
from ostiary.identity.secevent.reasons import SetRefusal
from ostiary.identity.secevent.settings import MAX_NAME
from ostiary.identity.secevent.subjects import SubjectId, read_subject_id
from ostiary.identity.secevent.types import fault_of, short_name
from ostiary.identity.strict import is_name
from ostiary.identity.types import freeze, thaw

MAX_AUDIENCES: Final = 16
_TYPED: Final = frozenset({"iss", "jti", "iat", "aud", "txn", "sub_id", "events"})
_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One event: its type and what it says."""

    uri: str
    claims: Mapping[str, Any] = field(default_factory=lambda: _NONE, hash=False)

    @property
    def name(self) -> str:
        """The short name, such as ``session-revoked``, or an empty string for a type that is not listed."""
        return short_name(self.uri)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPayload:
    """The claims of one event token."""

    iss: str
    jti: str
    iat: int | float
    aud: str | tuple[str, ...]
    sub_id: SubjectId
    event: SecurityEvent
    txn: str = ""
    more: Mapping[str, Any] = field(default_factory=lambda: _NONE, hash=False)

    @property
    def for_whom(self) -> tuple[str, ...]:
        """All audiences."""
        return (self.aud,) if isinstance(self.aud, str) else self.aud

    def claims(self) -> dict[str, Any]:
        """Return the claims as JSON."""
        more: dict[str, Any] = thaw(self.more)
        return {
            "iss": self.iss,
            "jti": self.jti,
            "iat": self.iat,
            "aud": self.aud if isinstance(self.aud, str) else list(self.aud),
            **({"txn": self.txn} if self.txn else {}),
            "sub_id": self.sub_id.document(),
            "events": {self.event.uri: thaw(self.event.claims)},
            **more,
        }


def read_payload(claims: Mapping[str, Any]) -> SetPayload:
    """Return the typed payload of claims that nobody has to believe yet.

    Raises:
        RefusedError: one ``set_…`` code for each way to be malformed.
    """
    _check_forbidden(claims)
    return SetPayload(
        iss=_issuer(claims),
        jti=_id(claims),
        iat=_issued_at(claims),
        aud=_audience(claims),
        sub_id=read_subject_id(claims.get("sub_id")),
        event=_event(claims),
        txn=_transaction(claims),
        more=freeze({name: value for name, value in claims.items() if name not in _TYPED}),
    )


def _check_forbidden(claims: Mapping[str, Any]) -> None:
    # SSF 1.0 §4.1.6 and §4.1.7
    if "sub" in claims:
        _refuse(SetRefusal.SET_SUBJECT_FORBIDDEN, "the event token has a `sub`: its subject belongs into `sub_id`")
    if "exp" in claims:
        _refuse(SetRefusal.SET_EXPIRY_FORBIDDEN, "the event token has an `exp`: an event does not expire")


def _issuer(claims: Mapping[str, Any]) -> str:
    if not is_name(claims.get("iss"), MAX_NAME):
        _refuse(SetRefusal.SET_ISSUER_MISSING, "the event token names no issuer")
    return str(claims["iss"])


def _id(claims: Mapping[str, Any]) -> str:
    if not is_name(claims.get("jti")):
        _refuse(SetRefusal.SET_ID_INVALID, "`jti` of the event token is missing or no proper name")
    return str(claims["jti"])


def _issued_at(claims: Mapping[str, Any]) -> int | float:
    date: int | float = claims.get("iat", -1)
    if as_date_ns(date) is None:
        _refuse(SetRefusal.SET_ISSUED_AT_INVALID, "`iat` of the event token is missing or no date")
    return date


def _audience(claims: Mapping[str, Any]) -> str | tuple[str, ...]:
    given = claims.get("aud")
    values = given if isinstance(given, list) else [given]
    if given is None or not values:
        _refuse(SetRefusal.SET_AUDIENCE_MISSING, "the event token has no audience")
    if len(values) > MAX_AUDIENCES or not all(is_name(value, MAX_NAME) for value in values):
        _refuse(SetRefusal.SET_CLAIM_INVALID, "`aud` of the event token has the wrong type or form")
    return tuple(map(str, values)) if isinstance(given, list) else str(given)


def _transaction(claims: Mapping[str, Any]) -> str:
    if "txn" in claims and not is_name(claims["txn"], MAX_NAME):
        _refuse(SetRefusal.SET_CLAIM_INVALID, "`txn` of the event token has the wrong type or form")
    return str(claims.get("txn", ""))


def _event(claims: Mapping[str, Any]) -> SecurityEvent:
    events = claims.get("events")
    if not isinstance(events, dict) or not events:
        _refuse(SetRefusal.SET_EVENTS_MISSING, "the event token holds no event")
    if len(events) > 1:
        _refuse(SetRefusal.SET_EVENTS_SEVERAL, "the event token holds more than one event")
    ((uri, said),) = events.items()
    if not is_name(uri, MAX_NAME) or not isinstance(said, dict):
        _refuse(SetRefusal.SET_EVENT_INVALID, "the event has no proper type or is no object")
    fault = fault_of(uri, said)
    if fault:
        _refuse(SetRefusal.SET_EVENT_INVALID, f"`{fault}` of the event is missing or has a value it must not have")
    return SecurityEvent(uri, freeze(said))


def _refuse(code: SetRefusal, message: str) -> NoReturn:
    raise RefusedError(code, message)
