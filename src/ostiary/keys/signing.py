"""Private signing keys: they sign, they say who they are, and they never show themselves.

- ``repr`` and ``str`` name the id only; pickling and copying a key is refused.
- ES256 signatures are raw ``r || s`` (RFC 7518 §3.4), Ed25519 ones as in RFC 8032, RSA ones PKCS #1 v1.5.

>>> key = SigningKey.generate("t.demo.k1")
>>> key.public.verify(key.sign(b"text"), b"text")
True
>>> key
SigningKey('t.demo.k1', EdDSA)
"""

from typing import Final, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from typing_extensions import override

from ostiary.errors import FaultyInputError
from ostiary.keys.verifying import CHOICE, EDDSA, ES256, RS256, RSA_BITS, VerifyingKey

_COORDINATE: Final = 32
_RSA_EXPONENT: Final = 65_537
_RSA_NEW: Final = 3072


class SigningKey:
    """A private key with its id and algorithm."""

    __slots__ = ("_key", "alg", "kid", "public")

    def __init__(self, kid: str, key: Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey) -> None:
        """Wrap a loaded private key; other rooms use ``generate``, ``from_pem`` or ``from_seed``."""
        self._key = key
        self.kid = kid
        self.public = VerifyingKey(kid, key.public_key())
        self.alg = self.public.alg

    @override
    def __repr__(self) -> str:
        """Name the key by its id; nothing secret is shown."""
        return f"SigningKey({self.kid!r}, {self.alg})"

    @override
    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: that is how secrets leak."""
        msg = "a signing key cannot be copied or serialised"
        raise TypeError(msg)

    def sign(self, data: bytes) -> bytes:
        """Return the signature over ``data``: 64 bytes, for RSA as many as the key has."""
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(data)
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, PKCS1v15(), SHA256())
        r, s = decode_dss_signature(self._key.sign(data, ECDSA(SHA256())))
        return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")

    def private_pem(self) -> bytes:
        """Return the secret key as PKCS #8 PEM: for the key file and for identity's JOSE library, nothing else."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @classmethod
    def generate(cls, kid: str, alg: str = EDDSA) -> "SigningKey":
        """Make a fresh key.

        Raises:
            FaultyInputError: ``key_malformed`` for an algorithm that is not ours.
        """
        if alg == EDDSA:
            return cls(kid, Ed25519PrivateKey.generate())
        if alg == ES256:
            return cls(kid, generate_private_key(SECP256R1()))
        if alg == RS256:
            return cls(kid, generate_rsa(_RSA_EXPONENT, _RSA_NEW))
        raise FaultyInputError("key_malformed", f"`{alg[:20]}` is no key algorithm of ours: {CHOICE}")

    @classmethod
    def from_seed(cls, kid: str, seed: bytes) -> "SigningKey":
        """Load an Ed25519 key from its 32-byte seed.

        Raises:
            FaultyInputError: ``key_malformed``.
        """
        try:
            return cls(kid, Ed25519PrivateKey.from_private_bytes(seed))
        except ValueError as fault:
            raise FaultyInputError("key_malformed", "an Ed25519 seed has 32 bytes") from fault

    @classmethod
    def from_pem(cls, kid: str, pem: bytes) -> "SigningKey":
        """Load a key from unencrypted PKCS #8 PEM.

        Raises:
            FaultyInputError: ``key_malformed``; the text of the error never holds key material.
        """
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise FaultyInputError("key_malformed", "the file holds no private key in PEM") from None
        if isinstance(key, Ed25519PrivateKey) or (
            isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
        ):
            return cls(kid, key)
        if isinstance(key, RSAPrivateKey) and key.key_size in RSA_BITS:
            return cls(kid, key)
        raise FaultyInputError("key_malformed", "the key is neither Ed25519 nor P-256 nor RSA of 2048 to 4096 bits")
