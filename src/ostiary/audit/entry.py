"""The log entry: what is public and for ever about one record.

- It holds no personal data: the payload is only committed to, with a random salt (``commit``), and the tenant appears
  as a salted pseudonym. Salt and payload are sealed elsewhere and can be erased; the proofs stay valid.
- ``ts`` is when the thing happened (stamped at receipt), ``at`` when the writer took it; ``at`` never goes back.
- The encoding is canonical: fixed member order, no spaces. The bytes are hashed as they stand, never re-encoded.

>>> LogEntry(1, "decision", "dec_1", 5, 6, "ab", "cd").encode()
b'{"v":1,"kind":"decision","id":"dec_1","ts":5,"at":6,"tenant":"ab","commit":"cd"}'
"""

import re
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.keys import sha256

VERSION: Final = 1
SALT_BYTES: Final = 32
PAYLOAD_LIMIT: Final = 1 << 20
_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_ID_LIMIT: Final = 200
_PSEUDONYM_BYTES: Final = 16
_encode: Final = msgspec.json.Encoder().encode


class LogEntry(msgspec.Struct, frozen=True):
    """One entry of the log; the member order is the wire order."""

    v: int
    kind: str
    id: str
    ts: int
    at: int
    tenant: str
    commit: str

    def encode(self) -> bytes:
        """Return the bytes that are hashed into the tree."""
        return _encode(self)


def commitment(opening: bytes) -> str:
    """Return what the entry says of a payload: SHA-256 over the opening, which is 32 bytes of salt and the payload."""
    return sha256(opening).hex()


def pseudonym(salt: bytes, tenant: str) -> str:
    """Return the name under which a tenant appears in entries: nobody without the salt can tell whose it is."""
    return sha256(salt + tenant.encode())[:_PSEUDONYM_BYTES].hex()


def record_aad(tenant: str, kind: str, record_id: str) -> bytes:
    """Return what a sealed payload is bound to, so that it cannot be moved to another record."""
    return f"record/v1\0{tenant}\0{kind}\0{record_id}".encode()


def check_record(kind: str, record_id: str, payload: bytes) -> None:
    """Refuse what cannot be recorded.

    Raises:
        FaultyInputError: ``record_invalid``.
    """
    if not _KIND.match(kind):
        raise FaultyInputError("record_invalid", f"`{kind[:50]}` is no record kind")
    if not 0 < len(record_id) <= _ID_LIMIT or "\0" in record_id:
        raise FaultyInputError("record_invalid", f"a record id has 1 to {_ID_LIMIT} characters")
    if len(payload) > PAYLOAD_LIMIT:
        raise FaultyInputError("record_invalid", f"a record of {len(payload)} bytes is too large")
