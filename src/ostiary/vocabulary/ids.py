"""Identifiers: time-ordered, URL-safe, with a prefix that says what they name.

Ids are stamped once, at receipt, by the server (HOUSE.md §1 law 7): this module only formats what it is given.

>>> make_id("dec", 1_700_000_000_000_000_000, bytes(10))
'dec_01HF7YAT000000000000000000'
"""

import re
from typing import Final

from ostiary.errors import FaultyInputError

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(high + low for high in _CROCKFORD for low in _CROCKFORD)
_SHIFTS: Final = tuple(range(120, -1, -10))
_TENANT: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
RANDOM_BYTES: Final = 10


def make_id(prefix: str, time_ns: int, random: bytes) -> str:
    """Format a ULID (48-bit milliseconds, 80 random bits) behind ``prefix_``.

    Raises:
        ValueError: ``random`` is not 10 bytes.
    """
    if len(random) != RANDOM_BYTES:
        msg = f"a ULID needs {RANDOM_BYTES} random bytes"
        raise ValueError(msg)
    number = ((time_ns // 1_000_000) << 80) | int.from_bytes(random, "big")
    return prefix + "_" + "".join([_PAIRS[(number >> shift) & 1023] for shift in _SHIFTS])


def check_tenant(text: str) -> str:
    """Return ``text`` when it is a valid tenant id (a DNS label), else raise.

    Raises:
        FaultyInputError: ``tenant_invalid``.
    """
    if not _TENANT.match(text):
        code = "tenant_invalid"
        raise FaultyInputError(code, f"`{text[:80]}` is no tenant id: use 1 to 63 of a-z, 0-9 and inner hyphens")
    return text
