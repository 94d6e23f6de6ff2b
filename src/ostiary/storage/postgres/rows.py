"""Rows of PostgreSQL as an Arrow table, up to the limits.

Types that the features know keep their own Arrow type; numerics are float64, and whatever else there is comes as the
text that PostgreSQL would show.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
from pg8000 import converters

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.features.ports import Limits
from ostiary.storage.postgres.link import Link

FETCH: Final = 5000
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


def prepare_types(link: Link) -> None:
    """Let every type but those with an Arrow type of their own come as text."""
    link.connection.pg_types = defaultdict(lambda: str, {oid: read for oid, (_, read) in _KINDS.items()})


def read_rows(link: Link, cursor: str, limits: Limits) -> pa.Table:
    """Return all rows of an open cursor, whose name is our own word.

    Raises:
        FaultyInputError: ``query_invalid``: a value has no place in Arrow.
        RefusedError: ``query_too_large``.
    """
    batches: list[Any] = []
    rows, size, schema = 0, 0, None
    while True:
        wanted = min(FETCH, limits.max_rows + 1)
        told = link.run(f"FETCH FORWARD {wanted} FROM {cursor}")
        if schema is None:
            schema = pa.schema([pa.field(one["name"], _kind(one["type_oid"])) for one in told.columns])
        batch = _batch(told.rows, schema)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows > limits.max_rows or size > limits.max_bytes:
            raise RefusedError("query_too_large", f"the answer has more than {limits.max_rows} rows, or too many bytes")
        batches.append(batch)
        if len(told.rows) < wanted:
            return pa.Table.from_batches(batches, schema)


def _batch(rows: list[list[Any]], schema: Any) -> Any:
    try:
        columns = zip(*rows, strict=True) if rows else [()] * len(schema)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
        return pa.record_batch(arrays, schema=schema)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as fault:
        raise FaultyInputError("query_invalid", "the query cannot run on these values") from fault


def _kind(oid: int) -> Any:
    known = _KINDS.get(oid)
    return known[0] if known is not None else pa.string()
