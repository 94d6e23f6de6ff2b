"""Reads an attestation key as the TPM shows it (TPM2B_PUBLIC, TPM 2.0 Part 2 §12.2) and says whether it may be one.

What must be true of a key that quotes:

1. it signs, and only what the TPM itself made (``sign``, ``restricted``): an unrestricted key signs anything, a forged
   quote too; it does not decrypt;
2. it cannot leave its TPM (``fixedTPM``, ``fixedParent``) and was made inside it (``sensitiveDataOrigin``);
3. it names its one scheme and hash, both of those allowed, and is strong enough;
4. reserved attribute bits are zero.

The key's name is the hash of its public area with the hash's id before it (TPM 2.0 Part 1 §16): that is what a
registry and an administrator compare.
"""

from dataclasses import dataclass
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.identity.attestation.reasons import QuoteRefusal
from ostiary.identity.attestation.wire import ECC, HASHES, KEY, NULL, RSA, SCHEMES, Reader, refuse
from ostiary.keys.quoting import QuoteKey, digest

_FIXED_TPM: Final = 1 << 1
_FIXED_PARENT: Final = 1 << 4
_MADE_INSIDE: Final = 1 << 5
_RESTRICTED: Final = 1 << 16
_DECRYPT: Final = 1 << 17
_SIGN: Final = 1 << 18
# TPMA_OBJECT of revision 1.59: all other bits are reserved and must be zero
_KNOWN: Final = sum(1 << bit for bit in (1, 2, 4, 5, 6, 7, 10, 11, 16, 17, 18, 19))
_CURVES: Final = {0x0003: "P-256", 0x0004: "P-384"}
_DEFAULT_EXPONENT: Final = 65_537
_MAX_BUFFER: Final = 512
_MAX_DIGEST: Final = 64
_SHORT: Final = 2048


@dataclass(frozen=True, slots=True)
class AttestationKey:
    """An attestation key that has passed; ``name`` is the TPM's own name of it."""

    name: bytes
    scheme: str
    hash: str
    key: QuoteKey


def read_key(data: bytes) -> AttestationKey:
    """Read a TPM2B_PUBLIC and refuse what may not quote.

    Raises:
        RefusedError: ``quote_key_…``.
    """
    outer = Reader(data, KEY)
    area = outer.sized(KEY.limit)
    outer.end()
    reader = Reader(area, KEY)
    kind, name_hash = reader.number(2), HASHES.get(reader.number(2))
    if name_hash is None:
        refuse(QuoteRefusal.QUOTE_KEY_HASH_NOT_ALLOWED, "the attestation key is named by a hash that is not used here")
    _check_attributes(reader.number(4))
    reader.sized(_MAX_DIGEST)  # authPolicy: who may use the key is its TPM's matter
    scheme, made, key = _rest(reader, kind)
    reader.end()
    return AttestationKey(_name(area, name_hash), scheme, made, key)


def _check_attributes(bits: int) -> None:
    if bits & ~_KNOWN:
        refuse(QuoteRefusal.QUOTE_KEY_RESERVED_BITS, "the attestation key has attributes that nobody defined")
    if not bits & _SIGN:
        refuse(QuoteRefusal.QUOTE_KEY_NOT_SIGNING, "the attestation key is not for signing")
    if bits & _DECRYPT:
        refuse(QuoteRefusal.QUOTE_KEY_DECRYPTS, "the attestation key decrypts too")
    if not bits & _RESTRICTED:
        refuse(
            QuoteRefusal.QUOTE_KEY_UNRESTRICTED, "the attestation key signs what it is given, so quotes can be forged"
        )
    if not (bits & _FIXED_TPM and bits & _FIXED_PARENT):
        refuse(QuoteRefusal.QUOTE_KEY_MOVABLE, "the attestation key can leave its TPM")
    if not bits & _MADE_INSIDE:
        refuse(QuoteRefusal.QUOTE_KEY_IMPORTED, "the attestation key was made outside its TPM")


def _rest(reader: Reader, kind: int) -> tuple[str, str, QuoteKey]:
    if kind not in {RSA, ECC}:
        refuse(QuoteRefusal.QUOTE_KEY_KIND_NOT_ALLOWED, "the attestation key is neither RSA nor elliptic-curve")
    if reader.number(2) != NULL:
        # only a key that decrypts has a symmetric part (TPM 2.0 Part 2 §12.2.3.4)
        refuse(QuoteRefusal.QUOTE_KEY_INVALID, "the attestation key has a symmetric algorithm")
    scheme, made = _scheme(reader, kind)
    return scheme, made, _rsa(reader) if kind == RSA else _ecc(reader)


def _scheme(reader: Reader, kind: int) -> tuple[str, str]:
    scheme = SCHEMES.get(reader.number(2))
    if scheme is None or (scheme == "ecdsa") is not (kind == ECC):
        refuse(QuoteRefusal.QUOTE_KEY_SCHEME_MISSING, "the attestation key names no signature scheme that is used here")
    made = HASHES.get(reader.number(2))
    if made is None:
        refuse(QuoteRefusal.QUOTE_KEY_HASH_NOT_ALLOWED, "the attestation key signs with a hash that is not used here")
    return scheme, made


def _rsa(reader: Reader) -> QuoteKey:
    bits, exponent = reader.number(2), reader.number(4)
    modulus = reader.sized(_MAX_BUFFER)
    if bits < _SHORT or len(modulus) * 8 != bits:
        refuse(QuoteRefusal.QUOTE_KEY_WEAK, f"the attestation key has {len(modulus) * 8} bits and says {bits}")
    try:
        return QuoteKey.from_rsa(modulus, exponent or _DEFAULT_EXPONENT)
    except FaultyInputError as fault:
        refuse(QuoteRefusal.QUOTE_KEY_WEAK, fault.message)


def _ecc(reader: Reader) -> QuoteKey:
    curve = _CURVES.get(reader.number(2))
    if curve is None:
        refuse(QuoteRefusal.QUOTE_KEY_CURVE_NOT_ALLOWED, "the attestation key is on a curve that is not used here")
    if reader.number(2) != NULL:
        refuse(QuoteRefusal.QUOTE_KEY_INVALID, "the attestation key has a key derivation scheme")
    x, y = reader.sized(_MAX_DIGEST), reader.sized(_MAX_DIGEST)
    try:
        return QuoteKey.from_ec(curve, x, y)
    except FaultyInputError as fault:
        refuse(QuoteRefusal.QUOTE_KEY_INVALID, fault.message)


def _name(area: bytes, name_hash: str) -> bytes:
    number = next(number for number, word in HASHES.items() if word == name_hash)
    return number.to_bytes(2, "big") + digest(name_hash, area)
