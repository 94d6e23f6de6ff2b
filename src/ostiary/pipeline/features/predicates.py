"""Which rows a reader sees: typed comparisons, never text, joined by *and*.

    {"all": [{"column": "region", "op": "eq", "value": "eu"}, {"column": "age", "op": "ge", "value": 18}]}

- A comparison is one stored column, one operator, and a value or a list of values of the column's type. They become
  Arrow expressions and bound parameters; nothing is ever pasted into SQL.
- A row whose column is null is not seen. A comparison that cannot be read refuses everything.

>>> read_rows({"all": [{"column": "region", "op": "eq", "value": "eu"}]})[0].op
'eq'
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.pipeline.features.spec import Column

INVALID: Final = "row_filter_invalid"
MAX_VALUES: Final = 1000
Scalar = bool | int | float | str
Operator = Literal["eq", "ge", "gt", "in", "le", "lt", "ne"]


class Comparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that must hold of a row."""

    column: str
    op: Operator
    value: Scalar | Annotated[tuple[Scalar, ...], msgspec.Meta(max_length=MAX_VALUES)]


class _Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    all: Annotated[tuple[Comparison, ...], msgspec.Meta(min_length=1, max_length=64)]


def read_rows(value: object) -> tuple[Comparison, ...]:
    """Return the comparisons of an obligation.

    Raises:
        FaultyInputError: ``row_filter_invalid``.
    """
    try:
        found = msgspec.convert(value, _Filter).all
    except msgspec.ValidationError as fault:
        raise FaultyInputError(INVALID, f"the row filter is malformed: {fault}") from fault
    for one in found:
        if isinstance(one.value, tuple) != (one.op == "in"):
            raise FaultyInputError(INVALID, "a row filter has a list of values with `in`, and with nothing else")
    return found


def checked(rows: tuple[Comparison, ...], stored: Mapping[str, Column]) -> tuple[Comparison, ...]:
    """Return the comparisons when each fits its column.

    Raises:
        FaultyInputError: ``row_filter_invalid``.
    """
    for one in rows:
        if one.column not in stored:
            raise FaultyInputError(INVALID, "the row filter is about no stored column")
        for value in values_of(one):
            typed(value, stored[one.column].type)
    return rows


def values_of(one: Comparison) -> tuple[Scalar, ...]:
    """Return the value or values of a comparison."""
    return one.value if isinstance(one.value, tuple) else (one.value,)


def typed(value: Scalar, kind: str) -> Any:
    """Return a value as the type of its column has it.

    Raises:
        FaultyInputError: ``row_filter_invalid``.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "bool": isinstance(value, bool),
        "float64": number,
        "int64": isinstance(value, int) and number and -(2**63) <= value < 2**63,
        "string": isinstance(value, str),
        "timestamp": isinstance(value, str),
    }[kind]
    if not fits:
        raise FaultyInputError(INVALID, "a value of the row filter has not the type of its column")
    return moment(value) if kind == "timestamp" and isinstance(value, str) else value


def moment(text: str) -> datetime:
    """Return an ISO 8601 time as UTC without a zone, as all event times are kept.

    Raises:
        FaultyInputError: ``row_filter_invalid``.
    """
    try:
        told = datetime.fromisoformat(text)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as fault:
        raise FaultyInputError(INVALID, f"`{text[:40]}` is no time") from fault


def arrow_filter(rows: tuple[Comparison, ...], stored: Mapping[str, Column]) -> Any:
    """Return an Arrow expression that holds of the rows that may be seen; ``None`` when all may."""
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own
    import pyarrow.compute as pc  # noqa: PLC0415

    whole = None
    for one in rows:
        kind = arrow_type(stored[one.column].type)
        field = pc.field(one.column).cast(kind)
        given = [typed(value, stored[one.column].type) for value in values_of(one)]
        if one.op == "in":
            part = pc.is_in(field, value_set=pa.array(given, kind)) & ~field.is_null()
        else:
            value = pa.scalar(given[0], kind)
            told = {"eq": "equal", "ge": "greater_equal", "gt": "greater", "le": "less_equal", "lt": "less"}
            part = getattr(pc, told.get(one.op, "not_equal"))(field, value)
        whole = part if whole is None else whole & part
    return whole


def arrow_type(kind: str) -> Any:
    """Return the Arrow type of a column's type."""
    import pyarrow as pa  # noqa: PLC0415

    return {
        "bool": pa.bool_(),
        "float64": pa.float64(),
        "int64": pa.int64(),
        "string": pa.string(),
        "timestamp": pa.timestamp("us"),
    }[kind]
