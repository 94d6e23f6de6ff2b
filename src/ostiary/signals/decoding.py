r"""One record's bytes to a plain value: an object of JSON, a line of text, or a row of a table.

Rules:
- JSON has at most 64 levels; what is no object is refused. JSON written inside a text is held to the same.
- Whoever is logged chooses bytes of it (a client's name, a path): bytes that are no UTF-8, and halves of a pair of
  UTF-16, are read as what they are, written out (``\xff``, ``\ud800``). A refused record would hide its event, and a
  guessed encoding would make two names of one. A table's header is no such text: it is UTF-8 or refused.
- A table's first line names its columns; a row with more or fewer is refused. A quoted field ends on its own line.

>>> read_json(b'[1]')
Traceback (most recent call last):
ostiary.errors.FaultyInputError: the record is no JSON object
"""

import csv
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.pieces import MAX_RECORD, Shape

MAX_DEPTH: Final = 64
MAX_COLUMNS: Final = 1024
# A string without an end is a match as well: else each quote in it would be looked at to the record's end again.
_STRINGS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_decode: Final = msgspec.json.Decoder().decode
_NO_UTF_8: Final = re.compile("[\udc80-\udcff]")
_BYTE: Final = 0xDC00
_ESCAPES: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)

csv.field_size_limit(MAX_RECORD)  # 128 KiB are its own: whoever pads a statement would hide it

Decode = Callable[[bytes], Any]


def read_json(data: bytes) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        FaultyInputError: ``record_malformed``, ``record_too_deep``.
    """
    if _too_deep(data):
        raise FaultyInputError("record_too_deep", f"the record has more than {MAX_DEPTH} levels")
    try:
        value = decoded(data)
    except _UNREADABLE as fault:
        raise FaultyInputError("record_malformed", "the record is no JSON") from fault
    if not isinstance(value, dict):
        raise FaultyInputError("record_malformed", "the record is no JSON object")
    return value


def decoded(data: bytes) -> Any:
    """Return JSON as a plain value; what is no text in it is written out.

    Raises:
        DecodeError, RecursionError, UnicodeDecodeError: of msgspec: it is no JSON.
    """
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        mended = _written_out(data)
        if mended == data:
            raise
    return _decode(mended)


def _written_out(data: bytes) -> bytes:
    r"""Return ``data`` with what no text of JSON can hold written out, so that it reads as ``\xff`` or ``\ud800``."""
    text = data.decode("utf-8", "surrogateescape")
    data = _NO_UTF_8.sub(lambda found: f"\\\\x{ord(found[0]) - _BYTE:02x}", text).encode()
    return _ESCAPES.sub(lambda found: b"\\\\" + found[1] if found[1] else found[0], data)


def read_inner(text: str) -> Any:
    """Return the JSON that is written inside a text, or ``None`` when there is none, or it has more than 64 levels."""
    try:
        data = text.encode()
        return None if _too_deep(data) else decoded(data)
    except (*_UNREADABLE, UnicodeError):
        return None


def _too_deep(data: bytes) -> bool:
    return data.count(b"{") + data.count(b"[") > MAX_DEPTH and _depth(data) > MAX_DEPTH


def _depth(data: bytes) -> int:
    deepest = depth = 0
    for byte in _STRINGS.sub(b"", data):
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def read_line(data: bytes) -> str:
    """Return a line of text; bytes that are no UTF-8 are written out."""
    return data.decode("utf-8", "backslashreplace").rstrip("\r")


def check_text(data: bytes) -> None:
    """Refuse a header that is no UTF-8.

    Raises:
        FaultyInputError: ``header_malformed``.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise FaultyInputError("header_malformed", "the header is no UTF-8 text") from fault


class Table:
    """Reads rows; the first line is the header and gives ``None``."""

    def __init__(self) -> None:
        """Wait for the header."""
        self._columns: list[str] | None = None

    def __call__(self, data: bytes) -> dict[str, str] | None:
        """Return a row by its columns' names.

        Raises:
            FaultyInputError: ``record_malformed``, ``header_malformed``.
        """
        try:
            row = next(csv.reader([read_line(data)], strict=True), [])
        except csv.Error as fault:
            raise FaultyInputError("record_malformed", f"the row cannot be read: {fault}") from fault
        if self._columns is None:
            check_text(data)
            self._columns = _header(row)
            return None
        if len(row) != len(self._columns):
            text = f"the row has {len(row)} fields, the header {len(self._columns)}"
            raise FaultyInputError("record_malformed", text)
        return dict(zip(self._columns, row, strict=True))


def _header(row: list[str]) -> list[str]:
    names = [name.strip().removeprefix("\ufeff") for name in row]
    if len(names) > MAX_COLUMNS or len(set(names)) != len(names):
        raise FaultyInputError("header_malformed", "the header has too many columns, or one name twice")
    return names


def decoder(shape: Shape) -> Decode:
    """Return a fresh decoder for records of ``shape``."""
    if shape is Shape.TABLE:
        return Table()
    return read_json if shape is Shape.JSON else read_line
