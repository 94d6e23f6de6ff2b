"""A passkey in software, named as the fake it is: honest unless told to lie, so that each lie can be tested.

It plays browser and authenticator in one: given the options that a page would hand to ``navigator.credentials``, it
returns the JSON that the page would post. Real browsers are in ``tests/browser``.

>>> passkey = FakePasskey("https://id.example.org", "id.example.org")
>>> passkey.credential_id == FakePasskey("https://id.example.org", "id.example.org").credential_id
False
"""

import base64
from typing import Any, Final

import msgspec

from ostiary.keys import ES256, SigningKey, random_bytes, sha256

_PRESENT: Final = 0x01
_VERIFIED: Final = 0x04
_ATTESTED: Final = 0x40
_ID_BYTES: Final = 32
_HALF: Final = 32


def encoded(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Undo ``encoded``."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Lies(msgspec.Struct, frozen=True):
    """What an answer says that is not so; ``None`` says the truth.

    Attributes:
        count: the counter, instead of one more than last time.
        handle: the user handle, instead of the one it was enrolled with.
        members: changed members of the client data.
    """

    origin: str | None = None
    rp_id: str | None = None
    challenge: bytes | None = None
    type: str | None = None
    count: int | None = None
    handle: bytes | None = None
    verified: bool = True
    present: bool = True
    members: dict[str, Any] = {}


HONEST: Final = Lies()


class FakePasskey:
    """One credential of one authenticator."""

    def __init__(self, origin: str, rp_id: str, *, aaguid: bytes = bytes(16), counts: bool = True) -> None:
        """Make a fresh key pair; ``counts`` is whether it counts its uses."""
        self.origin = origin
        self.rp_id = rp_id
        self.count = 0
        self.user_handle = b""
        self._id = random_bytes(_ID_BYTES)
        self._key = SigningKey.generate("passkey", ES256)
        self._aaguid = aaguid
        self._counts = counts

    @property
    def credential_id(self) -> str:
        """Its id as JSON has it."""
        return encoded(self._id)

    def create(self, options: dict[str, Any], lies: Lies = HONEST, *, chain: tuple[bytes, ...] = ()) -> dict[str, Any]:
        """Answer ``navigator.credentials.create``: attested by itself, or by what ``chain`` (DER) is put in."""
        self.user_handle = decoded(options["user"]["id"])
        public = self._key.public.raw
        cose = _map({1: 2, 3: -7, -1: 1, -2: public[1 : 1 + _HALF], -3: public[1 + _HALF :]})
        attested = self._aaguid + len(self._id).to_bytes(2, "big") + self._id + cose
        data = self._authenticator_data(lies, flags=_ATTESTED) + attested
        client = self._client_data(options, lies, "webauthn.create")
        statement: dict[int | str, Any] = {"alg": -7, "sig": self._signature(data + sha256(client))}
        if chain:
            statement["x5c"] = list(chain)
        attestation = _map({"fmt": "packed", "attStmt": statement, "authData": data})
        response = {
            "clientDataJSON": encoded(client),
            "attestationObject": encoded(attestation),
            "transports": ["internal", "hybrid"],
        }
        return self._answer(response)

    def get(self, options: dict[str, Any], lies: Lies = HONEST) -> dict[str, Any]:
        """Answer ``navigator.credentials.get``."""
        data = self._authenticator_data(lies)
        client = self._client_data(options, lies, "webauthn.get")
        response = {
            "clientDataJSON": encoded(client),
            "authenticatorData": encoded(data),
            "signature": encoded(self._signature(data + sha256(client))),
            "userHandle": encoded(self.user_handle if lies.handle is None else lies.handle),
        }
        return self._answer(response)

    @property
    def public_point(self) -> bytes:
        """Its public key as an uncompressed point, for certificates that vouch for it."""
        return self._key.public.raw

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        name = self.credential_id
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}

    def _authenticator_data(self, lies: Lies, flags: int = 0) -> bytes:
        self.count += 1 if self._counts else 0
        count = self.count if lies.count is None else lies.count
        flags |= (_PRESENT if lies.present else 0) | (_VERIFIED if lies.verified else 0)
        return sha256((lies.rp_id or self.rp_id).encode()) + bytes([flags]) + count.to_bytes(4, "big")

    def _client_data(self, options: dict[str, Any], lies: Lies, kind: str) -> bytes:
        challenge = options["challenge"] if lies.challenge is None else encoded(lies.challenge)
        told = {"type": lies.type or kind, "challenge": challenge, "origin": lies.origin or self.origin}
        return msgspec.json.encode({**told, "crossOrigin": False, **lies.members})

    def _signature(self, data: bytes) -> bytes:
        raw = self._key.sign(data)
        numbers = _der_integer(raw[:_HALF]) + _der_integer(raw[_HALF:])
        return b"\x30" + bytes([len(numbers)]) + numbers


def _der_integer(number: bytes) -> bytes:
    trimmed = number.lstrip(b"\0") or b"\0"
    trimmed = b"\0" + trimmed if trimmed[0] & 0x80 else trimmed
    return b"\x02" + bytes([len(trimmed)]) + trimmed


def _head(major: int, number: int) -> bytes:
    """Return the head of a CBOR item (RFC 8949 §3)."""
    for most, code, size in ((23, number, 0), (0xFF, 24, 1), (0xFFFF, 25, 2)):
        if number <= most:
            return bytes([major << 5 | code]) + (number.to_bytes(size, "big") if size else b"")
    return bytes([major << 5 | 26]) + number.to_bytes(4, "big")


def _item(value: Any) -> bytes:
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(_item, value))
    return _map(value)


def _map(members: dict[int | str, Any]) -> bytes:
    return _head(5, len(members)) + b"".join(_item(key) + _item(value) for key, value in members.items())
