"""Strict JSON from outside bytes: one parser, hard limits, a stable code for every fault.

1. At most ``max_bytes``; UTF-8 only (RFC 8259 §8.1), no byte-order mark, no lone surrogates.
2. At most ``max_depth`` objects and arrays inside each other, checked before anything is built.
3. No duplicate member names: two parsers could read two different requests out of one body.
4. No ``NaN`` or ``Infinity``, no number that a 64-bit integer or a finite double cannot hold.
5. Exactly one value, and nothing after it.

Policy and the record get what is parsed here and nothing else ever parses the bytes again.

>>> parse_json(b'{"a": [1, 2.5, "x"]}', BodyLimits())
{'a': [1, 2.5, 'x']}
>>> parse_json(b'{"a": 1, "a": 2}', BodyLimits())
Traceback (most recent call last):
    ...
ostiary.errors.FaultyInputError: the body names the member `a` twice
"""

import json
import math
import re
from itertools import accumulate
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.vocabulary.reasons import Reason


class BodyLimits(msgspec.Struct, frozen=True):
    """How much a body may hold.

    Attributes:
        max_bytes: length of the body.
        max_depth: objects and arrays inside each other; a scalar alone has depth 0.
    """

    max_bytes: int = 1_048_576
    max_depth: int = 32


_STRINGS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKETS_ONLY: Final = bytes(sorted(set(range(256)) - set(b"[]{}")))
_STEP: Final = tuple(1 if chr(b) in "[{" else -1 for b in range(256))
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_MAX_INTEGER_DIGITS: Final = 19
_INT64: Final = range(-(2**63), 2**63)
_SHOWN: Final = 80


def _fault(reason: Reason, message: str) -> FaultyInputError:
    return FaultyInputError(reason.value, message)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of one object; called by the C scanner for each."""
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _fault(Reason.BODY_DUPLICATE_KEY, f"the body names the member `{printable(twice)}` twice")
    return members


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= _MAX_INTEGER_DIGITS + 1 else 2**64
    if number not in _INT64:
        raise _fault(Reason.BODY_MALFORMED, f"the number `{digits[:_SHOWN]}` does not fit 64 bits")
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _fault(Reason.BODY_MALFORMED, f"the number `{digits[:_SHOWN]}` is too large")
    return number


def _constant(name: str) -> float:
    raise _fault(Reason.BODY_MALFORMED, f"`{name}` is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def printable(text: str) -> str:
    """Return ``text`` cut short and free of control characters and surrogates, for messages and logs."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:_SHOWN])


def _check_depth(body: bytes, max_depth: int) -> None:
    """Refuse bodies that nest too deep; counts brackets outside strings, builds nothing."""
    if body.count(b"{") + body.count(b"[") <= max_depth:
        return
    brackets = _STRINGS.sub(b"", body).translate(None, _BRACKETS_ONLY)
    depth = max(accumulate(map(_STEP.__getitem__, brackets)), default=0)
    if depth > max_depth:
        raise _fault(Reason.BODY_DEPTH, f"the body nests {depth} deep, {max_depth} is allowed")


def _check_surrogates(body: bytes, value: object) -> None:
    """Refuse escapes that make half a character: they cannot be written back as UTF-8."""
    if _SURROGATE.search(body) is None:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _fault(Reason.BODY_MALFORMED, "the body has a lone surrogate") from None


def parse_json(body: bytes, limits: BodyLimits) -> Any:
    """Parse one JSON value.

    Args:
        body: the bytes as they came.
        limits: how much they may hold.

    Returns:
        The value, of dicts, lists, strings, ints, floats, bools and ``None``.

    Raises:
        FaultyInputError: ``body_too_large``, ``body_too_deep``, ``body_duplicate_key`` or ``body_malformed``.
    """
    if len(body) > limits.max_bytes:
        raise _fault(Reason.BODY_TOO_LARGE, f"the body has {len(body)} bytes, {limits.max_bytes} are allowed")
    _check_depth(body, limits.max_depth)
    try:
        text = body.decode()
        value = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise _fault(Reason.BODY_MALFORMED, f"the body is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise _fault(Reason.BODY_MALFORMED, f"the body is not JSON at character {error.pos}") from None
    _check_surrogates(body, value)
    return value


def parse_object(body: bytes, limits: BodyLimits) -> dict[str, Any]:
    """Parse one JSON object, the only kind of body that AuthZEN knows.

    Raises:
        FaultyInputError: as ``parse_json``; ``body_malformed`` also when the value is no object.
    """
    value = parse_json(body, limits)
    if not isinstance(value, dict):
        raise _fault(Reason.BODY_MALFORMED, "the body must be a JSON object")
    return value
