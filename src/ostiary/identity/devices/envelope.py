"""The signed messages of devices and producers: one way to read them, and one way to write them.

What must be true of a message, in the order in which it is checked:

1. it is a compact JWS within limits, of the one type that this endpoint takes, by ES256 or EdDSA;
2. the signature is the key's: an enrolled device's, a registered producer's, or (to enrol) the key that it brings;
3. it is for us (``aud`` is exactly our public address) and was made just now (``iat``), by a clock that is not far off;
4. it has an id (``jti``).

A message of one type is never taken for another: a report is no enrolment, and an access token is neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity.algorithms import KeyRefusedError, PublicKey, import_public
from ostiary.identity.compact import CompactJws, parse_compact
from ostiary.identity.dates import SECOND_NS, as_date_ns
from ostiary.identity.devices.reasons import ENVELOPE, DeviceRefusal
from ostiary.identity.devices.settings import DeviceRules
from ostiary.identity.ports import JwsSigner
from ostiary.identity.signing import sign_jwt
from ostiary.identity.strict import b64url_decode, b64url_encode, is_name

MAX_LENGTH: Final = 32_768
ENROL_TYPE: Final = "ostiary-enrol+jwt"
POSTURE_TYPE: Final = "ostiary-posture+jwt"
ATTEST_TYPE: Final = "ostiary-attest+jwt"
ALGORITHMS: Final = frozenset({"ES256", "EdDSA"})
_KEY_MEMBERS: Final = ("kty", "crv", "x", "y")


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is well-formed; ``issuer`` and ``tenant`` are claims until ``prove`` has passed."""

    jws: CompactJws
    issuer: str
    tenant: str

    @property
    def claims(self) -> dict[str, Any]:
        """The claims."""
        return self.jws.payload


def open_message(text: str, kind: str) -> Message:
    """Read a message of one type, without believing it.

    Raises:
        RefusedError: ``device_…``.
    """
    jws = parse_compact(text, MAX_LENGTH, ENVELOPE)
    if jws.header.get("typ") != kind:
        refuse(DeviceRefusal.DEVICE_TYPE_WRONG, f"the message is not of type `{kind}`")
    if jws.header["alg"] not in ALGORITHMS:
        refuse(DeviceRefusal.DEVICE_ALGORITHM_NOT_ALLOWED, "the message is not signed by ES256 or EdDSA")
    return Message(jws, _text(jws.payload, "iss"), _text(jws.payload, "tenant"))


def prove(message: Message, key: PublicKey | None) -> None:
    """Check the signature; without a key it fails just as with the wrong one.

    Raises:
        RefusedError: ``device_unauthenticated``.
    """
    jws = message.jws
    if key is None or not key.verify(jws.header["alg"], jws.signed, jws.signature):
        refuse(DeviceRefusal.DEVICE_UNAUTHENTICATED, "the message is not signed by a device or producer known here")


def check_moment(message: Message, audience: str, rules: DeviceRules, now_ns: int) -> int:
    """Check for whom and when the message was made; return that moment.

    Raises:
        RefusedError: ``device_audience_wrong``, ``device_claim_invalid``, ``device_from_future``, ``device_too_old``.
    """
    if message.claims.get("aud") != audience:
        refuse(DeviceRefusal.DEVICE_AUDIENCE_WRONG, "the message is for another server")
    issued = as_date_ns(message.claims.get("iat"))
    if issued is None:
        refuse(DeviceRefusal.DEVICE_CLAIM_INVALID, "`iat` of the message is no date")
    skew = rules.clock_skew_s * SECOND_NS
    if issued - skew > now_ns:
        refuse(DeviceRefusal.DEVICE_FROM_FUTURE, "the message was made in the future: the device's clock is ahead")
    if issued + rules.message_age_s * SECOND_NS + skew <= now_ns:
        refuse(DeviceRefusal.DEVICE_TOO_OLD, f"the message is older than {rules.message_age_s} s")
    return issued


def id_of(message: Message) -> str:
    """Return the message's own id.

    Raises:
        RefusedError: ``device_claim_invalid``.
    """
    jti = message.claims.get("jti")
    if not is_name(jti, 64):
        refuse(DeviceRefusal.DEVICE_CLAIM_INVALID, "the message has no proper `jti`")
    return str(jti)


def own_key(message: Message) -> tuple[dict[str, str], PublicKey]:
    """Return the key that an enrolment brings in its header, as public members alone and ready to verify.

    Raises:
        RefusedError: ``device_key_invalid``.
    """
    return read_jwk(message.jws.header.get("jwk"))


def read_jwk(jwk: object) -> tuple[dict[str, str], PublicKey]:
    """Read a device's public key; only P-256 and Ed25519.

    Raises:
        RefusedError: ``device_key_invalid``.
    """
    if not isinstance(jwk, dict):
        refuse(DeviceRefusal.DEVICE_KEY_INVALID, "the message brings no key")
    try:
        key = import_public(jwk)
    except KeyRefusedError as error:
        refuse(DeviceRefusal.DEVICE_KEY_INVALID, f"the key is unacceptable: {error}")
    if (key.kty, key.crv) not in {("EC", "P-256"), ("OKP", "Ed25519")}:
        refuse(DeviceRefusal.DEVICE_KEY_INVALID, "a device's key is P-256 or Ed25519")
    return {name: jwk[name] for name in _KEY_MEMBERS if name in jwk}, key


def read_bytes(value: object, what: str) -> bytes:
    """Return the bytes of a base64url claim.

    Raises:
        RefusedError: ``device_quote_invalid``.
    """
    raw = b64url_decode(value.encode()) if isinstance(value, str) and value.isascii() else None
    if not raw:
        refuse(DeviceRefusal.DEVICE_QUOTE_INVALID, f"`{what}` is not canonical base64url")
    return raw


def write_message(kind: str, claims: Mapping[str, Any], key: JwsSigner, jwk: Mapping[str, Any] | None = None) -> str:
    """Sign a message, as a device or producer does."""
    return sign_jwt(claims, key, {"typ": kind, **({"jwk": dict(jwk)} if jwk else {})})


def write_bytes(data: bytes) -> str:
    """Return bytes as a claim."""
    return b64url_encode(data).decode()


def refuse(code: DeviceRefusal, message: str) -> NoReturn:
    """Refuse with one code."""
    raise RefusedError(code, message)


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if value != "" and not is_name(value, 128):
        refuse(DeviceRefusal.DEVICE_CLAIM_INVALID, f"`{name}` of the message is no name")
    return str(value)
