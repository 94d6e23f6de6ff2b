"""Keys that sign quotes of a TPM: RSA and elliptic-curve keys as a TPM spells them, and their three signature schemes.

- Schemes: ``rsassa`` (PKCS #1 v1.5), ``rsapss`` with whatever salt length the TPM took, ``ecdsa`` with r and s apart.
- Hashes: SHA-256, SHA-384, SHA-512. SHA-1 is an unknown word here, so that nobody can ask for it.
- RSA keys have 2048 to 4096 bits and an odd exponent of at least 65537; curves are P-256 and P-384.
- ``verify`` answers yes or no; a malformed signature is a no, never an exception.

``QuoteSigner`` is the other half, for the public software TPM in ``testing``: a real TPM never shows its key.

>>> signer = QuoteSigner.generate_ec("P-256")
>>> signer.public.verify(signer.sign_ecdsa("sha256", b"quote"), "ecdsa", "sha256", b"quote")
True
"""

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import (
    MGF1,
    PSS,
    AsymmetricPadding,
    PKCS1v15,
    calculate_max_pss_salt_length,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from typing_extensions import override

from ostiary.errors import FaultyInputError

Signature = tuple[bytes, ...]
"""One part for RSA; r and s, big-endian, for ECDSA."""

DIGEST_BYTES: Final[Mapping[str, int]] = MappingProxyType({"sha256": 32, "sha384": 48, "sha512": 64})
_HASHES: Final[Mapping[str, Callable[[], HashAlgorithm]]] = MappingProxyType(
    {"sha256": SHA256, "sha384": SHA384, "sha512": SHA512}
)
_CURVES: Final[Mapping[str, Callable[[], ec.EllipticCurve]]] = MappingProxyType(
    {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1}
)
_COORDINATE: Final[Mapping[str, int]] = MappingProxyType({"P-256": 32, "P-384": 48})
_RSA_BITS: Final = range(2048, 4097)
_LEAST_EXPONENT: Final = 65_537
_EXPONENT_BITS: Final = 32


def digest(algorithm: str, data: bytes) -> bytes:
    """Return the hash of ``data`` by an algorithm of ``DIGEST_BYTES``.

    Raises:
        KeyError: it is not one of them.
    """
    return hashlib.new(algorithm if algorithm in DIGEST_BYTES else _unknown(algorithm), data).digest()


def _unknown(algorithm: str) -> str:
    raise KeyError(algorithm)


class QuoteKey:
    """A public key that signs quotes; immutable and safe to print."""

    __slots__ = ("_key", "kind")

    def __init__(self, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> None:
        """Wrap a loaded key; other rooms use ``from_rsa`` or ``from_ec``."""
        self._key = key
        self.kind = "rsa" if isinstance(key, rsa.RSAPublicKey) else "ec"

    @override
    def __repr__(self) -> str:
        """Name the kind and size."""
        return f"QuoteKey({self.kind}, {self._key.key_size})"

    @classmethod
    def from_rsa(cls, modulus: bytes, exponent: int) -> "QuoteKey":
        """Load an RSA key from its modulus, big-endian, and exponent.

        Raises:
            FaultyInputError: ``key_malformed``.
        """
        number = int.from_bytes(modulus, "big")
        if number.bit_length() not in _RSA_BITS or exponent < _LEAST_EXPONENT or exponent.bit_length() > _EXPONENT_BITS:
            raise FaultyInputError(
                "key_malformed", "an RSA key that signs quotes has 2048 to 4096 bits, exponent 65537"
            )
        try:
            return cls(rsa.RSAPublicNumbers(exponent, number).public_key())
        except ValueError as fault:
            raise FaultyInputError("key_malformed", "the numbers make no RSA key") from fault

    @classmethod
    def from_ec(cls, curve: str, x: bytes, y: bytes) -> "QuoteKey":
        """Load an elliptic-curve key from its point.

        Raises:
            FaultyInputError: ``key_malformed``, also for a point that is not on the curve.
        """
        if curve not in _CURVES:
            raise FaultyInputError("key_malformed", f"`{curve[:20]}` is no curve of ours: use P-256 or P-384")
        try:
            numbers = ec.EllipticCurvePublicNumbers(
                int.from_bytes(x, "big"), int.from_bytes(y, "big"), _CURVES[curve]()
            )
            return cls(numbers.public_key())
        except ValueError as fault:
            raise FaultyInputError("key_malformed", f"the point is not on {curve}") from fault

    def verify(self, signature: Signature, scheme: str, algorithm: str, data: bytes) -> bool:
        """Return whether ``signature`` over ``data`` was made by this key's owner, by scheme and hash."""
        if algorithm not in _HASHES:
            return False
        made = _HASHES[algorithm]()
        try:
            if isinstance(self._key, rsa.RSAPublicKey):
                (whole,) = signature
                self._key.verify(whole, data, _padding(scheme, made), made)
            else:
                r, s = (int.from_bytes(part, "big") for part in signature)
                if scheme != "ecdsa":
                    return False
                self._key.verify(encode_dss_signature(r, s), data, ec.ECDSA(made))
        except (InvalidSignature, ValueError, KeyError):
            return False
        return True


def _padding(scheme: str, made: HashAlgorithm, salt: int | None = None) -> AsymmetricPadding:
    if scheme == "rsassa":
        return PKCS1v15()
    if scheme == "rsapss":
        return PSS(MGF1(made), PSS.AUTO if salt is None else salt)
    raise KeyError(scheme)


class QuoteSigner:
    """A private key that signs like a TPM; never shown."""

    __slots__ = ("_key", "public")

    def __init__(self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        """Wrap a loaded key; use ``generate_rsa`` or ``generate_ec``."""
        self._key = key
        self.public = QuoteKey(key.public_key())

    @override
    def __repr__(self) -> str:
        """Say nothing that is secret."""
        return f"QuoteSigner({self.public.kind})"

    @classmethod
    def generate_rsa(cls, bits: int = 2048) -> "QuoteSigner":
        """Make an RSA key."""
        return cls(rsa.generate_private_key(_LEAST_EXPONENT, bits))

    @classmethod
    def generate_ec(cls, curve: str = "P-256") -> "QuoteSigner":
        """Make an elliptic-curve key."""
        return cls(ec.generate_private_key(_CURVES[curve]()))

    @property
    def numbers(self) -> tuple[bytes, ...]:
        """The public half: modulus, or x and y, each padded to the key's size."""
        public = self._key.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            return (public.public_numbers().n.to_bytes(public.key_size // 8, "big"),)
        numbers, size = public.public_numbers(), (public.key_size + 7) // 8
        return numbers.x.to_bytes(size, "big"), numbers.y.to_bytes(size, "big")

    def sign_rsa(self, scheme: str, algorithm: str, data: bytes) -> Signature:
        """Sign by ``rsassa`` or ``rsapss``, the latter with the longest salt, as TPMs do.

        Raises:
            TypeError: this is no RSA key.
        """
        if not isinstance(self._key, rsa.RSAPrivateKey):
            msg = "an elliptic-curve key makes no RSA signature"
            raise TypeError(msg)
        made = _HASHES[algorithm]()
        salt = calculate_max_pss_salt_length(self._key, made)
        return (self._key.sign(data, _padding(scheme, made, salt), made),)

    def sign_ecdsa(self, algorithm: str, data: bytes) -> Signature:
        """Sign by ECDSA.

        Raises:
            TypeError: this is no elliptic-curve key.
        """
        if not isinstance(self._key, ec.EllipticCurvePrivateKey):
            msg = "an RSA key makes no elliptic-curve signature"
            raise TypeError(msg)
        size = (self._key.key_size + 7) // 8
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(_HASHES[algorithm]())))
        return r.to_bytes(size, "big"), s.to_bytes(size, "big")
