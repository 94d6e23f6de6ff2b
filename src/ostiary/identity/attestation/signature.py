r"""Reads a TPMT_SIGNATURE (TPM 2.0 Part 2 §11.3.4): scheme, hash and one part for RSA or two for ECDSA.

Only what a key may be enrolled with is read; whether it fits the enrolled key is ``verify``'s question.

>>> read_signature(bytes.fromhex("0018000b" "000101" "000102")).parts
(b'\x01', b'\x02')
"""

from dataclasses import dataclass
from typing import Final

from ostiary.identity.attestation.reasons import QuoteRefusal
from ostiary.identity.attestation.wire import HASHES, SCHEMES, SIGNATURE, Reader, refuse

_RSA_BYTES: Final = 512
_COORDINATE: Final = 66


@dataclass(frozen=True, slots=True)
class TpmSignature:
    """A signature in parts; nothing of it is verified."""

    scheme: str
    hash: str
    parts: tuple[bytes, ...]


def read_signature(data: bytes) -> TpmSignature:
    """Take a signature apart.

    Raises:
        RefusedError: ``quote_signature_…``.
    """
    reader = Reader(data, SIGNATURE)
    scheme = SCHEMES.get(reader.number(2))
    if scheme is None:
        refuse(QuoteRefusal.QUOTE_SIGNATURE_SCHEME_WRONG, "the signature is of a scheme that is not used here")
    made = HASHES.get(reader.number(2))
    if made is None:
        refuse(QuoteRefusal.QUOTE_SIGNATURE_HASH_WRONG, "the signature is over a hash that is not used here")
    parts = _parts(reader, scheme)
    reader.end()
    return TpmSignature(scheme, made, parts)


def _parts(reader: Reader, scheme: str) -> tuple[bytes, ...]:
    if scheme == "ecdsa":
        return reader.sized(_COORDINATE), reader.sized(_COORDINATE)
    return (reader.sized(_RSA_BYTES),)
