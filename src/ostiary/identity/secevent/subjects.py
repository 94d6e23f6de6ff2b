"""Whom an event is about: subject identifiers of RFC 9493 and SSF 1.0, each format a type.

Rules:

- a known format has exactly its members (RFC 9493 §3 forbids others), each a bounded string without hidden characters;
- ``aliases`` holds 1 to 16 simple identifiers and no further aliases (RFC 9493 §3.2.8);
- ``complex`` holds 1 to 16 members, each a simple identifier or aliases (SSF 1.0 §3.2);
- an unknown format is kept as it is, so that it can be recorded and written back; nobody acts on it.

>>> read_subject_id({"format": "iss_sub", "iss": "https://idp.example", "sub": "alice"})
IssSub(iss='https://idp.example', sub='alice')
>>> read_subject_id({"format": "email", "email": "a@b.example", "admin": True})
Traceback (most recent call last):
...
ostiary.errors.RefusedError: the subject is no proper `email` identifier
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity.secevent.reasons import SetRefusal
from ostiary.identity.strict import is_name
from ostiary.identity.types import freeze, thaw

MAX_TEXT: Final = 1024
MAX_PARTS: Final = 16
_MAX_FORMAT: Final = 64


class _Simple:
    """Base of the formats whose members are strings; fields and members have the same names."""

    __slots__ = ()
    format: ClassVar[str]

    def document(self) -> dict[str, Any]:
        """Return the identifier as JSON."""
        names = (part.name for part in fields(self))  # type: ignore[arg-type]
        return {"format": self.format, **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True, slots=True)
class Account(_Simple):
    """An ``acct:`` URI (RFC 9493 §3.2.1)."""

    format: ClassVar[str] = "account"
    uri: str


@dataclass(frozen=True, slots=True)
class Did(_Simple):
    """A decentralised identifier (RFC 9493 §3.2.6)."""

    format: ClassVar[str] = "did"
    url: str


@dataclass(frozen=True, slots=True)
class Email(_Simple):
    """An e-mail address (RFC 9493 §3.2.2)."""

    format: ClassVar[str] = "email"
    email: str


@dataclass(frozen=True, slots=True)
class IssSub(_Simple):
    """A subject as its issuer names it (RFC 9493 §3.2.3)."""

    format: ClassVar[str] = "iss_sub"
    iss: str
    sub: str


@dataclass(frozen=True, slots=True)
class JwtId(_Simple):
    """A token by issuer and id (SSF 1.0 §3.5.1)."""

    format: ClassVar[str] = "jwt_id"
    iss: str
    jti: str


@dataclass(frozen=True, slots=True)
class Opaque(_Simple):
    """A name that means something to transmitter and receiver only (RFC 9493 §3.2.4)."""

    format: ClassVar[str] = "opaque"
    id: str


@dataclass(frozen=True, slots=True)
class PhoneNumber(_Simple):
    """A telephone number (RFC 9493 §3.2.5)."""

    format: ClassVar[str] = "phone_number"
    phone_number: str


@dataclass(frozen=True, slots=True)
class SamlAssertionId(_Simple):
    """A SAML assertion by issuer and id (SSF 1.0 §3.5.2)."""

    format: ClassVar[str] = "saml_assertion_id"
    issuer: str
    assertion_id: str


@dataclass(frozen=True, slots=True)
class Uri(_Simple):
    """Any URI (RFC 9493 §3.2.7)."""

    format: ClassVar[str] = "uri"
    uri: str


@dataclass(frozen=True, slots=True)
class IpAddresses:
    """Addresses of a device (SSF 1.0 §3.5.3)."""

    format: ClassVar[str] = "ip-addresses"
    addresses: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return the identifier as JSON."""
        return {"format": self.format, "ip-addresses": list(self.addresses)}


@dataclass(frozen=True, slots=True)
class Aliases:
    """Several names of one subject (RFC 9493 §3.2.8)."""

    format: ClassVar[str] = "aliases"
    identifiers: "tuple[SubjectId, ...]"

    def document(self) -> dict[str, Any]:
        """Return the identifier as JSON."""
        return {"format": self.format, "identifiers": [one.document() for one in self.identifiers]}


