r"""Universal Binary JSON as XGBoost writes it, read with a count of what is left before anything is made.

- Big-endian; keys and texts with a length, counted arrays, and typed arrays of numbers, which stay bytes.
- A count is refused when what is left of the file cannot hold it; types without bytes may not be counted (``[$Z#…``).
- No member twice, no no-ops, no end missing, nothing after the value.

https://ubjson.org/type-reference/ · xgboost/src/common/json.cc, ``UBJReader``.

>>> read_ubjson(memoryview(b"{i\x01a[$d#i\x01" + bytes(4) + b"}"))
{'a': array('f', [0.0])}
"""

import struct
import sys
from array import array
from typing import Any, Final

from ostiary.artifacts.formats.limits import DEFAULT_LIMITS, FormatLimits
from ostiary.artifacts.formats.misfit import Bytes, Misfit, shown, within

_NUMBERS: Final = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q", b"d": ">f", b"D": ">d"}
_COUNTS: Final = frozenset({b"i", b"U", b"I", b"l", b"L"})
_ARRAYS: Final = {b"i": "b", b"U": "B", b"I": "h", b"l": "i", b"L": "q", b"d": "f", b"D": "d"}
_PLAIN: Final = {b"Z": None, b"T": True, b"F": False}
_MAX_TEXT: Final = 1 << 20


def read_ubjson(data: Bytes, limits: FormatLimits = DEFAULT_LIMITS) -> Any:
    """Return the one value that ``data`` is; typed arrays become ``array.array``.

    Raises:
        Misfit: ``format_ubjson_malformed``, ``format_ubjson_truncated``, ``format_too_large``.
    """
    reader = _Reader(data, limits)
    value = reader.value(reader.take(1), 0)
    if reader.left():
        raise Misfit("format_ubjson_malformed", "something follows the value")
    return value


class _Reader:
    """Where in the file we are."""

    def __init__(self, data: Bytes, limits: FormatLimits) -> None:
        self._data = data
        self._at = 0
        self._limits = limits
        self._values = 0

    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, length: int) -> bytes:
        if length > self.left():
            raise Misfit("format_ubjson_truncated", "it ends early, or a length in it is not true")
        self._at += length
        return bytes(self._data[self._at - length : self._at])

    def value(self, mark: bytes, depth: int) -> Any:
        within("values inside each other", depth, self._limits.max_json_depth)
        self._values += 1
        within("values", self._values, self._limits.max_json_values)
        if mark in _NUMBERS:
            return self._number(mark)
        if mark in _PLAIN:
            return _PLAIN[mark]
        if mark == b"S":
            return self._text()
        if mark == b"[":
            return self._array(depth)
        if mark == b"{":
            return self._object(depth)
        raise Misfit("format_ubjson_malformed", f"there is no type {shown(mark)}")

    def _number(self, mark: bytes) -> Any:
        form = _NUMBERS[mark]
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def _count(self) -> int:
        mark = self.take(1)
        count = self._number(mark) if mark in _COUNTS else -1
        if count < 0 or count > self.left():  # whatever is counted takes a byte at least
            raise Misfit("format_ubjson_truncated", "it counts more than the file can hold")
        return int(count)

    def _text(self) -> str:
        length = self._count()
        within("bytes in a text", length, _MAX_TEXT)
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            raise Misfit("format_ubjson_malformed", "a text is not UTF-8") from None

    def _array(self, depth: int) -> Any:
        mark = self.take(1)
        if mark == b"$":
            return self._typed()
        if mark == b"#":
            return [self.value(self.take(1), depth + 1) for _ in range(self._count())]
        found: list[Any] = []
        while mark != b"]":
            found.append(self.value(mark, depth + 1))
            mark = self.take(1)
        return found

    def _typed(self) -> Any:
        mark = self.take(1)
        code = _ARRAYS.get(mark)
        if code is None or self.take(1) != b"#":
            raise Misfit("format_ubjson_malformed", f"arrays of {shown(mark)} are not in use")
        numbers = array(code)
        numbers.frombytes(self.take(self._count() * numbers.itemsize))
        if sys.byteorder == "little":
            numbers.byteswap()
        return numbers

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while True:
            if bytes(self._data[self._at : self._at + 1]) == b"}":
                self._at += 1
                return found
            name = self._text()
            if name in found:
                raise Misfit("format_ubjson_malformed", f"the member {shown(name)} comes twice")
            found[name] = self.value(self.take(1), depth + 1)
