"""Sealing that gives the same for the same: a pseudonym that only its key turns back (AES-SIV, RFC 5297).

- The same value under the same key and kind is the same pseudonym: that is its purpose, and all that it tells.
- Another user's key, another kind or a changed character opens nothing.

>>> key = pseudonym_key(b"s" * 32, "default", "ada")
>>> sealed = seal_same(key, "card", "4111111111111111")
>>> sealed == seal_same(key, "card", "4111111111111111"), open_same(key, "card", sealed)
(True, '4111111111111111')
>>> open_same(pseudonym_key(b"s" * 32, "default", "bob"), "card", sealed) is None
True
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from ostiary.keys.hashing import keyed_hash

_CONTEXT = b"ostiary/pseudonym/v1"


def pseudonym_key(secret: bytes, tenant: str, subject: str) -> bytes:
    """Return the key of one user, 64 bytes, from the secret of the tenant."""
    said = b"\0".join((_CONTEXT, tenant.encode(), subject.encode()))
    return keyed_hash(secret, said + b"\0mac") + keyed_hash(secret, said + b"\0enc")


def seal_same(key: bytes, kind: str, value: str) -> bytes:
    """Return the sealed value, 16 bytes longer than it."""
    return AESSIV(key).encrypt(value.encode("utf-8", "replace"), [_CONTEXT, kind.encode()])


def open_same(key: bytes, kind: str, sealed: bytes) -> str | None:
    """Return the value; ``None`` if it was not sealed so."""
    try:
        return AESSIV(key).decrypt(sealed, [_CONTEXT, kind.encode()]).decode()
    except (InvalidTag, ValueError):
        return None
