"""Public keys: they verify signatures and travel as JWK, PEM or raw bytes.

- Three algorithms and no more: ``EdDSA`` (Ed25519), ``ES256`` (P-256, raw ``r || s`` signatures as in JOSE), and
  ``RS256`` (RSA of 2048 to 4096 bits), which only shared signals use: their receivers need not know another (ADR-0014).
- ``verify`` answers yes or no; a malformed signature is a no, never an exception.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from typing_extensions import override

from ostiary.errors import FaultyInputError
from ostiary.keys.hashing import sha256

EDDSA: Final = "EdDSA"
ES256: Final = "ES256"
RS256: Final = "RS256"
ALGORITHMS: Final = (EDDSA, ES256, RS256)
RSA_BITS: Final = range(2048, 4097)
Public = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey
_COORDINATE: Final = 32
_PEM_LIMIT: Final = 16_384
_RSA_TEXT: Final = 700  # base64url of 4096 bits, with some to spare
CHOICE: Final = "use EdDSA, ES256 or RS256"


class VerifyingKey:
    """A public key with its id and algorithm; immutable and safe to print."""

    __slots__ = ("_key", "alg", "kid")

    def __init__(self, kid: str, key: Public) -> None:
        """Wrap a loaded public key; other rooms use ``from_raw``, ``from_pem`` or ``from_jwk``."""
        self._key = key
        self.kid = kid
        self.alg = algorithm_of(key)

    @override
    def __repr__(self) -> str:
        """Name the key by its id."""
        return f"VerifyingKey({self.kid!r}, {self.alg})"

    @override
    def __eq__(self, other: object) -> bool:
        """Two keys are equal when algorithm and key material are; the id is only a label."""
        return isinstance(other, VerifyingKey) and (self.alg, self.raw) == (other.alg, other.raw)

    @override
    def __hash__(self) -> int:
        """Hash by the key material."""
        return hash((self.alg, self.raw))

    @property
    def raw(self) -> bytes:
        """The key as bytes: 32 for Ed25519, the 65-byte uncompressed point for P-256, DER for RSA."""
        if isinstance(self._key, Ed25519PublicKey):
            return self._key.public_bytes_raw()
        if isinstance(self._key, RSAPublicKey):
            return self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return self._key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Return whether ``signature`` over ``data`` was made by this key's owner."""
        try:
            if isinstance(self._key, Ed25519PublicKey):
                self._key.verify(signature, data)
            elif isinstance(self._key, RSAPublicKey):
                self._key.verify(signature, data, PKCS1v15(), SHA256())
            else:
                self._key.verify(_der(signature), data, ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    def pem(self) -> bytes:
        """Return the key as SubjectPublicKeyInfo in PEM."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def jwk(self) -> dict[str, str]:
        """Return the key as a JSON Web Key (RFC 7517, RFC 8037) with ``kid``, ``alg`` and ``use``."""
        common = {"kid": self.kid, "alg": self.alg, "use": "sig"}
        if isinstance(self._key, Ed25519PublicKey):
            return {"kty": "OKP", "crv": "Ed25519", "x": b64url(self.raw), **common}
        if isinstance(self._key, RSAPublicKey):
            numbers = self._key.public_numbers()
            return {"kty": "RSA", "n": b64url(_bytes(numbers.n)), "e": b64url(_bytes(numbers.e)), **common}
        point = self.raw[1:]
        x, y = b64url(point[:_COORDINATE]), b64url(point[_COORDINATE:])
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, **common}

    def thumbprint(self) -> str:
        """Return the first 16 hex digits of the SHA-256 of the key material, for ids and for people."""
        return sha256(self.raw).hex()[:16]

    @classmethod
    def from_raw(cls, kid: str, alg: str, raw: bytes) -> "VerifyingKey":
        """Load a key from the bytes that ``raw`` gives.

        Raises:
            FaultyInputError: ``key_malformed``.
        """
        try:
            if alg == EDDSA:
                return cls(kid, Ed25519PublicKey.from_public_bytes(raw))
            if alg == ES256:
                return cls(kid, EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw))
            if alg == RS256:
                return cls(kid, _rsa(load_der_public_key(raw)))
        except (ValueError, UnsupportedAlgorithm) as fault:
            raise FaultyInputError("key_malformed", f"these {len(raw)} bytes are no {alg} key") from fault
        raise FaultyInputError("key_malformed", f"`{alg[:20]}` is no key algorithm of ours: {CHOICE}")

    @classmethod
    def from_pem(cls, kid: str, pem: bytes) -> "VerifyingKey":
        """Load a key from PEM.

        Raises:
            FaultyInputError: ``key_malformed``.
        """
        if len(pem) > _PEM_LIMIT:
            raise FaultyInputError("key_malformed", f"a public key file of {len(pem)} bytes is too large")
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as fault:
            raise FaultyInputError("key_malformed", "the file holds no public key in PEM") from fault
        if isinstance(key, Ed25519PublicKey) or (
            isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
        ):
            return cls(kid, key)
        if isinstance(key, RSAPublicKey) and key.key_size in RSA_BITS:
            return cls(kid, key)
        raise FaultyInputError("key_malformed", "the key is neither Ed25519 nor P-256 nor RSA of 2048 to 4096 bits")

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> "VerifyingKey":
        """Load a key from a JSON Web Key with only public members.

        Raises:
            FaultyInputError: ``key_malformed``.
        """
        kind = (jwk.get("kty"), jwk.get("crv"))
        kid = str(jwk.get("kid", ""))
        if kind == ("OKP", "Ed25519"):
            return cls.from_raw(kid, EDDSA, _unb64url(jwk.get("x")))
        if kind == ("EC", "P-256"):
            return cls.from_raw(kid, ES256, b"\x04" + _unb64url(jwk.get("x")) + _unb64url(jwk.get("y")))
        if kind == ("RSA", None):
            return cls(kid, _rsa(_rsa_numbers(jwk)))
        raise FaultyInputError("key_malformed", "the JWK is neither an Ed25519 nor a P-256 nor an RSA key")


def algorithm_of(key: Public) -> str:
    """Return the one algorithm for which a key is used."""
    if isinstance(key, RSAPublicKey):
        return RS256
    return EDDSA if isinstance(key, Ed25519PublicKey) else ES256


def _rsa(key: object) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey) or key.key_size not in RSA_BITS:
        raise FaultyInputError("key_malformed", "the RSA key has too few or too many bits")
    return key


def _rsa_numbers(jwk: Mapping[str, Any]) -> RSAPublicKey:
    try:
        n, e = (int.from_bytes(base64.urlsafe_b64decode(str(jwk[name])[:_RSA_TEXT] + "==")) for name in ("n", "e"))
        return RSAPublicNumbers(e, n).public_key()
    except (KeyError, ValueError) as fault:
        raise FaultyInputError("key_malformed", "the members of the JWK make no RSA key") from fault


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _der(signature: bytes) -> bytes:
    if len(signature) != 2 * _COORDINATE:
        msg = "an ES256 signature has 64 bytes"
        raise ValueError(msg)
    r, s = signature[:_COORDINATE], signature[_COORDINATE:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def b64url(data: bytes) -> str:
    """Return base64url without padding, as JOSE writes it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64url(text: object) -> bytes:
    if not isinstance(text, str) or len(text) != 43:  # noqa: PLR2004 - 32 bytes in base64url
        raise FaultyInputError("key_malformed", "a JWK coordinate has 43 base64url characters")
    try:
        return base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except binascii.Error as fault:
        raise FaultyInputError("key_malformed", "a JWK coordinate is not base64url") from fault
