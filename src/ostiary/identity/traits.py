"""How a verified token is made: what the signals of its use are read from, beside whom it is about.

Rules:
- Read only after the signature, the audience and the dates have been checked; nothing here refuses a token.
- What is malformed counts as not told; texts are proper names or nothing.
- A token without ``jti`` is called by a digest of its signed text: two uses of one token have one name.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from ostiary.identity.dates import as_date_ns
from ostiary.identity.strict import is_name
from ostiary.identity.types import TokenTraits

_DEEPEST: Final = 16
_DIGEST_BYTES: Final = 12
_SHAPE_BYTES: Final = 6


def traits_of(header: Mapping[str, Any], claims: Mapping[str, Any], signed: bytes) -> TokenTraits:
    """Return how the token with this header, these claims and this signed text is made."""
    issued_ns, expires_ns = as_date_ns(claims.get("iat")), as_date_ns(claims.get("exp"))
    return TokenTraits(
        token_id=_name(claims.get("jti")) or "digest-" + blake2b(signed, digest_size=_DIGEST_BYTES).hexdigest(),
        issued_ns=issued_ns,
        expires_ns=expires_ns,
        audience=_audience(claims.get("aud")),
        algorithm=_name(header.get("alg")),
        key_id=_name(header.get("kid")),
        shape=_shape(header, claims),
        delegation_depth=_depth(claims.get("act")),
    )


def _name(value: object) -> str:
    return value if isinstance(value, str) and is_name(value) else ""


def _audience(value: object) -> str:
    return _name(value[0] if isinstance(value, list) and value else value)


def _shape(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """Return a digest of the names of header and claims: another shape is another issuer's habit."""
    names = "\n".join([*sorted(header), "", *sorted(claims)])
    return blake2b(names.encode("utf-8", "surrogatepass"), digest_size=_SHAPE_BYTES).hexdigest()


def _depth(actor: object) -> int:
    """Return how many actors are nested (RFC 8693 §4.1), at most sixteen."""
    depth = 0
    while isinstance(actor, Mapping) and depth < _DEEPEST:
        depth, actor = depth + 1, actor.get("act")
    return depth
