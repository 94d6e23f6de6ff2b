"""The receipt of an enforcement point: its signed word that it carried out an obligation.

A compact JWS of type ``ostiary-receipt+jwt``, EdDSA or ES256, by the key registered with the enforcement point:

    {"iss": "gateway-1", "iat": 1790000000, "decision_id": "dec_…", "obligation_id": "step-up", "status": "executed"}

Rules:

- Only the registered key counts; the header cannot bring one (``jwk``, ``jku``, ``x5c`` and ``x5u`` are refused), and
  its ``alg`` must be the key's own.
- ``iss`` is the enforcement point that is calling; a receipt of another one is refused, however well it is signed.
- ``iat`` lies between the decision and now, with a minute of skew.
- Members that are not known are refused: what was signed is what is understood.

>>> read_claims({"iss": "g", "iat": 1, "decision_id": "dec_1", "obligation_id": "o", "status": "executed"}).status.value
'executed'
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.identity.codes import TOKEN
from ostiary.identity.compact import CompactJws, parse_compact
from ostiary.identity.strict import is_name
from ostiary.keys import VerifyingKey

TYPE: Final = "ostiary-receipt+jwt"
MAX_LENGTH: Final = 4_096
SKEW_S: Final = 60
_HEADER: Final = frozenset({"alg", "kid", "typ"})
_CLAIMS: Final = frozenset({"iss", "iat", "decision_id", "obligation_id", "status", "detail"})
_MAX_DETAIL: Final = 256


class ReceiptStatus(StrEnum):
    """What became of an obligation."""

    EXECUTED = "executed"
    FAILED = "failed"


class PepReceipt(msgspec.Struct, frozen=True):
    """What an enforcement point says; believed only after ``verify``."""

    pep: str
    issued_s: int
    decision_id: str
    obligation_id: str
    status: ReceiptStatus
    detail: str = ""


def verify(text: str, key: VerifyingKey, pep: str) -> PepReceipt:
    """Return what a receipt says, when the calling enforcement point signed it.

    Raises:
        FaultyInputError: ``receipt_malformed``.
        VerificationError: ``receipt_signature_invalid``.
        RefusedError: ``receipt_of_another``.
    """
    jws = _parse(text)
    if jws.header.get("typ") != TYPE or not _HEADER.issuperset(jws.header):
        raise _malformed(f"the header of a receipt has `typ` {TYPE}, `alg`, and no keys of its own")
    if jws.header.get("alg") != key.alg or not key.verify(jws.signature, jws.signed):
        raise VerificationError("receipt_signature_invalid", "the receipt was not signed by the registered key")
    receipt = read_claims(jws.payload)
    if receipt.pep != pep:
        raise RefusedError("receipt_of_another", "the receipt is not of the enforcement point that brings it")
    return receipt


def read_claims(claims: Mapping[str, Any]) -> PepReceipt:
    """Return the claims of a receipt.

    Raises:
        FaultyInputError: ``receipt_malformed``.
    """
    if not _CLAIMS.issuperset(claims):
        raise _malformed("a receipt has claims that are not known")
    issued, status, detail = claims.get("iat"), claims.get("status"), claims.get("detail", "")
    if isinstance(issued, bool) or not isinstance(issued, int) or issued < 0:
        raise _malformed("`iat` of a receipt is a whole number of seconds")
    if status not in list(ReceiptStatus):
        raise _malformed("`status` of a receipt is `executed` or `failed`")
    if detail != "" and not is_name(detail, _MAX_DETAIL):
        raise _malformed(f"`detail` of a receipt is one line of at most {_MAX_DETAIL} characters")
    names = [_name(claims, name) for name in ("iss", "decision_id", "obligation_id")]
    return PepReceipt(names[0], issued, names[1], names[2], ReceiptStatus(status), detail)


def _name(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not is_name(value):
        raise _malformed(f"a receipt has a proper `{name}`")
    return value


def _parse(text: str) -> CompactJws:
    try:
        return parse_compact(text, MAX_LENGTH, TOKEN)
    except RefusedError as no:
        raise _malformed(no.message.replace("token", "receipt")) from no


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("receipt_malformed", text)
