r"""Reads the wire form of protocol buffers, as far as a judge needs it: fields in order, nothing built.

- Varints are at most ten bytes and as short as they can be; groups and unknown wire types are refused.
- A length never reaches beyond its message; every field that is read is counted.

https://protobuf.dev/programming-guides/encoding/

>>> [(field.number, field.wire) for field in Wire(memoryview(b"\x08\x07\x12\x01a"), most=9).fields()]
[(1, 0), (2, 2)]
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from ostiary.artifacts.formats.misfit import Bytes, Misfit

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
FIXED32: Final = 5
_MAX_VARINT: Final = 10
_MORE: Final = 0x80
_WIDTH: Final = {FIXED64: 8, FIXED32: 4}
_MAX_NUMBER: Final = 2**29 - 1
_ENDS: Final = bytes(range(0x80, 0x100))


class Field(NamedTuple):
    """One field: its number, how it is written, and a number (varint) or bytes (all else)."""

    number: int
    wire: int
    value: "int | memoryview"


class Wire:
    """A message's bytes, with one count of fields that all messages inside it share."""

    __slots__ = ("_count", "_data")

    def __init__(self, data: Bytes, most: int, count: list[int] | None = None) -> None:
        """Read ``data``, at most ``most`` fields in it and all that is inside it."""
        self._data = data
        self._count = count if count is not None else [most]

    def inside(self, data: Bytes) -> "Wire":
        """Return a message inside this one; what it has counts here."""
        return Wire(data, 0, self._count)

    def fields(self) -> Iterator[Field]:
        """Give the fields one after the other.

        Raises:
            Misfit: ``format_protobuf_malformed``, ``format_protobuf_truncated``, ``format_too_large``.
        """
        at, end = 0, len(self._data)
        while at < end:
            self._count[0] -= 1
            if self._count[0] < 0:
                raise Misfit("format_too_large", "it has more fields than are allowed")
            tag, at = varint(self._data, at)
            number, wire = tag >> 3, tag & 7
            if not 1 <= number <= _MAX_NUMBER:
                raise Misfit("format_protobuf_malformed", f"there is no field {number}")
            value: int | memoryview
            if wire == VARINT:
                value, at = varint(self._data, at)
            else:
                begin, at = self._span(wire, at)
                value = self._data[begin:at]
            yield Field(number, wire, value)

    def _span(self, wire: int, at: int) -> tuple[int, int]:
        if wire == LENGTH:
            length, at = varint(self._data, at)
        elif wire in _WIDTH:
            length = _WIDTH[wire]
        else:
            raise Misfit("format_protobuf_malformed", f"wire type {wire} is not in use")
        if length > len(self._data) - at:
            raise Misfit("format_protobuf_truncated", "a field is longer than what holds it")
        return at, at + length


def varint(data: Bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at ``at`` and where it ends.

    Raises:
        Misfit: ``format_protobuf_truncated``, ``format_protobuf_malformed``.
    """
    number = 0
    for shift in range(_MAX_VARINT):
        if at + shift >= len(data):
            raise Misfit("format_protobuf_truncated", "a number ends early")
        byte = data[at + shift]
        number |= (byte & 0x7F) << (7 * shift)
        if byte < _MORE:
            if (shift and not byte) or number >= 2**64:
                raise Misfit("format_protobuf_malformed", "a number is longer than it need be")
            return number, at + shift + 1
    raise Misfit("format_protobuf_malformed", "a number is longer than 64 bits")


def count_varints(data: Bytes) -> int:
    """Return how many numbers are packed in ``data``: as many as bytes that end one."""
    if len(data) and data[-1] >= _MORE:
        raise Misfit("format_protobuf_truncated", "a packed number ends early")
    return len(bytes(data).translate(None, _ENDS))
