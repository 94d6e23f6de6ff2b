"""Reads base64url and JSON of tokens more strictly than the standards demand.

Two readers of one token must never see two meanings, so everything ambiguous is refused:

- base64url without padding, whitespace or stray trailing bits: each value has exactly one spelling (RFC 7515 §2);
- JSON in UTF-8 whose members are unique in every object (RFC 7519 §4 lets a reader refuse duplicates; we do);
- no ``NaN``, no infinities, no integer beyond 64 bits, no lone surrogate: what is kept can be written down again;
- nesting, members per object and length are bounded before anything is built.

>>> parse_object(b'{"sub": "alice"}')
{'sub': 'alice'}
>>> b64url_decode(b"AB") is None  # the last character carries bits that nothing reads
True
"""

import json
import math
import re
from binascii import a2b_base64, b2a_base64
from enum import Enum
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 8
MAX_MEMBERS: Final = 100
_INT64: Final = 2**63
_MOST_DIGITS: Final = len(str(-_INT64))
_ALPHABET: Final = re.compile(rb"[A-Za-z0-9_-]*\Z")
_USUAL: Final = bytes.maketrans(b"-_", b"+/")
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
# By how many characters go beyond whole quadruples: what they are filled up with, and the last ones that carry no bits
# which nothing reads (RFC 4648 §3.5).
_FILL: Final = (b"", b"", b"==", b"=")
_LAST: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
_STRINGS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKETS: Final = re.compile(r"[\[\]{}]")
# C0 and C1 controls, line separators, zero-width and bidirectional characters: two names that look alike must be alike.
_HIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


class Fault(Enum):
    """In which way a JSON text is not acceptable."""

    DEEP = "nested too deep"
    DUPLICATE = "a member occurs twice"
    MALFORMED = "no well-formed JSON object"
    MANY = "too many members"


class NotStrictError(ValueError):
    """A JSON text was refused; callers turn it into their own stable code."""

    def __init__(self, fault: Fault) -> None:
        """Keep the kind of fault."""
        super().__init__(fault.value)
        self.fault = fault


def b64url_decode(text: bytes) -> bytes | None:
    """Return the bytes that ``text`` spells, or ``None`` when it is not the one canonical spelling."""
    beyond = len(text) % 4
    if beyond == 1 or not _ALPHABET.match(text):
        return None
    if beyond and text[-1] not in _LAST[beyond]:
        return None
    return a2b_base64(text.translate(_USUAL) + _FILL[beyond])


def b64url_encode(raw: bytes) -> bytes:
    """Return unpadded base64url."""
    return b2a_base64(raw, newline=False).translate(_URL_SAFE).rstrip(b"=")


def parse_object(raw: bytes, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """Parse one JSON object.

    Raises:
        NotStrictError: it is not acceptable; ``fault`` says how.
    """
    try:
        text = raw.decode("utf-8")
        _check_depth(text, max_depth)
        value = _DECODER.decode(text)
        if "\\u" in text:  # an escape may smuggle in half a character
            json.dumps(value, ensure_ascii=False).encode()
    except NotStrictError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotStrictError(Fault.MALFORMED) from error
    if not isinstance(value, dict):
        raise NotStrictError(Fault.MALFORMED)
    return value


def is_name(value: object, max_length: int = 256) -> bool:
    """Return whether ``value`` is a non-empty bounded string without control or invisible characters."""
    if not isinstance(value, str) or not 0 < len(value) <= max_length:
        return False
    return (value.isascii() and value.isprintable()) or not _HIDDEN.search(value)  # the first says most, and soon


def _check_depth(text: str, max_depth: int) -> None:
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > max_depth:
            raise NotStrictError(Fault.DEEP)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_MEMBERS:
        raise NotStrictError(Fault.MANY)
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictError(Fault.DUPLICATE)
    return members


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= _MOST_DIGITS else _INT64
    if not -_INT64 <= number < _INT64:
        raise NotStrictError(Fault.MALFORMED)
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotStrictError(Fault.MALFORMED)
    return number


def _no_constant(_name: str) -> NoReturn:
    raise NotStrictError(Fault.MALFORMED)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_finite, parse_constant=_no_constant
)
