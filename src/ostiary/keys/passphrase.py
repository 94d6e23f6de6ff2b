"""Bytes sealed under a passphrase: scrypt (RFC 7914) makes the key, AES-256-GCM seals. For keys that leave the machine.

- The work factor stands in front of the sealed bytes and is bounded: a hostile file cannot ask for all memory.
- Whoever holds the file may try passphrases for ever: a short one is refused.

>>> sealed = seal_with_passphrase(b"keys", "correct horse battery", b"what it is", work=14)
>>> open_with_passphrase(sealed, "correct horse battery", b"what it is")
b'keys'
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys.hashing import random_bytes

WORK: Final = 17
MIN_CHARACTERS: Final = 12
_MAGIC: Final = b"ostiary/passphrase/v1\n"
_LEAST_WORK: Final = 14
_MOST_WORK: Final = 20
_SALT: Final = 16
_NONCE: Final = 12
_KEY: Final = 32


def seal_with_passphrase(plaintext: bytes, passphrase: str, aad: bytes, *, work: int = WORK) -> bytes:
    """Return ``plaintext`` sealed and bound to ``aad``.

    Args:
        plaintext: what is sealed.
        passphrase: at least ``MIN_CHARACTERS`` characters.
        aad: what the sealed bytes belong to; they do not open for anything else.
        work: binary logarithm of scrypt's cost; 17 takes 128 MiB and half a second.

    Raises:
        FaultyInputError: ``passphrase_weak``.
    """
    if len(passphrase) < MIN_CHARACTERS:
        raise FaultyInputError("passphrase_weak", f"a passphrase needs {MIN_CHARACTERS} characters or more")
    salt, nonce = random_bytes(_SALT), random_bytes(_NONCE)
    head = _MAGIC + bytes((work,)) + salt + nonce
    return head + AESGCM(_key(passphrase, salt, work)).encrypt(nonce, plaintext, head + aad)


def open_with_passphrase(sealed: bytes, passphrase: str, aad: bytes) -> bytes:
    """Return what ``seal_with_passphrase`` sealed for the same ``aad``.

    Raises:
        FaultyInputError: ``sealed_malformed``.
        VerificationError: ``passphrase_refused``: another passphrase, or the bytes were altered.
    """
    start = len(_MAGIC) + 1
    head, rest = sealed[: start + _SALT + _NONCE], sealed[start + _SALT + _NONCE :]
    if not sealed.startswith(_MAGIC) or len(head) < start + _SALT + _NONCE:
        raise FaultyInputError("sealed_malformed", "these bytes were not sealed under a passphrase")
    work = head[start - 1]
    if not _LEAST_WORK <= work <= _MOST_WORK:
        raise FaultyInputError("sealed_malformed", f"a work factor of {work} is not accepted")
    key = _key(passphrase, head[start : start + _SALT], work)
    try:
        return AESGCM(key).decrypt(head[start + _SALT :], rest, head + aad)
    except (InvalidTag, ValueError):
        text = "the passphrase is another one, or the sealed keys were altered"
        raise VerificationError("passphrase_refused", text) from None


def _key(passphrase: str, salt: bytes, work: int) -> bytes:
    return Scrypt(salt=salt, length=_KEY, n=1 << work, r=8, p=1).derive(passphrase.encode())
