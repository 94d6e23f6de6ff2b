"""JSON of a model file: one reading only, and bounded before anything is built.

1. UTF-8, no byte-order mark, no lone surrogates; exactly one value.
2. Length, number of values and depth are counted on the bytes first: ``[[[[…`` and ``[0,0,0,…`` cost a scan each.
3. No member twice in one object (two readers would see two models), no ``NaN`` or ``Infinity``.

>>> strict_json(memoryview(b'{"a": [1, 2.5]}'))
{'a': [1, 2.5]}
>>> strict_json(memoryview(b'{"a": 1, "a": 2}'))
Traceback (most recent call last):
ostiary.artifacts.formats.misfit.Misfit: the member `a` comes twice
"""

import json
import re
from itertools import accumulate
from typing import Any, Final, NoReturn

from ostiary.artifacts.formats.limits import DEFAULT_LIMITS, FormatLimits
from ostiary.artifacts.formats.misfit import Bytes, Misfit, shown, within

_STRINGS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_NO_BRACKETS: Final = bytes(sorted(set(range(256)) - set(b"[]{}")))
_STEP: Final = tuple(1 if chr(b) in "[{" else -1 for b in range(256))
_MAX_DIGITS: Final = 40


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise Misfit("format_json_duplicate", f"the member {shown(twice)} comes twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise Misfit("format_json_malformed", f"the number {shown(digits)} is too long")
    return int(digits)


def _constant(name: str) -> NoReturn:
    raise Misfit("format_json_malformed", f"{shown(name)} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_int=_integer, parse_constant=_constant)


def strict_json(data: Bytes, limits: FormatLimits = DEFAULT_LIMITS, max_bytes: int = 0) -> Any:
    """Return the one value that ``data`` is.

    Raises:
        Misfit: ``format_too_large``, ``format_json_deep``, ``format_json_duplicate``, ``format_json_malformed``.
    """
    within("bytes of JSON", len(data), max_bytes or limits.max_json_bytes)
    raw = bytes(data)
    _check_shape(raw, limits)
    try:
        value = _DECODER.decode(raw.decode())
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise Misfit("format_json_malformed", "it is not JSON in UTF-8") from None
    if b"\\u" in raw and _half_characters(value):
        raise Misfit("format_json_malformed", "it has a lone surrogate")
    return value


def _check_shape(raw: bytes, limits: FormatLimits) -> None:
    commas, opened = raw.count(b","), raw.count(b"[") + raw.count(b"{")
    if commas + opened <= limits.max_json_depth:
        return
    bare = _STRINGS.sub(b"", raw)  # what lies outside strings
    within("JSON values", bare.count(b",") + bare.count(b"[") + bare.count(b"{"), limits.max_json_values)
    brackets = bare.translate(None, _NO_BRACKETS)
    depth = max(accumulate(map(_STEP.__getitem__, brackets)), default=0)
    if depth > limits.max_json_depth:
        raise Misfit("format_json_deep", f"it nests {depth} deep, {limits.max_json_depth} is allowed")


def _half_characters(value: Any) -> bool:
    try:
        for part in json.JSONEncoder(ensure_ascii=False).iterencode(value):
            part.encode()
    except UnicodeEncodeError:
        return True
    return False
