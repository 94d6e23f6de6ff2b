"""Rows of PostgreSQL as an Arrow table, up to the limits.

- Types that the features know keep their own Arrow type; numerics are float64, and whatever else there is comes as the
  text that PostgreSQL would show.
- Rows are counted as they come. After the first that is too much nothing is kept: a little more is let through, so that
  the line can be used again, then the line is cut.
- Texts become values in Arrow, a batch at a time; what Arrow cannot read (years before Christ, infinite times) is left
  to the driver's own reading.
"""

import struct
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pg8000 import converters

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.pipeline.features.ports import Limits
from ostiary.storage.postgres.link import Link
from ostiary.storage.postgres.streaming import Columns

BATCH_ROWS: Final = 5000
BATCH_BYTES: Final = 4 * 1024 * 1024
DRAINED_BYTES: Final = 1024 * 1024
_SLACK_BYTES: Final = 65_536
_WORDS_BYTES: Final = 1024 * 1024  # 1600 columns are described in 131 KB
_LENGTH: Final = struct.Struct("!i")
_COUNT_BYTES: Final = 2
_KINDS: Final[dict[int, tuple[Any, Callable[[str], Any]]]] = {
    converters.BOOLEAN: (pa.bool_(), converters.bool_in),
    converters.DATE: (pa.date32(), converters.date_in),
    converters.REAL: (pa.float64(), float),
    converters.FLOAT: (pa.float64(), float),
    converters.SMALLINT: (pa.int64(), int),
    converters.INTEGER: (pa.int64(), int),
    converters.BIGINT: (pa.int64(), int),
    converters.NUMERIC: (pa.float64(), float),
    converters.TIMESTAMP: (pa.timestamp("us"), converters.timestamp_in),
    converters.TIMESTAMPTZ: (pa.timestamp("us", tz="UTC"), converters.timestamptz_in),
}
_TEXT: Final = (pa.string(), str)


def read_rows(link: Link, query: str, limits: Limits) -> pa.Table:
    """Return all rows of one query.

    Raises:
        FaultyInputError: ``query_invalid``: a value has no place in Arrow, or none in a text of the server.
        RefusedError: ``query_too_large``.
        native.Error: what the server or the line says.
    """
    if "\0" in query:  # it ends the text on the wire
        raise _odd_values()
    taken = _Taken(limits)
    link.stream(query, taken)
    return taken.table()


class _Taken:
    """What came of one answer; implements ``streaming.Taker``."""

    def __init__(self, limits: Limits) -> None:
        """Take how much may come."""
        self._limits = limits
        self._kinds: list[tuple[Any, Callable[[str], Any]]] = []
        self._schema = pa.schema([])
        self._waiting: list[bytes] = []
        self._batches: list[Any] = []
        self._rows = self._waiting_bytes = self._bytes = self._drained = 0
        self._fault: OstiaryError | None = None

    def described(self, columns: Columns) -> None:
        """Take what the columns are."""
        self._kinds = [_KINDS.get(one["type_oid"], _TEXT) for one in columns]
        fields = zip(columns, self._kinds, strict=True)
        self._schema = pa.schema([pa.field(one["name"], kind) for one, (kind, _) in fields])

    def check(self, length: int, *, row: bool) -> None:
        """Refuse a row by its length, and words that can only be a fault with a value in it.

        Raises:
            FaultyInputError: ``query_invalid``.
            RefusedError: ``query_too_large``.
        """
        if not row and length > _WORDS_BYTES:
            raise _odd_values()
        if row and length > 2 * self._limits.max_bytes + _SLACK_BYTES:
            raise self._too_large()

    def row(self, data: bytes) -> None:
        """Take one row.

        Raises:
            OstiaryError: so much came after the first that was too much that it is not worth waiting for the end.
        """
        if self._fault is not None:
            self._drained += len(data)
            if self._drained > DRAINED_BYTES:
                raise self._fault
            return
        self._rows += 1
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._rows > self._limits.max_rows:
            self._give_up(self._too_large())
        elif len(self._waiting) >= BATCH_ROWS or self._waiting_bytes >= BATCH_BYTES:
            self._pack()

    def table(self) -> pa.Table:
        """Return all that came.

        Raises:
            OstiaryError: it was too much, or has no place in Arrow.
        """
        if self._waiting or not self._batches:
            self._pack()
        if self._fault is not None:
            raise self._fault
        return pa.Table.from_batches(self._batches, self._schema)

    def _pack(self) -> None:
        rows, self._waiting, self._waiting_bytes = self._waiting, [], 0
        try:
            arrays = [_array(texts, *kind) for texts, kind in zip(_split(rows, self._kinds), self._kinds, strict=True)]
            batch = pa.record_batch(arrays, schema=self._schema)
        except (pa.ArrowException, ValueError, TypeError, OverflowError, struct.error):
            self._give_up(_odd_values())
            return
        self._bytes += batch.nbytes
        self._batches.append(batch)
        if self._bytes > self._limits.max_bytes:
            self._give_up(self._too_large())

    def _give_up(self, fault: OstiaryError) -> None:
        self._fault, self._waiting, self._batches = self._fault or fault, [], []

    def _too_large(self) -> RefusedError:
        most = self._limits.max_rows
        return RefusedError("query_too_large", f"the answer has more than {most} rows, or too many bytes")


def _odd_values() -> FaultyInputError:
    return FaultyInputError("query_invalid", "the query cannot run on these values")


def _split(rows: list[bytes], width: list[Any]) -> list[list[bytes | None]]:
    """Return the texts of each column: a count stands before a row's values, a length before each (-1 is null)."""
    columns: list[list[bytes | None]] = [[] for _ in width]
    read = _LENGTH.unpack_from
    for row in rows:
        at = _COUNT_BYTES
        for column in columns:
            (length,) = read(row, at)
            at += _LENGTH.size
            if length < 0:
                column.append(None)
            else:
                column.append(row[at : at + length])
                at += length
    return columns


def _array(values: list[bytes | None], kind: Any, read: Callable[[str], Any]) -> Any:
    texts = pa.array(values, pa.binary()).cast(pa.string())
    if kind == pa.string():
        return texts
    if kind == pa.bool_():
        return pc.equal(texts, "t")
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return pa.array([None if one is None else read(one) for one in texts.to_pylist()], kind)
