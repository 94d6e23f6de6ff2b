"""ClientHello messages made by hand, for tests of who reads them: good ones, and every kind of bad one.

>>> client_hello("registry.example")[:3].hex()
'160301'
"""

import struct
from collections.abc import Sequence
from typing import Final

ECH: Final = 0xFE0D
_RECORD: Final = 16_384


def extension(kind: int, body: bytes) -> bytes:
    """Return one extension."""
    return struct.pack(">HH", kind, len(body)) + body


def server_name(*names: str) -> bytes:
    """Return the extension that names servers; RFC 6066 allows one."""
    entries = b"".join(b"\0" + struct.pack(">H", len(name)) + name.encode("latin-1") for name in names)
    return extension(0, struct.pack(">H", len(entries)) + entries)


def hello_message(extensions: Sequence[bytes]) -> bytes:
    """Return a ClientHello handshake message with these extensions."""
    told = b"".join(extensions)
    body = b"\x03\x03" + bytes(32) + b"\x20" + bytes(32) + b"\x00\x02\x13\x01" + b"\x01\x00"
    body += struct.pack(">H", len(told)) + told
    return b"\x01" + len(body).to_bytes(3, "big") + body


def records(message: bytes, size: int = _RECORD) -> bytes:
    """Return a handshake message in records of at most ``size`` bytes."""
    parts = [message[place : place + size] for place in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + struct.pack(">H", len(part)) + part for part in parts)


def client_hello(name: str, *, more: Sequence[bytes] = (), size: int = _RECORD) -> bytes:
    """Return the records of a hello for ``name``."""
    return records(hello_message([server_name(name), *more]), size)


def retry_request() -> bytes:
    """Return a HelloRetryRequest (RFC 8446 §4.1.4) in its record."""
    special = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    body = b"\x03\x03" + special + b"\x20" + bytes(32) + b"\x13\x01\x00" + struct.pack(">H", 0)
    return b"\x16\x03\x03" + struct.pack(">H", len(body) + 4) + b"\x02" + len(body).to_bytes(3, "big") + body


def server_hello() -> bytes:
    """Return a plain ServerHello in its record."""
    body = b"\x03\x03" + b"\x07" * 32 + b"\x20" + bytes(32) + b"\x13\x01\x00" + struct.pack(">H", 0)
    return b"\x16\x03\x03" + struct.pack(">H", len(body) + 4) + b"\x02" + len(body).to_bytes(3, "big") + body
