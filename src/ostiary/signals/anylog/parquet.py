"""Records of a Parquet file, a few hundred at a time: the one form that is no stream, and needs the extra ``parquet``.

Rules:
- Only the columns that the mapping names are read; at most 1,024 columns, and a row group is decoded in batches.
- Before a row group is read its own account of itself is checked: at most one GiB unfolded, and beyond 16 MiB at most
  250 times what it takes in the file. Texts stay in their dictionary: one long text, a million times, is one text.
- The line of a record is its number, from 1.
- A file that cannot be read on is one rejection, where it broke.
"""

import os
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from math import isnan
from pathlib import Path as File
from typing import IO, Any, Final
from uuid import UUID

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.signals.anylog.inputs import Input
from ostiary.signals.anylog.lookups import from_object
from ostiary.signals.anylog.paths import Path
from ostiary.signals.anylog.records import Maker, Outcome
from ostiary.signals.anylog.times import Instant
from ostiary.signals.decoding import MAX_COLUMNS
from ostiary.signals.opening import CHUNK, FREE_BYTES, MOST_RATIO
from ostiary.signals.pieces import Accepted, Rejected

BATCH: Final = 256
MAX_GROUP: Final = 1 << 30
MAX_VALUE: Final = 64 << 10
MAX_LEAVES: Final = 4_096
_LIMITS: Final = {"thrift_string_size_limit": 16 << 20, "thrift_container_size_limit": 1 << 20}

Seen = Callable[[bytes], object]


def parquet_rows(
    path: File, form: Input, columns: tuple[Path, ...], maker: Maker, tenant: str, seen: Seen | None = None
) -> Iterator[Outcome]:
    """Yield what becomes of every record of the file at ``path``, in order; ``seen`` gets the file's bytes first.

    Raises:
        UnavailableError: ``extra_missing`` when pyarrow is not installed.
    """
    reader_of = _engine()
    make, number = maker(from_object(form.empty)), 0
    try:
        for record in _of_file(path, reader_of, {str(path[0]) for path in columns}, seen):
            number += 1
            try:
                outcome: Outcome = Accepted(number, make(record, tenant))
            except FaultyInputError as fault:
                outcome = Rejected(number, fault.code, fault.message)
            yield outcome
    except FaultyInputError as fault:
        yield Rejected(number + 1, fault.code, fault.message)


def _of_file(path: File, reader_of: Any, wanted: set[str], seen: Seen | None) -> Iterator[dict[str, Any]]:
    """Yield the records of one open file: what was digested is what is read, or the last of them is a fault."""
    if str(path) == "-":
        raise FaultyInputError("input_unreadable", "Parquet is no stream: give a file, not standard input")
    try:
        with path.open("rb") as file:
            before = _state(file)
            while seen is not None and (part := file.read(CHUNK)):
                seen(part)
            file.seek(0)
            yield from _records(reader_of, file, wanted)
            if _state(file) != before:
                raise FaultyInputError("input_changed", f"`{path}` was changed while it was read")
    except OSError as fault:
        raise FaultyInputError("input_unreadable", f"`{path}` cannot be read: {fault.strerror}") from fault


def _state(file: IO[bytes]) -> tuple[int, int]:
    told = os.fstat(file.fileno())
    return told.st_size, told.st_ctime_ns


def _engine() -> Any:
    try:
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - an extra, and heavy
    except ImportError as fault:
        text = "reading Parquet needs the parquet extra: pip install 'ostiary[parquet]'"
        raise UnavailableError("extra_missing", text) from fault
    return ParquetFile


def _records(reader_of: Any, file: IO[bytes], wanted: set[str]) -> Iterator[dict[str, Any]]:
    from pyarrow import ArrowException  # noqa: PLC0415 - the engine is there: see above

    try:
        opened = reader_of(file, **_LIMITS)
        _check(opened)
        names = [name for name in opened.schema_arrow.names if name in wanted]
        opened = reader_of(file, read_dictionary=_texts(opened.schema, names), buffer_size=CHUNK, **_LIMITS)
        if not names:
            yield from ({} for _ in range(opened.metadata.num_rows))
            return
        for batch in opened.iter_batches(batch_size=BATCH, columns=names, use_threads=False):
            yield from _unpacked(batch)
    except (ArrowException, OSError, ValueError, OverflowError) as fault:
        raise FaultyInputError("parquet_malformed", "the file is no whole Parquet file") from fault


def _texts(schema: Any, names: list[str]) -> list[str]:
    """Return the columns of plain texts; nested ones cannot stay in their dictionary."""
    columns = [schema.column(place) for place in range(len(schema))]
    return [one.path for one in columns if one.physical_type == "BYTE_ARRAY" and one.path in names]


def _check(opened: Any) -> None:
    told = opened.metadata
    if told.num_columns > MAX_LEAVES or len(opened.schema_arrow.names) > MAX_COLUMNS:
        raise FaultyInputError("parquet_too_large", f"the file has more than {MAX_COLUMNS:,} columns")
    for place in range(told.num_row_groups):
        group = told.row_group(place)
        sizes = [group.column(leaf) for leaf in range(group.num_columns)]
        whole = sum(one.total_uncompressed_size for one in sizes)
        packed = sum(one.total_compressed_size for one in sizes)
        if whole > MAX_GROUP or (whole > FREE_BYTES and whole > MOST_RATIO * max(packed, 1)):
            raise FaultyInputError("parquet_bomb", f"row group {place + 1} unfolds to more than is sound")


def _unpacked(batch: Any) -> Iterator[dict[str, Any]]:
    """Yield the records of a batch as plain values."""
    columns = {name: _values(batch.column(place)) for place, name in enumerate(batch.schema.names)}
    for place in range(batch.num_rows):
        yield {name: values[place] for name, values in columns.items()}


def _values(array: Any) -> list[Any]:
    """Return a column's values; those of a dictionary are shared, and only the used ones are taken out of it."""
    import pyarrow as pa  # noqa: PLC0415 - the engine is there: see above

    if pa.types.is_dictionary(array.type):
        places = array.indices.to_pylist()
        used = sorted({place for place in places if place is not None})
        words = dict(zip(used, _values(array.dictionary.take(pa.array(used, pa.int64()))), strict=True))
        return [words.get(place) for place in places]
    if array.nbytes > MAX_VALUE * BATCH:
        raise FaultyInputError("parquet_too_large", "the values of one column are too large")
    if pa.types.is_timestamp(array.type) and array.type.tz is not None:
        moments = array.cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_pylist()
        return [None if moment is None else Instant(moment) for moment in moments]
    if pa.types.is_timestamp(array.type):  # no zone: a clock on a wall, in the mapping's zone
        array = array.cast(pa.timestamp("us"), safe=False)
    return [_plain(each) for each in array.to_pylist()]


def _plain(value: Any) -> Any:
    """Return a value of the kinds that JSON has, or a moment; bytes are text, written out where they are no UTF-8."""
    if isinstance(value, float):
        return None if isnan(value) else value  # what a table without empty cells writes for one
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal | UUID):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return value.isoformat() if type(value) is date else value
