"""Values as they were at a time.

For each row of an entity frame these are the newest values not after its time, and not older than the set lets them
live. No value from later than the row is ever joined, which is what makes training honest.

The frame has every entity key and a column ``event_timestamp``; other columns travel along unchanged.
"""

from collections.abc import Sequence
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.pipeline.features.predicates import arrow_type, moment
from ostiary.pipeline.features.spec import FeatureSpec
from ostiary.pipeline.features.view import View

AT: Final = "event_timestamp"
ROW: Final = "ostiary_row"
MAX_FRAME: Final = 1_000_000
INVALID: Final = "entity_frame_invalid"
_FEW_KEYS: Final = 1000


class Frame:
    """What an entity frame must be."""

    def __init__(self, spec: FeatureSpec, view: View, columns: Sequence[str]) -> None:
        """Take the set, what is seen of it, and which columns are asked for."""
        self._spec = spec
        self._view = view
        self._columns = tuple(columns)

    def check(self, frame: Any) -> Any:
        """Return the frame with its times and keys in the set's types, and a number for each row.

        Raises:
            FaultyInputError: ``entity_frame_invalid`` or ``query_unknown_column``.
        """
        import pyarrow as pa  # noqa: PLC0415 - an extra of its own

        needed(self._spec, self._view, self._columns)
        names = list(frame.column_names)
        taken = {name.lower() for name in (*self._columns, ROW)}
        if len({name.lower() for name in names}) != len(names) or taken & {name.lower() for name in names}:
            raise FaultyInputError(INVALID, "two columns of the entity frame, or of it and the answer, have one name")
        if frame.num_rows > MAX_FRAME:
            raise FaultyInputError(INVALID, f"the entity frame has more than {MAX_FRAME} rows")
        for name in (AT, *self._spec.entities):
            if name not in names:
                raise FaultyInputError(INVALID, f"the entity frame needs a column `{name}`")
            kind = "timestamp" if name == AT else self._spec.stored[name].type
            frame = frame.set_column(names.index(name), name, cast(frame.column(name), kind, INVALID))
        return frame.append_column(ROW, pa.array(range(frame.num_rows), pa.int64()))


def needed(spec: FeatureSpec, view: View, columns: Sequence[str]) -> None:
    """Accept columns and keys that are in the view as they are.

    Raises:
        FaultyInputError: ``query_unknown_column``, the same for a column that is hidden and one that is not there; or
            ``entity_keys_hidden``.
    """
    for name in columns:
        if name not in view.columns:
            raise FaultyInputError("query_unknown_column", f"the query needs `{name[:80]}`, which you do not have")
    for name in (*spec.entities, spec.event_time):
        if name not in view.columns or name in view.masks:
            raise FaultyInputError("entity_keys_hidden", "this needs the keys and the event time of the set")


def cast(column: Any, kind: str, code: str) -> Any:
    """Return a column in the type of the set.

    Raises:
        FaultyInputError: with ``code``.
    """
    import pyarrow as pa  # noqa: PLC0415

    try:
        return _moments(column) if kind == "timestamp" else column.cast(arrow_type(kind))
    except (pa.ArrowException, FaultyInputError, ValueError) as fault:
        raise FaultyInputError(code, f"a column does not hold values of the type {kind}") from fault


def _moments(column: Any) -> Any:
    """Return times as UTC without a zone; a text or a time without one counts as UTC."""
    import pyarrow as pa  # noqa: PLC0415

    instant = pa.timestamp("us", tz="UTC")
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            column = column.cast(instant)
        except pa.ArrowInvalid:  # some without a zone
            times = [None if text is None else moment(text) for text in column.to_pylist()]
            column = pa.chunked_array([pa.array(times, arrow_type("timestamp"))])
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = column.cast(instant)  # Arrow keeps instants as UTC: only the name of the zone goes
    return column.cast(arrow_type("timestamp"), safe=False)


def point_in_time(spec: FeatureSpec, columns: Sequence[str], frame: Any) -> str:
    """Return the query that joins ``asked`` with ``known``; every name in it is quoted."""
    own = [name for name in frame.column_names if name != ROW]
    at, event = f"a.{_quoted(AT)}", f"k.{_quoted(spec.event_time)}"
    fresh = f"{event} >= {at} - to_seconds({spec.ttl_s})" if spec.ttl_s else "true"
    shown = [f"a.{_quoted(name)}" for name in own]
    shown += [f"CASE WHEN {fresh} THEN k.{_quoted(name)} END AS {_quoted(name)}" for name in columns]
    keys = " AND ".join(f"a.{_quoted(name)} = k.{_quoted(name)}" for name in spec.entities)
    return (
        f"SELECT {', '.join(shown)} FROM asked AS a ASOF LEFT JOIN known AS k "  # noqa: S608 - quoted names alone
        f"ON {keys} AND {at} >= {event} ORDER BY a.{ROW}"
    )


def keys_query(name: str, spec: FeatureSpec, view: View, frame: Any) -> str:
    """Return the query that fetches what a frame may need from a database that runs queries itself."""
    from sqlglot import exp  # noqa: PLC0415 - an extra of its own

    query = exp.select(*(exp.column(one, quoted=True) for one in view.columns)).from_(exp.to_table(name))
    first = spec.entities[0]
    keys = frame.column(first).unique().drop_null()
    if len(keys) <= _FEW_KEYS:
        values = [exp.Literal.string(v) if isinstance(v, str) else exp.Literal.number(v) for v in keys.to_pylist()]
        found = exp.column(first, quoted=True).isin(*values) if values else exp.false()
        query = query.where(found)
    return str(query.sql(dialect="postgres"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