@dataclass(frozen=True, slots=True)
class Complex:
    """A subject in parts: user, session, device, tenant, … (SSF 1.0 §3.2)."""

    format: ClassVar[str] = "complex"
    members: "Mapping[str, SubjectId]" = field(hash=False)

    def document(self) -> dict[str, Any]:
        """Return the identifier as JSON."""
        return {"format": self.format, **{name: one.document() for name, one in self.members.items()}}


@dataclass(frozen=True, slots=True)
class Unknown:
    """A format that is not known here; kept for the record."""

    format: str
    members: Mapping[str, Any] = field(hash=False)

    def document(self) -> dict[str, Any]:
        """Return the identifier as JSON."""
        members: dict[str, Any] = thaw(self.members)
        return {"format": self.format, **members}


Simple = Account | Did | Email | IssSub | JwtId | Opaque | PhoneNumber | SamlAssertionId | Uri
SubjectId = Simple | IpAddresses | Aliases | Complex | Unknown

_SIMPLE: Final[Mapping[str, type[Simple]]] = MappingProxyType(
    {kind.format: kind for kind in (Account, Did, Email, IssSub, JwtId, Opaque, PhoneNumber, SamlAssertionId, Uri)}
)
# What a value must look like beyond being a name; the published examples write telephone numbers with spaces.
_BEGINNINGS: Final = MappingProxyType({"account": ("uri", "acct:"), "did": ("url", "did:")})


def read_subject_id(value: object) -> SubjectId:
    """Return the typed identifier.

    Raises:
        RefusedError: ``set_subject_invalid``.
    """
    if not isinstance(value, dict) or not is_name(value.get("format"), _MAX_FORMAT):
        _refuse("the subject names no format")
    kind: str = value["format"]
    members = {name: one for name, one in value.items() if name != "format"}
    if kind in _SIMPLE:
        return _simple(kind, members)
    if kind == IpAddresses.format:
        return _addresses(members)
    if kind == Aliases.format:
        return _aliases(members)
    if kind == Complex.format:
        return _complex(members)
    if not members or len(members) > MAX_PARTS:
        _refuse("the subject of an unknown format has no members or too many")
    return Unknown(kind, freeze(members))


def _simple(kind: str, members: dict[str, Any]) -> Simple:
    made = _SIMPLE[kind]
    if members.keys() != {part.name for part in fields(made)} or not all(
        is_name(text, MAX_TEXT) for text in members.values()
    ):
        _refuse(f"the subject is no proper `{kind}` identifier")
    name, beginning = _BEGINNINGS.get(kind, ("", ""))
    if (name and not members[name].startswith(beginning)) or (kind == "email" and "@" not in members["email"]):
        _refuse(f"the subject is no proper `{kind}` identifier")
    return made(**members)


def _addresses(members: dict[str, Any]) -> IpAddresses:
    listed = members.get(IpAddresses.format)
    if len(members) != 1 or not isinstance(listed, list) or not 0 < len(listed) <= MAX_PARTS:
        _refuse("the subject is no proper `ip-addresses` identifier")
    if not all(is_name(text, _MAX_FORMAT) for text in listed):
        _refuse("the subject is no proper `ip-addresses` identifier")
    return IpAddresses(tuple(listed))


def _aliases(members: dict[str, Any]) -> Aliases:
    listed = members.get("identifiers")
    if len(members) != 1 or not isinstance(listed, list) or not 0 < len(listed) <= MAX_PARTS:
        _refuse("the subject is no proper `aliases` identifier")
    found = tuple(read_subject_id(one) for one in listed)
    if any(isinstance(one, Aliases | Complex) for one in found):
        _refuse("aliases must not hold aliases or complex subjects")
    return Aliases(found)


def _complex(members: dict[str, Any]) -> Complex:
    if not 0 < len(members) <= MAX_PARTS or not all(is_name(name, _MAX_FORMAT) for name in members):
        _refuse("the complex subject has no members or too many")
    found = {name: read_subject_id(one) for name, one in members.items()}
    if any(isinstance(one, Complex) for one in found.values()):
        _refuse("a complex subject must not hold another one")
    return Complex(MappingProxyType(found))


def _refuse(message: str) -> NoReturn:
    raise RefusedError(SetRefusal.SET_SUBJECT_INVALID, message)
