"""Tables over HTTP: an Arrow IPC stream with limits, or JSON; and the digest of what was written.

A stream is read with nothing allowed that makes small bytes large: no compression, no dictionaries without end, no
nested types. What Arrow complains of is told by kind.
"""

import json
import math
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.keys import sha256_hex

ARROW: Final = "application/vnd.apache.arrow.stream"
MAX_COLUMNS: Final = 1000
MAX_ROWS: Final = 10_000_000
INVALID: Final = "table_invalid"
WATERMARK: Final = b"ostiary.watermark"


def read_table(given: bytes | list[dict[str, Any]]) -> Any:
    """Return an Arrow table from an IPC stream or from rows.

    Raises:
        FaultyInputError: ``table_invalid``.
    """
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own

    try:
        return _stream(given) if isinstance(given, bytes) else _rows(given)
    except (pa.ArrowException, ValueError, TypeError, OverflowError, OSError) as fault:
        raise FaultyInputError(INVALID, "the table cannot be read") from fault


def _stream(raw: bytes) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    batches, rows = [], 0
    with pa.ipc.open_stream(pa.py_buffer(raw)) as reader:
        _check_schema(reader.schema)
        for batch in reader:
            batch.validate(full=True)
            rows += batch.num_rows
            # Without compression and nesting a table is no larger than what came, but for validity and dictionaries.
            if rows > MAX_ROWS or batch.nbytes > 4 * len(raw) + 65_536:
                raise FaultyInputError(INVALID, "the table is larger than it may be")
            batches.append(batch)
        return pa.Table.from_batches(batches, reader.schema).replace_schema_metadata(None)


def _check_schema(schema: Any) -> None:
    import pyarrow as pa  # noqa: PLC0415

    if len(schema) > MAX_COLUMNS or len(set(schema.names)) != len(schema.names):
        raise FaultyInputError(INVALID, "the table has too many columns, or two with one name")
    if any(pa.types.is_nested(field.type) or pa.types.is_dictionary(field.type) for field in schema):
        raise FaultyInputError(INVALID, "the table has columns of columns, or dictionaries")


def _rows(rows: list[dict[str, Any]]) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    names = list(dict.fromkeys(key for row in rows for key in row))
    if len(names) > MAX_COLUMNS:
        raise FaultyInputError(INVALID, "the table has too many columns")
    for row in rows:
        if any(isinstance(value, dict | list) for value in row.values()):
            raise FaultyInputError(INVALID, "a value of a row is a text, a number, true, false or null")
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})


def to_arrow(table: Any, watermark: str = "") -> bytes:
    """Return an IPC stream."""
    import pyarrow as pa  # noqa: PLC0415

    if watermark:
        table = table.replace_schema_metadata({WATERMARK: watermark.encode()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def to_json(table: Any, decision_id: str) -> bytes:
    """Return a document of names and rows; what JSON has no word for is null or text."""
    columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
    rows = [list(row) for row in zip(*columns, strict=True)]
    told = {"decision_id": decision_id, "columns": table.column_names, "rows": rows}
    return json.dumps(told, ensure_ascii=False, default=_text, allow_nan=False).encode()


def _text(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def digest_of(table: Any) -> str:
    """Return the digest of a table's stream, for the record."""
    return sha256_hex(to_arrow(table))
