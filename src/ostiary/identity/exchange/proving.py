"""Makes a proof of possession (RFC 9449 §4.2), for Ostiary's own commands; applications use the SDK's.

>>> from ostiary.keys import SigningKey
>>> key = SigningKey.generate("", "ES256")
>>> make_proof(key, "POST", "https://pdp.example/oauth/default/token?x=1", now_ns=0).count(".")
2
"""

from typing import Any, Final

from ostiary.identity.algorithms import import_public
from ostiary.identity.signing import sign_jwt
from ostiary.identity.strict import b64url_encode
from ostiary.keys import SigningKey, random_bytes, sha256

_TYPE: Final = "dpop+jwt"
_NS: Final = 1_000_000_000
_ID_BYTES: Final = 16
_LABELS: Final = frozenset({"alg", "kid", "use"})


def thumbprint_of(key: SigningKey) -> str:
    """Return the thumbprint that a token is bound to (RFC 7638)."""
    return import_public(key.public.jwk()).thumbprint


def make_proof(key: SigningKey, method: str, url: str, now_ns: int, *, token: str = "", nonce: str = "") -> str:
    """Return a proof for one request; with ``token`` it is for that token alone."""
    claims: dict[str, Any] = {
        "jti": random_bytes(_ID_BYTES).hex(),
        "htm": method,
        "htu": url.partition("#")[0].partition("?")[0],
        "iat": now_ns // _NS,
    }
    if token:
        claims["ath"] = b64url_encode(sha256(token.encode())).decode()
    if nonce:
        claims["nonce"] = nonce
    public = {name: value for name, value in key.public.jwk().items() if name not in _LABELS}
    return sign_jwt(claims, key, {"typ": _TYPE, "jwk": public})
