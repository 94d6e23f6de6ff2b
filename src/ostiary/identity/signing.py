"""Signs a JWT with one of Ostiary's own keys, such as the metadata of the AuthZEN API.

Rules: the key itself says algorithm and key id, no header may overrule it; the private key never leaves ``keys``
(the signature is asked for, not the key).

>>> class Zeros:
...     kid, alg = "k1", "EdDSA"
...     def sign(self, data, /): return bytes(64)
>>> sign_jwt({"iss": "https://pdp.example"}, Zeros(), {"typ": "JWT"}).count(".")
2
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from ostiary.identity.ports import JwsSigner
from ostiary.identity.strict import b64url_encode

_JSON: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_OF_THE_KEY: Final = frozenset({"alg", "kid", "crit", "b64"})


def sign_jwt(claims: Mapping[str, Any], key: JwsSigner, headers: Mapping[str, Any] | None = None) -> str:
    """Return a compact JWS over ``claims``.

    Raises:
        ValueError: ``headers`` wants to overrule what the key says, or something is no JSON.
    """
    extra = dict(headers or {})
    if not _OF_THE_KEY.isdisjoint(extra):
        msg = "the headers alg, kid, crit and b64 are not the caller's to set"
        raise ValueError(msg)
    signed = _part({"alg": key.alg, "kid": key.kid, **extra}) + b"." + _part(claims)
    return (signed + b"." + b64url_encode(key.sign(signed))).decode()


def _part(value: Mapping[str, Any]) -> bytes:
    return b64url_encode(_JSON.encode(value).encode())
