r"""Rows of a table: delimited text as spreadsheets and databases write it.

Rules:
- A field may stand in quotes, a quote in it is written twice (RFC 4180); a row ends with LF or CR LF.
- A quoted field ends on its own line, so that one broken row swallows no other, unless the mapping says ``multiline``:
  then a row goes on while a quote is open, for at most 1,000 lines and one mebibyte.
- A row with more or fewer fields than the header is refused.

>>> split(b'a,"b ""c"", d"', TableForm())
['a', 'b "c", d']
"""

import csv
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.decoding import MAX_COLUMNS, read_line
from ostiary.signals.pieces import MAX_RECORD, Piece

MAX_LINES: Final = 1_000
_BOM: Final = "\ufeff"


class TableForm(msgspec.Struct, frozen=True):
    """How a table is written.

    Attributes:
        delimiter: between fields.
        quote: around a field.
        header: whether the first line names the columns.
        names: of the columns when no line does; without any they are numbers from 1.
        multiline: whether a quoted field may hold line breaks.
    """

    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    names: tuple[str, ...] = ()
    multiline: bool = False


def split(data: bytes, form: TableForm) -> list[str]:
    """Return the fields of one row.

    Raises:
        FaultyInputError: ``record_malformed``.
    """
    text = read_line(data)
    if form.quote not in text and "\r" not in text:
        return text.split(form.delimiter)  # what the csv module would give, in a tenth of the time
    try:
        lines = text.splitlines(keepends=True) if form.multiline else [text]
        rows = list(csv.reader(lines, strict=True, delimiter=form.delimiter, quotechar=form.quote))
    except csv.Error as fault:
        raise FaultyInputError("record_malformed", f"the row cannot be read: {fault}") from fault
    if len(rows) != 1:
        raise FaultyInputError("record_malformed", "the row is none, or more than one")
    return rows[0]


def places(row: list[str]) -> dict[str, int]:
    """Return where each column of a header lies.

    Raises:
        FaultyInputError: ``header_malformed``.
    """
    names = [name.strip().removeprefix(_BOM).strip() for name in row]
    if len(names) > MAX_COLUMNS or len(set(names)) != len(names):
        raise FaultyInputError("header_malformed", "the header has too many columns, or one name twice")
    return {name: place for place, name in enumerate(names)}


def without_mark(piece: Piece) -> Piece:
    """Return the first piece of a file without its byte order mark."""
    mark = _BOM.encode()
    return Piece(piece.line, piece.data[len(mark) :], piece.fault) if piece.data.startswith(mark) else piece


def joined(pieces: Iterable[Piece], quote: str) -> Iterator[Piece]:
    """Yield rows that may be several lines long: a row goes on while a quote is open."""
    mark = quote.encode()
    held: list[bytes] = []
    begun = last = size = 0
    for piece in pieces:
        odd = piece.data.count(mark) % 2 == 1
        if not held and (not odd or piece.fault):
            yield piece
            continue
        begun = begun if held else piece.line
        held += [b""] * (piece.line - last - 1) if held else []
        held.append(piece.data)
        last, size = piece.line, size + len(piece.data)
        if piece.fault or size > MAX_RECORD or piece.line - begun >= MAX_LINES:
            yield Piece(begun, b"", piece.fault or "record_too_large")
            held, size = [], 0
        elif odd and len(held) > 1:
            yield Piece(begun, b"\n".join(held))
            held, size = [], 0
    if held:
        yield Piece(begun, b"", "input_truncated")
