"""The records of a mapped log, one after another, each accepted or rejected with its line.

Rules:
- Read = accepted + rejected; a stream that breaks is one rejection more, where it broke.
- Without a header that can be read no row of the table can, and each says so.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.signals.anylog.inputs import Input
from ostiary.signals.anylog.lookups import Lookup, from_object, from_table
from ostiary.signals.anylog.tables import TableForm, joined, places, split, without_mark
from ostiary.signals.decoding import MAX_COLUMNS, check_text, read_json
from ostiary.signals.pieces import Accepted, Piece, Rejected
from ostiary.signals.splitting import json_pieces, lines
from ostiary.vocabulary.events import AccessEvent

Make = Callable[[Any, str], AccessEvent]
Maker = Callable[[Lookup], Make]
Outcome = Accepted | Rejected

_TEXTS: Final = {
    "record_too_large": "the record has more than one mebibyte, or a thousand lines",
    "input_truncated": "the input ends inside a record",
}
_UNREADABLE: Final = "what stands here is no record"


def faulty(piece: Piece) -> Rejected:
    """Return the rejection of a piece that holds no record."""
    return Rejected(piece.line, piece.fault, _TEXTS.get(piece.fault, _UNREADABLE))


def objects(chunks: Iterable[bytes], form: Input, maker: Maker, tenant: str) -> Iterator[Outcome]:
    """Yield what becomes of every JSON object."""
    make, last = maker(from_object(form.empty)), 1
    try:
        for piece in json_pieces(chunks, form.envelopes):
            last = piece.line
            if piece.fault:
                yield faulty(piece)
                continue
            try:
                outcome: Outcome = Accepted(last, make(read_json(piece.data), tenant))
            except FaultyInputError as fault:
                outcome = Rejected(last, fault.code, fault.message)
            yield outcome
    except FaultyInputError as fault:  # the stream itself broke
        yield Rejected(last, fault.code, fault.message)


def rows(
    chunks: Iterable[bytes], form: TableForm, empty: frozenset[str], maker: Maker, tenant: str
) -> Iterator[Outcome]:
    """Yield what becomes of every row of a table; the header is no row."""
    reader = _Rows(form, empty, maker, tenant)
    pieces: Iterable[Piece] = lines(chunks)
    if form.multiline:
        pieces = joined(pieces, form.quote)
    last = 1
    try:
        for piece in pieces:
            last = piece.line
            if piece.fault:
                yield faulty(piece)
                continue
            try:
                event = reader.event(piece)
            except FaultyInputError as fault:
                yield Rejected(last, fault.code, fault.message)
                continue
            if event is not None:
                yield Accepted(last, event)
    except FaultyInputError as fault:  # the stream itself broke: a damaged or hostile gzip, an unreadable disk
        yield Rejected(last, fault.code, fault.message)


class _Rows:
    """Reads one table: the header first, then every row by it."""

    def __init__(self, form: TableForm, empty: frozenset[str], maker: Maker, tenant: str) -> None:
        self._form = form
        self._empty = empty
        self._maker = maker
        self._tenant = tenant
        self._make: Make | None = None
        self._width = 0
        self._fault: FaultyInputError | None = None

    def event(self, piece: Piece) -> AccessEvent | None:
        """Return the event of a row, ``None`` for the header."""
        if self._make is None:
            return self._begin(piece)
        row = split(piece.data, self._form)
        if len(row) != self._width:
            text = f"the row has {len(row)} fields, the header {self._width}"
            raise FaultyInputError("record_malformed", text)
        return self._make(row, self._tenant)

    def _begin(self, piece: Piece) -> AccessEvent | None:
        if self._fault is not None:
            raise self._fault
        form, piece = self._form, without_mark(piece)
        try:
            if form.header:
                check_text(piece.data)
            row = split(piece.data, form)
            named = places(row) if form.header else _numbered(form.names, len(row))
        except FaultyInputError as fault:
            self._fault = fault if form.header else None
            raise
        self._width = len(row) if form.header or not form.names else len(form.names)
        self._make = self._maker(from_table(named, self._empty))
        return None if form.header else self.event(piece)


def _numbered(names: tuple[str, ...], width: int) -> dict[str, int]:
    """Return where the columns of a table without a header lie: by their given names, and by number from 1.

    Raises:
        FaultyInputError: ``header_malformed``.
    """
    if width > MAX_COLUMNS:
        raise FaultyInputError("header_malformed", "the table has too many columns")
    given = {name: place for place, name in enumerate(names)}
    return {**{str(place + 1): place for place in range(len(names) or width)}, **given}
