"""Messages of conversations, sealed: one AES-256-GCM key a conversation and epoch, each ciphertext bound to its place.

- A place is tenant, user, conversation, index, version and epoch. It is what the ciphertext is authenticated with, each
  part behind its length: no two places have the same bytes, and a ciphertext that was moved does not open.
- The key of a conversation is made of two secrets (HKDF, RFC 5869): the user's data key of the epoch, and the
  conversation's own share. Without either, it cannot be made again: one conversation is shredded by its share alone.
- Nonces are 96 random bits. A key seals at most ``MAX_SEALS`` messages, far below 2**32 (NIST SP 800-38D §8.3).
- What is sealed is padded (Padmé, at least 256 bytes): of its length an observer learns little.

>>> place = Place("default", "user:ann", "conv_1", 0, 1)
>>> key = ConversationKey(bytes(32), bytes(32), place)
>>> key.open(place, key.seal(place, b"hello"))
b'hello'
>>> [padded(length) for length in (1, 256, 257, 1000)]
[256, 256, 272, 1024]
"""

import struct
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import override

from ostiary.errors import VerificationError
from ostiary.keys.hashing import keyed_hash, random_bytes

VERSION: Final = 1
KEY_BYTES: Final = 32
MAX_SEALS: Final = 1 << 30
NONCE_BYTES: Final = 12
_DOMAIN: Final = b"ostiary/conversation"
_LEAST: Final = 256
_LENGTH: Final = struct.Struct(">I")


class Place(msgspec.Struct, frozen=True):
    """Where a ciphertext belongs.

    Attributes:
        tenant: whose it is.
        user: which user's, as the keyed hash under which storage knows it.
        conversation: the conversation's id.
        index: the message's position, or the generation of a head.
        epoch: of the user's data key.
        version: of this format.
        use: ``message`` or ``head``; neither opens as the other.
    """

    tenant: str
    user: str
    conversation: str
    index: int
    epoch: int
    version: int = VERSION
    use: str = "message"

    def bound(self) -> bytes:
        """Return the bytes that the ciphertext is authenticated with."""
        names = (self.use, self.tenant, self.user, self.conversation)
        return joined(_DOMAIN, *(name.encode() for name in names), _number(self.index, self.version, self.epoch))


class ConversationKey:
    """The key of one conversation in one epoch; ``forget`` overwrites it as far as Python lets us."""

    __slots__ = ("_cipher_key", "_owner")

    def __init__(self, data_key: bytes | bytearray, share: bytes, place: Place) -> None:
        """Make the key from both secrets; ``place`` says whose it is."""
        self._owner = _owner(place)
        told = joined(_DOMAIN, *(str(part).encode() for part in self._owner))
        # HKDF-SHA-256 of one block: extract with the share as salt, expand with whose key it is.
        self._cipher_key = bytearray(keyed_hash(keyed_hash(share, bytes(data_key)), told + b"\x01"))

    @override
    def __repr__(self) -> str:
        """Show nothing secret."""
        return "ConversationKey(…)"

    def seal(self, place: Place, plaintext: bytes) -> bytes:
        """Return version, nonce and ciphertext."""
        if not self._cipher_key:
            msg = "a forgotten key seals nothing"
            raise RuntimeError(msg)
        nonce = random_bytes(NONCE_BYTES)
        sealed = AESGCM(self._cipher_key).encrypt(nonce, _pad(plaintext), self._bound(place))
        return bytes((place.version,)) + nonce + sealed

    def open(self, place: Place, sealed: bytes) -> bytes:
        """Open what ``seal`` sealed for the same place.

        Raises:
            VerificationError: ``sealed_data_refused`` when it was altered or belongs elsewhere.
        """
        if sealed[:1] != bytes((VERSION,)) or place.version != VERSION:
            raise _refused()
        nonce, rest = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return _unpad(AESGCM(self._cipher_key).decrypt(nonce, rest, self._bound(place)))
        except (InvalidTag, ValueError):
            raise _refused() from None

    def forget(self) -> None:
        """Overwrite the key; it opens nothing any more."""
        wipe(self._cipher_key)
        self._cipher_key = bytearray()

    def _bound(self, place: Place) -> bytes:
        if _owner(place) != self._owner:
            raise _refused()
        return place.bound()


def joined(*parts: bytes) -> bytes:
    """Return unambiguous bytes: each part behind its length."""
    return b"".join(_LENGTH.pack(len(part)) + part for part in parts)


def padded(length: int) -> int:
    """Return the length to which so many bytes are padded (Padmé: 12 % more at most beyond the first bucket)."""
    if length <= _LEAST:
        return _LEAST
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def wipe(secret: bytearray) -> None:
    """Overwrite a secret with zeros; copies that Python or OpenSSL made are beyond our reach."""
    secret[:] = bytes(len(secret))


def _owner(place: Place) -> tuple[str, str, str, int]:
    return place.tenant, place.user, place.conversation, place.epoch


def _number(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}Q", *numbers)


def _pad(plaintext: bytes) -> bytes:
    length = _LENGTH.size + len(plaintext)
    return _LENGTH.pack(len(plaintext)) + plaintext + bytes(padded(length) - length)


def _unpad(opened: bytes) -> bytes:
    (length,) = _LENGTH.unpack_from(opened)
    return opened[_LENGTH.size : _LENGTH.size + length]


def _refused() -> VerificationError:
    text = "the message was altered, or belongs to another tenant, user, conversation or place"
    return VerificationError("sealed_data_refused", text)
