r"""The one parser of what a browser hands back: JSON objects of WebAuthn Level 3 §5.1.8, strictly read.

1. Only known members decide; each has a type and a length, and binary ones are base64url without padding or blanks.
2. ``clientDataJSON`` is parsed here too, as strictly as tokens are; its bytes are what the signature covers.
3. Whatever is wrong, the code is ``webauthn_answer_malformed``: nobody honest ever sees it.

>>> read_bytes({"id": "AQID"}, "id", 16)
b'\x01\x02\x03'
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.identity.strict import NotStrictError, b64url_decode, b64url_encode, parse_object
from ostiary.identity.webauthn.codes import WORDS, StepUpRefusal

MAX_CREDENTIAL_ID: Final = 1023
"""WebAuthn Level 3 §4: a credential id has at most 1023 bytes."""
MAX_CLIENT_DATA: Final = 4096
MAX_AUTHENTICATOR_DATA: Final = 4096
MAX_SIGNATURE: Final = 1024
MAX_ATTESTATION: Final = 32_768
MAX_USER_HANDLE: Final = 64
_TRANSPORTS: Final = ("usb", "nfc", "ble", "smart-card", "hybrid", "internal")


class ClientData(msgspec.Struct, frozen=True):
    """What the browser says of the ceremony (WebAuthn Level 3 §5.8.1); members it adds later are ignored."""

    type: str
    challenge: str
    origin: str
    cross_origin: bool = msgspec.field(default=False, name="crossOrigin")
    top_origin: str = msgspec.field(default="", name="topOrigin")


class Assertion(msgspec.Struct, frozen=True):
    """An answer by a kept passkey."""

    credential_id: str
    client: ClientData
    client_data: bytes
    authenticator_data: bytes
    signature: bytes
    user_handle: bytes

    @property
    def raw_id(self) -> bytes:
        """The credential id as bytes."""
        return read_bytes({"id": self.credential_id}, "id", MAX_CREDENTIAL_ID)

    @property
    def challenge(self) -> bytes:
        """The challenge that was signed."""
        return read_bytes({"challenge": self.client.challenge}, "challenge", MAX_CLIENT_DATA)


class Attestation(msgspec.Struct, frozen=True):
    """An answer by a new passkey."""

    credential_id: str
    client: ClientData
    client_data: bytes
    attestation_object: bytes
    transports: tuple[str, ...]

    @property
    def raw_id(self) -> bytes:
        """The credential id as bytes."""
        return read_bytes({"id": self.credential_id}, "id", MAX_CREDENTIAL_ID)

    @property
    def challenge(self) -> bytes:
        """The challenge that was signed."""
        return read_bytes({"challenge": self.client.challenge}, "challenge", MAX_CLIENT_DATA)


def malformed(what: str) -> FaultyInputError:
    """Return the error of this parser; ``what`` names the member."""
    code = StepUpRefusal.WEBAUTHN_ANSWER_MALFORMED
    return FaultyInputError(code.value, f"{WORDS[code]}: `{what}`")


def read_bytes(told: Mapping[str, Any], name: str, most: int, *, least: int = 1) -> bytes:
    """Return the bytes of a base64url member.

    Raises:
        FaultyInputError: ``webauthn_answer_malformed``.
    """
    text = told.get(name)
    if not isinstance(text, str) or len(text) > most * 4 // 3 + 3 or not text.isascii():
        raise malformed(name)
    data = b64url_decode(text.encode())  # one spelling for one value
    if data is None or not least <= len(data) <= most:
        raise malformed(name)
    return data


def write_bytes(data: bytes) -> str:
    """Return ``data`` as base64url without padding."""
    return b64url_encode(data).decode()


def _object(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = told.get(name)
    if not isinstance(value, Mapping):
        raise malformed(name)
    return value


def _credential_id(told: Mapping[str, Any]) -> str:
    if told.get("type") != "public-key":
        raise malformed("type")
    credential_id = read_bytes(told, "id", MAX_CREDENTIAL_ID)
    if read_bytes(told, "rawId", MAX_CREDENTIAL_ID) != credential_id:
        raise malformed("rawId")
    return write_bytes(credential_id)


def _client(data: bytes) -> ClientData:
    try:
        return msgspec.convert(parse_object(data), ClientData)
    except (NotStrictError, msgspec.ValidationError):
        raise malformed("clientDataJSON") from None


def read_assertion(told: Mapping[str, Any]) -> Assertion:
    """Read the answer of ``navigator.credentials.get``.

    Raises:
        FaultyInputError: ``webauthn_answer_malformed``.
    """
    response = _object(told, "response")
    client_data = read_bytes(response, "clientDataJSON", MAX_CLIENT_DATA)
    handle = response.get("userHandle")
    return Assertion(
        credential_id=_credential_id(told),
        client=_client(client_data),
        client_data=client_data,
        authenticator_data=read_bytes(response, "authenticatorData", MAX_AUTHENTICATOR_DATA, least=37),
        signature=read_bytes(response, "signature", MAX_SIGNATURE),
        user_handle=b"" if handle is None else read_bytes(response, "userHandle", MAX_USER_HANDLE, least=0),
    )


def read_attestation(told: Mapping[str, Any]) -> Attestation:
    """Read the answer of ``navigator.credentials.create``.

    Raises:
        FaultyInputError: ``webauthn_answer_malformed``.
    """
    response = _object(told, "response")
    client_data = read_bytes(response, "clientDataJSON", MAX_CLIENT_DATA)
    ways = response.get("transports", [])
    if not isinstance(ways, list):
        raise malformed("transports")
    return Attestation(
        credential_id=_credential_id(told),
        client=_client(client_data),
        client_data=client_data,
        attestation_object=read_bytes(response, "attestationObject", MAX_ATTESTATION),
        transports=tuple(way for way in _TRANSPORTS if way in ways),
    )
