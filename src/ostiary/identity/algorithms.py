"""Which signature algorithms exist for Ostiary, and public keys that fit exactly one family of them.

Rules:

- Only asymmetric algorithms are in the table, so ``none`` and every ``HS…`` are unknown words here, and a public key
  can never become an HMAC secret.
- A key is rebuilt from its required public members alone; whatever else a JWK says is judged here, not by a library.
- RSA keys have 2048 to 8192 bits; EC and OKP keys name a curve of the table.
- An algorithm is used with a key only when key type, curve and (when the key names one) algorithm agree.

The keys and signatures are joserfc's (ADR-0005), but for P-256: each DPoP proof brings such a key anew, and the room of
keys loads one, by the same library beneath, in a fraction of the time. joserfc's algorithm objects are called directly,
because its registry warns on every ``EdDSA`` token and decides on headers that ``compact`` has decided on already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwa import JWS_ALGORITHMS, JWSAlgModel
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ostiary.errors import FaultyInputError
from ostiary.identity.strict import b64url_decode, b64url_encode, is_name
from ostiary.keys import VerifyingKey, sha256

_EC: Final = "EC"
_OKP: Final = "OKP"
_RSA: Final = "RSA"
_P256: Final = "P-256"
_P256_LENGTH: Final = 43  # of a coordinate: 32 bytes in base64url

# algorithm -> (key type, curve): RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2
ALGORITHMS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "ES256": (_EC, "P-256"),
        "ES384": (_EC, "P-384"),
        "ES512": (_EC, "P-521"),
        "Ed25519": (_OKP, "Ed25519"),
        "EdDSA": (_OKP, "Ed25519"),
        "PS256": (_RSA, ""),
        "PS384": (_RSA, ""),
        "PS512": (_RSA, ""),
        "RS256": (_RSA, ""),
        "RS384": (_RSA, ""),
        "RS512": (_RSA, ""),
    }
)
_MODELS: Final[Mapping[str, JWSAlgModel]] = MappingProxyType(
    {m.name: m for m in JWS_ALGORITHMS if m.name in ALGORITHMS}
)
_PUBLIC_MEMBERS: Final = MappingProxyType({_EC: ("crv", "x", "y"), _OKP: ("crv", "x"), _RSA: ("e", "n")})
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_Members = dict[str, str | list[str]]  # joserfc's type for a JWK
_RSA_BITS: Final = range(2048, 8193)
_RSA_EXPONENT_BITS: Final = 32


class KeyRefusedError(ValueError):
    """A JWK cannot be used; ``private`` says that it carries private or symmetric material."""

    def __init__(self, message: str, *, private: bool = False) -> None:
        """Keep the kind."""
        super().__init__(message)
        self.private = private


@dataclass(frozen=True, slots=True, eq=False)
class PublicKey:
    """A verified-to-be-usable public key.

    Attributes:
        thumbprint: RFC 7638, SHA-256, base64url.
        declared: the JWK's own ``alg``, or empty.
    """

    kid: str
    kty: str
    crv: str
    declared: str
    thumbprint: str
    _key: ECKey | OKPKey | RSAKey | VerifyingKey

    def fits(self, algorithm: str) -> bool:
        """Return whether ``algorithm`` may be used with this key."""
        return ALGORITHMS.get(algorithm) == (self.kty, self.crv) and self.declared in {"", algorithm}

    def verify(self, algorithm: str, data: bytes, signature: bytes) -> bool:
        """Return whether ``signature`` over ``data`` is this key's, by ``algorithm``, which must fit."""
        if not self.fits(algorithm):
            return False
        if isinstance(self._key, VerifyingKey):
            return self._key.verify(signature, data)
        try:
            return _MODELS[algorithm].verify(data, signature, self._key)
        except (JoseError, ValueError, TypeError, OverflowError):
            return False  # a signature so misshapen that the library trips over it is no signature


def import_public(jwk: Mapping[str, Any]) -> PublicKey:
    """Make a key from the public members of ``jwk``.

    Raises:
        KeyRefusedError: it is private, symmetric, of an unknown kind, too weak, or not meant for signatures.
    """
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        raise KeyRefusedError("the key carries private or symmetric material", private=True)
    kty = jwk.get("kty")
    if not isinstance(kty, str) or kty not in _PUBLIC_MEMBERS:
        raise KeyRefusedError("the key is of a kind that is not used here")
    _check_purpose(jwk)
    members: _Members = {"kty": kty, **{name: _member(jwk, name) for name in _PUBLIC_MEMBERS[kty]}}
    if kty == _RSA:
        _check_rsa(jwk)
    return _build(jwk, members)


def _check_purpose(jwk: Mapping[str, Any]) -> None:
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or operations != ["verify"]:
        raise KeyRefusedError("the key is not meant for verifying signatures")
    algorithm = jwk.get("alg", "")
    if algorithm != "" and (not isinstance(algorithm, str) or algorithm not in ALGORITHMS):
        raise KeyRefusedError("the key is meant for an algorithm that is not used here")


def _member(jwk: Mapping[str, Any], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str) or not is_name(value, 2048) or not value.isascii():
        raise KeyRefusedError(f"the key lacks a proper `{name}`")
    if name != "crv" and not b64url_decode(value.encode()):
        raise KeyRefusedError(f"`{name}` of the key is not canonical base64url")
    return value


def _check_rsa(jwk: Mapping[str, Any]) -> None:
    modulus, exponent = (int.from_bytes(b64url_decode(jwk[name].encode()) or b"") for name in ("n", "e"))
    if modulus.bit_length() not in _RSA_BITS:
        raise KeyRefusedError("the modulus of the key has too few or too many bits")
    if exponent.bit_length() > _RSA_EXPONENT_BITS:
        raise KeyRefusedError("the exponent of the key is too large")


def _build(jwk: Mapping[str, Any], members: _Members) -> PublicKey:
    kty, crv = jwk["kty"], jwk["crv"] if "crv" in members else ""
    if (kty, crv) not in ALGORITHMS.values():
        raise KeyRefusedError("the key is on a curve that is not used here")
    try:
        key, thumbprint = _p256(members) if _is_whole_p256(members) else _other(kty, members)
    except (FaultyInputError, JoseError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise KeyRefusedError("the members of the key make no key") from error
    kid = jwk.get("kid", "")
    return PublicKey(kid if isinstance(kid, str) else "", kty, crv, jwk.get("alg", ""), thumbprint, key)


def _is_whole_p256(members: _Members) -> bool:
    """Return whether it is on P-256, with its coordinates as long as RFC 7518 §6.2.1.2 has them; some cut zeros off."""
    return members.get("crv") == _P256 and len(members["x"]) == len(members["y"]) == _P256_LENGTH


def _p256(members: _Members) -> tuple[VerifyingKey, str]:
    """Return the key and its thumbprint: RFC 7638 §3.2 has these members in this order, as they are spelled."""
    told = f'{{"crv":"P-256","kty":"EC","x":"{members["x"]}","y":"{members["y"]}"}}'
    return VerifyingKey.from_jwk(members), b64url_encode(sha256(told.encode())).decode()


def _other(kty: str, members: _Members) -> tuple[ECKey | OKPKey | RSAKey, str]:
    kinds: dict[str, type[ECKey | OKPKey | RSAKey]] = {_EC: ECKey, _OKP: OKPKey, _RSA: RSAKey}
    key = kinds[kty].import_key(members)
    return key, key.thumbprint()
