"""Hashes, random bytes and checks of secrets, so that no other room reaches for a primitive.

- Secrets of enforcement points are long random tokens: SHA-256 is the right hash for them, a slow one only costs.
- Comparisons of secrets take constant time.

>>> token = new_secret()
>>> verify_secret(token, hash_secret(token)), verify_secret("guess", hash_secret(token))
(True, False)
"""

import hashlib
import hmac
import os
import secrets
from typing import Final

SECRET_BYTES: Final = 32
HASH_BYTES: Final = 32


def random_bytes(count: int) -> bytes:
    """Return ``count`` bytes from the operating system's generator."""
    return os.urandom(count)


def sha256(data: bytes) -> bytes:
    """Return the 32-byte SHA-256 of ``data``."""
    return hashlib.sha256(data).digest()


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def keyed_hash(key: bytes, data: bytes) -> bytes:
    """Return the 32-byte HMAC-SHA-256 of ``data`` under ``key``."""
    return hmac.digest(key, data, "sha256")


def equal(one: bytes, other: bytes) -> bool:
    """Compare two byte strings in time that does not depend on where they differ."""
    return hmac.compare_digest(one, other)


def new_secret() -> str:
    """Return a fresh random token of 256 bits, URL-safe."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_secret(secret: str) -> str:
    """Return the hash under which a high-entropy secret is kept: 64 hex digits."""
    return sha256_hex(b"ostiary/secret/v1\0" + secret.encode())


def verify_secret(secret: str, kept: str) -> bool:
    """Return whether ``secret`` is the one behind the kept hash, in constant time."""
    return hmac.compare_digest(hash_secret(secret).encode(), kept.encode())
