"""Elliptic-curve keys of supply-chain formats: P-256, P-384 and P-521 with DER signatures, each with its own hash.

- OMS and Sigstore use these: P-256 with SHA-256, P-384 with SHA-384, P-521 with SHA-512. There is no way to ask for
  another pairing, so a signature made with a weaker hash than the key's own does not verify.
- ``SigningKey`` and ``VerifyingKey`` stay what the rest of Ostiary uses: JOSE's raw signatures, Ed25519 and P-256 only.

>>> key = CurveKey.generate("P-384")
>>> key.public.verify(key.sign(b"text"), b"text"), key.public.verify(b"no", b"text")
(True, False)
>>> key
CurveKey(P-384)
"""

from typing import Final, NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)
from typing_extensions import override

from ostiary.errors import FaultyInputError
from ostiary.keys.hashing import sha256_hex

_CURVES: Final[dict[str, tuple[str, EllipticCurve, HashAlgorithm]]] = {
    "secp256r1": ("P-256", SECP256R1(), SHA256()),
    "secp384r1": ("P-384", SECP384R1(), SHA384()),
    "secp521r1": ("P-521", SECP521R1(), SHA512()),
}
_PEM_LIMIT: Final = 16_384


class CurvePublicKey:
    """A public key on one of the three curves; immutable, comparable by its key material."""

    __slots__ = ("_key", "der")

    def __init__(self, key: EllipticCurvePublicKey) -> None:
        """Wrap a loaded key; other rooms use ``from_pem`` or ``from_der``."""
        _curve(key.curve)
        self._key = key
        self.der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @override
    def __repr__(self) -> str:
        """Name the key by the digest of its material."""
        return f"CurvePublicKey({self.curve}, {self.fingerprint[:19]}…)"

    @override
    def __eq__(self, other: object) -> bool:
        """Two keys are equal when curve and point are."""
        return isinstance(other, CurvePublicKey) and self.der == other.der

    @override
    def __hash__(self) -> int:
        """Hash by the key material."""
        return hash(self.der)

    @property
    def curve(self) -> str:
        """``P-256``, ``P-384`` or ``P-521``."""
        return _curve(self._key.curve)[0]

    @property
    def fingerprint(self) -> str:
        """``sha256:…`` of the SubjectPublicKeyInfo."""
        return "sha256:" + sha256_hex(self.der)

    def pem(self) -> bytes:
        """Return the SubjectPublicKeyInfo in PEM."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Return whether the DER ``signature`` is this key's over ``data``, with the curve's own hash."""
        try:
            self._key.verify(signature, data, ECDSA(_curve(self._key.curve)[2]))
        except (InvalidSignature, ValueError):
            return False
        return True

    @classmethod
    def from_pem(cls, pem: bytes) -> "CurvePublicKey":
        """Load a key from PEM.

        Raises:
            FaultyInputError: ``key_malformed``.
        """
        try:
            key = load_pem_public_key(pem[:_PEM_LIMIT])
        except (ValueError, UnsupportedAlgorithm) as fault:
            raise FaultyInputError("key_malformed", "the file holds no public key in PEM") from fault
        return cls(_elliptic(key))

    @classmethod
    def from_der(cls, der: bytes) -> "CurvePublicKey":
        """Load a key from a SubjectPublicKeyInfo in DER.

        Raises:
            FaultyInputError: ``key_malformed``.
        """
        try:
            key = load_der_public_key(der[:_PEM_LIMIT])
        except (ValueError, UnsupportedAlgorithm) as fault:
            raise FaultyInputError("key_malformed", "the bytes hold no public key in DER") from fault
        return cls(_elliptic(key))


class CurveKey:
    """A private key on one of the three curves; it signs and never shows itself."""

    __slots__ = ("_key", "public")

    def __init__(self, key: EllipticCurvePrivateKey) -> None:
        """Wrap a loaded key; other rooms use ``from_pem`` or ``generate``."""
        self._key = key
        self.public = CurvePublicKey(key.public_key())

    @override
    def __repr__(self) -> str:
        """Name the curve only."""
        return f"CurveKey({self.public.curve})"

    @override
    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: that is how secrets leak."""
        msg = "a signing key cannot be copied or serialised"
        raise TypeError(msg)

    def sign(self, data: bytes) -> bytes:
        """Return the DER signature over ``data``, with the curve's own hash."""
        return self._key.sign(data, ECDSA(_curve(self._key.curve)[2]))

    def private_pem(self) -> bytes:
        """Return the secret key as PKCS #8 PEM, for its own private file."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @classmethod
    def generate(cls, curve: str = "P-256") -> "CurveKey":
        """Make a fresh key.

        Raises:
            FaultyInputError: ``key_malformed`` for another curve.
        """
        for name, form, _ in _CURVES.values():
            if name == curve:
                return cls(generate_private_key(form))
        raise FaultyInputError("key_malformed", f"`{curve[:20]}` is no curve of ours: use P-256, P-384 or P-521")

    @classmethod
    def from_pem(cls, pem: bytes, password: bytes | None = None) -> "CurveKey":
        """Load a key from PEM, encrypted or not.

        Raises:
            FaultyInputError: ``key_malformed``; the text of the error never holds key material.
        """
        try:
            key = load_pem_private_key(pem[:_PEM_LIMIT], password)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise FaultyInputError("key_malformed", "the file holds no private key that can be opened") from None
        if not isinstance(key, EllipticCurvePrivateKey):
            raise FaultyInputError("key_malformed", "the key is not on P-256, P-384 or P-521")
        return cls(key)


def _curve(curve: EllipticCurve) -> tuple[str, EllipticCurve, HashAlgorithm]:
    found = _CURVES.get(curve.name)
    if found is None:
        raise FaultyInputError("key_malformed", f"`{curve.name}` is no curve of ours: use P-256, P-384 or P-521")
    return found


def _elliptic(key: object) -> EllipticCurvePublicKey:
    if not isinstance(key, EllipticCurvePublicKey):
        raise FaultyInputError("key_malformed", "the key is not on P-256, P-384 or P-521")
    return key
