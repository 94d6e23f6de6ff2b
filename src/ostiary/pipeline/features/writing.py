"""Rows that somebody writes: only columns of his own scope, in the set's types, at times that can have been.

- Every entity key and the event time must be there and not null; columns that are left out stay as they are online and
  are null in history. A derived or a masked column is nobody's to write.
- An event from the future would shadow every true one after it: more than ``MAX_AHEAD_S`` ahead is refused.
- Where the writer sees some rows only, it writes such rows only, and over such rows only (``online.is_own``).
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.features.historical import cast, needed
from ostiary.pipeline.features.ports import Limits
from ostiary.pipeline.features.predicates import arrow_filter
from ostiary.pipeline.features.spec import FeatureSpec
from ostiary.pipeline.features.view import View

INVALID: Final = "feature_rows_invalid"
OUTSIDE: Final = "feature_rows_outside"
MAX_AHEAD_S: Final = 300
FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def checked(spec: FeatureSpec, view: View, table: Any, now_ns: int, limits: Limits) -> Any:
    """Return the rows in the set's types and order.

    Raises:
        FaultyInputError: ``feature_rows_invalid`` or ``query_unknown_column``.
        RefusedError: ``feature_rows_outside``.
    """
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own

    names = list(table.column_names)
    _check_names(spec, view, names)
    if not 0 < table.num_rows <= limits.max_rows or table.nbytes > limits.max_bytes:
        raise FaultyInputError(INVALID, f"1 to {limits.max_rows} rows can be written at once")
    ordered = [name for name in spec.stored if name in names]
    rows = pa.table([cast(table.column(name), spec.stored[name].type, INVALID) for name in ordered], names=ordered)
    for name in (*spec.entities, spec.event_time):
        if rows.column(name).null_count:
            raise FaultyInputError(INVALID, f"`{name}` is null in some row")
    _check_times(rows.column(spec.event_time), now_ns)
    if view.rows and rows.filter(arrow_filter(view.rows, spec.stored)).num_rows != rows.num_rows:
        raise RefusedError(OUTSIDE, "some of these rows are not this writer's")
    return rows


def _check_names(spec: FeatureSpec, view: View, names: list[str]) -> None:
    needed(spec, view, names)
    if len(set(names)) != len(names):
        raise FaultyInputError(INVALID, "a column came twice")
    for name in names:
        if name in view.masks or name in spec.computed:
            raise FaultyInputError(INVALID, f"`{name}` cannot be written")
    for name in (*spec.entities, spec.event_time):
        if name not in names:
            raise FaultyInputError(INVALID, f"the rows need a column `{name}`")
    if any(one.column not in names for one in view.rows):  # which one is not for this writer to learn
        raise RefusedError(OUTSIDE, "these rows do not show whether they are this writer's")


def _check_times(times: Any, now_ns: int) -> None:
    import pyarrow.compute as pc  # noqa: PLC0415

    found = pc.min_max(times).as_py()
    latest = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).replace(tzinfo=None) + timedelta(seconds=MAX_AHEAD_S)
    if found["max"] > latest:
        raise FaultyInputError(INVALID, f"an event is more than {MAX_AHEAD_S} seconds in the future")
    if found["min"] < FIRST:
        raise FaultyInputError(INVALID, "an event is from before 1970")
