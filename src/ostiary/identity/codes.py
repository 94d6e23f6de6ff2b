"""The sets of codes with which the one reader of compact JWS speaks: of access tokens and of DPoP proofs.

Event tokens have theirs in ``secevent.reasons``.

>>> DPOP.too_large.value
'dpop_too_large'
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ostiary.identity.reasons import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactCodes:
    """One code for each way in which an envelope can be unacceptable; ``what`` is the noun in the messages."""

    what: str
    base64: StrEnum
    characters: StrEnum
    critical: StrEnum
    deep: StrEnum
    detached: StrEnum
    duplicate: StrEnum
    encrypted: StrEnum
    header: StrEnum
    many: StrEnum
    not_compact: StrEnum
    payload: StrEnum
    too_large: StrEnum


TOKEN: Final = CompactCodes(
    what="token",
    base64=Refusal.TOKEN_BASE64_INVALID,
    characters=Refusal.TOKEN_CHARACTERS_INVALID,
    critical=Refusal.TOKEN_CRITICAL_HEADER,
    deep=Refusal.TOKEN_NESTING_TOO_DEEP,
    detached=Refusal.TOKEN_DETACHED_PAYLOAD,
    duplicate=Refusal.TOKEN_DUPLICATE_MEMBER,
    encrypted=Refusal.TOKEN_ENCRYPTED,
    header=Refusal.TOKEN_HEADER_MALFORMED,
    many=Refusal.TOKEN_TOO_MANY_MEMBERS,
    not_compact=Refusal.TOKEN_NOT_COMPACT,
    payload=Refusal.TOKEN_PAYLOAD_MALFORMED,
    too_large=Refusal.TOKEN_TOO_LARGE,
)

DPOP: Final = CompactCodes(
    what="proof",
    base64=Refusal.DPOP_BASE64_INVALID,
    characters=Refusal.DPOP_CHARACTERS_INVALID,
    critical=Refusal.DPOP_CRITICAL_HEADER,
    deep=Refusal.DPOP_NESTING_TOO_DEEP,
    detached=Refusal.DPOP_DETACHED_PAYLOAD,
    duplicate=Refusal.DPOP_DUPLICATE_MEMBER,
    encrypted=Refusal.DPOP_ENCRYPTED,
    header=Refusal.DPOP_HEADER_MALFORMED,
    many=Refusal.DPOP_TOO_MANY_MEMBERS,
    not_compact=Refusal.DPOP_NOT_COMPACT,
    payload=Refusal.DPOP_PAYLOAD_MALFORMED,
    too_large=Refusal.DPOP_TOO_LARGE,
)
