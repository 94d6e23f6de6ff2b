"""Takes a compact JWS apart, without believing any of it.

joserfc does the signatures; the envelope is read here, so that the bytes that are checked and the bytes that are
read are the same bytes, and each fault has its own code (ADR-0005).

Rules:

- exactly three parts, in the compact serialisation; encrypted tokens (JWE) and the JSON serialisations are refused;
- ``crit`` is refused whatever it names, because no extension is understood; ``b64``, ``zip`` and ``enc`` too;
- the header's ``alg`` is a string; whether it is allowed is the caller's question.

>>> from ostiary.identity.codes import TOKEN
>>> parse_compact("eyJhbGciOiJFUzI1NiJ9.e30.AAAA", 100, TOKEN).header
{'alg': 'ES256'}
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NoReturn

from ostiary.errors import RefusedError
from ostiary.identity.codes import CompactCodes
from ostiary.identity.strict import Fault, NotStrictError, b64url_decode, parse_object

# Characters of base64 in all its spellings; the wrong spelling is told apart from rubbish by its own code.
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9_.+/=-]*\Z")
_JWS_PARTS: Final = 3
_JWE_PARTS: Final = 5


@dataclass(frozen=True, slots=True)
class CompactJws:
    """An unverified JWS in parts: ``signature`` is to be checked over ``signed``."""

    header: dict[str, Any]
    payload: dict[str, Any]
    signed: bytes
    signature: bytes


def parse_compact(text: str, max_length: int, codes: CompactCodes) -> CompactJws:
    """Take ``text`` apart.

    Raises:
        RefusedError: with one of ``codes``.
    """
    header_part, payload_part, signature_part = _split(text, max_length, codes)
    header = _object(header_part, codes, codes.header)
    _check_header(header, codes)
    return CompactJws(
        header=header,
        payload=_object(payload_part, codes, codes.payload),
        signed=header_part + b"." + payload_part,
        signature=_decode(signature_part, codes),
    )


def _split(text: str, max_length: int, codes: CompactCodes) -> list[bytes]:
    if len(text) > max_length:
        _refuse(codes.too_large, f"the {codes.what} has {len(text)} characters, {max_length} are allowed")
    if text.lstrip()[:1] == "{":
        _refuse(codes.not_compact, f"the {codes.what} is not in the compact serialisation")
    if not _CHARACTERS.match(text):
        _refuse(codes.characters, f"the {codes.what} has characters that do not belong there")
    parts = text.encode("ascii").split(b".")
    if len(parts) == _JWE_PARTS:
        _refuse(codes.encrypted, f"the {codes.what} is encrypted, a signed one is needed")
    if len(parts) != _JWS_PARTS or not parts[0] or not parts[1]:
        _refuse(codes.not_compact, f"the {codes.what} does not have the three parts of a signed token")
    return parts


def _check_header(header: dict[str, Any], codes: CompactCodes) -> None:
    if "crit" in header:
        _refuse(codes.critical, f"the {codes.what} demands an extension that nobody here understands")
    if "b64" in header:
        _refuse(codes.detached, f"the {codes.what} has an unencoded payload")
    if "enc" in header or "zip" in header:
        _refuse(codes.encrypted, f"the {codes.what} is encrypted or compressed, a signed one is needed")
    if not isinstance(header.get("alg"), str):
        _refuse(codes.header, f"the header of the {codes.what} names no algorithm")


def _object(part: bytes, codes: CompactCodes, malformed: StrEnum) -> dict[str, Any]:
    try:
        return parse_object(_decode(part, codes))
    except NotStrictError as error:
        code = _code_of(error.fault, codes, malformed)
        raise RefusedError(code, f"a part of the {codes.what} is unacceptable: {error.fault.value}") from error


def _code_of(fault: Fault, codes: CompactCodes, malformed: StrEnum) -> StrEnum:
    match fault:
        case Fault.DEEP:
            return codes.deep
        case Fault.DUPLICATE:
            return codes.duplicate
        case Fault.MANY:
            return codes.many
        case Fault.MALFORMED:
            return malformed


def _decode(part: bytes, codes: CompactCodes) -> bytes:
    raw = b64url_decode(part)
    if raw is None:
        _refuse(codes.base64, f"a part of the {codes.what} is not canonical base64url")
    return raw


def _refuse(code: StrEnum, message: str) -> NoReturn:
    raise RefusedError(code, message)
