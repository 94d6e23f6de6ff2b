"""Reads the TPM's big-endian structures from outside bytes: never beyond the end, never more than a field may hold.

Rules:

- every length is checked against its own limit before it is believed, and against what is left;
- what is read must be read whole: bytes after the last field are refused;
- each fault has its own code, told by the set of ``Codes`` of the structure that is read.

>>> from ostiary.identity.attestation.reasons import QuoteRefusal
>>> reader = Reader(bytes.fromhex("0002abcd"), ATTEST)
>>> reader.sized(8).hex(), reader.end()
('abcd', None)
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity.attestation.reasons import QuoteRefusal

# TPM algorithm ids (TCG Algorithm Registry §6); only these are words here, so SHA-1 and HMAC are unknown ones
HASHES: Final = {0x000B: "sha256", 0x000C: "sha384", 0x000D: "sha512"}
RSA: Final = 0x0001
ECC: Final = 0x0023
NULL: Final = 0x0010
SCHEMES: Final = {0x0014: "rsassa", 0x0016: "rsapss", 0x0018: "ecdsa"}


@dataclass(frozen=True, slots=True)
class Codes:
    """How one structure names its faults; ``limit`` is the most bytes it may have."""

    what: str
    limit: int
    truncated: QuoteRefusal
    trailing: QuoteRefusal
    too_long: QuoteRefusal


ATTEST: Final = Codes(
    "statement",
    1024,
    QuoteRefusal.QUOTE_ATTEST_TRUNCATED,
    QuoteRefusal.QUOTE_ATTEST_TRAILING_BYTES,
    QuoteRefusal.QUOTE_ATTEST_TOO_LONG,
)
KEY: Final = Codes(
    "attestation key",
    1024,
    QuoteRefusal.QUOTE_KEY_TRUNCATED,
    QuoteRefusal.QUOTE_KEY_TRAILING_BYTES,
    QuoteRefusal.QUOTE_KEY_TOO_LONG,
)
SIGNATURE: Final = Codes(
    "signature",
    1024,
    QuoteRefusal.QUOTE_SIGNATURE_TRUNCATED,
    QuoteRefusal.QUOTE_SIGNATURE_TRAILING_BYTES,
    QuoteRefusal.QUOTE_SIGNATURE_TOO_LONG,
)


def refuse(code: StrEnum, message: str) -> NoReturn:
    """Refuse with one code."""
    raise RefusedError(code, message)


class Reader:
    """A cursor over bytes."""

    __slots__ = ("_at", "_codes", "_data")

    def __init__(self, data: bytes, codes: Codes) -> None:
        """Begin at the first byte.

        Raises:
            RefusedError: the structure is longer than any of its kind.
        """
        if len(data) > codes.limit:
            refuse(codes.too_long, f"the {codes.what} has {len(data)} bytes, {codes.limit} are allowed")
        self._data = data
        self._codes = codes
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        begin, self._at = self._at, self._at + count
        if self._at > len(self._data):
            refuse(self._codes.truncated, f"the {self._codes.what} ends in the middle of a field")
        return self._data[begin : self._at]

    def number(self, size: int) -> int:
        """Return the next unsigned number of ``size`` bytes."""
        return int.from_bytes(self.take(size), "big")

    def sized(self, limit: int) -> bytes:
        """Return the next TPM2B buffer: two bytes of length, then so many bytes, at most ``limit``."""
        length = self.number(2)
        if length > limit:
            text = f"a field of the {self._codes.what} has {length} bytes, {limit} are allowed"
            refuse(self._codes.too_long, text)
        return self.take(length)

    def end(self) -> None:
        """Refuse bytes that are left."""
        if self._at != len(self._data):
            refuse(self._codes.trailing, f"the {self._codes.what} has bytes after its end")
