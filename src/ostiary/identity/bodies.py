"""Bodies of requests that a DPoP proof signs: the holder of the token's key says just these bytes.

RFC 9449 signs method, address and token of a request, not its body. A client that must sign the body puts its SHA-256
into the proof, base64url, as the claim ``body_sha256``; what the proof is worth was checked before (``dpop``).

>>> check_body("e30." + b64url_encode(b'{"body_sha256":"x"}').decode() + ".AAAA", b"{}")
Traceback (most recent call last):
    ...
ostiary.errors.RefusedError: the proof is for another body
"""

from typing import Final

from ostiary.errors import RefusedError
from ostiary.identity.reasons import Refusal
from ostiary.identity.strict import NotStrictError, b64url_decode, b64url_encode, parse_object
from ostiary.keys.hashing import sha256

CLAIM: Final = "body_sha256"
_PARTS: Final = 3


def check_body(proof: str, body: bytes) -> None:
    """Check that a proof, good in all else, signs ``body``.

    Raises:
        RefusedError: ``dpop_body_hash_missing``, ``dpop_body_hash_wrong``.
    """
    given = _claim(proof)
    if given is None:
        raise RefusedError(Refusal.DPOP_BODY_HASH_MISSING, f"the proof does not sign the body: it has no `{CLAIM}`")
    if given != b64url_encode(sha256(body)).decode():
        raise RefusedError(Refusal.DPOP_BODY_HASH_WRONG, "the proof is for another body")


def _claim(proof: str) -> object:
    parts = proof.encode("ascii", "replace").split(b".")
    raw = b64url_decode(parts[1]) if len(parts) == _PARTS else None
    try:
        return None if raw is None else parse_object(raw).get(CLAIM)
    except NotStrictError:
        return None
