"""What a model was trained to be asked: its columns, their types, ranges and categories. JSON in the registry.

    {"columns": [{"name": "amount", "type": "number", "min": 0, "max": 10000, "typical": [1, 800]},
                 {"name": "age", "type": "integer", "min": 0, "max": 130, "missing": true},
                 {"name": "channel", "type": "category", "values": ["app", "web"]},
                 {"name": "known", "type": "boolean"}],
     "max_rows": 16, "near": 0.01}

Rules: a number has a range, a category has values, unknown members are errors, and everything is bounded. ``typical``
is the range of all but rare training rows; ``near`` is the mean difference of columns (0 to 1) up to which two
questions are suspiciously alike: ``ostiary endpoint schema`` works out both from training data.

>>> read_schema({"columns": [{"name": "x", "type": "number", "min": 1, "max": 0}]})
Traceback (most recent call last):
    ...
ostiary.errors.FaultyInputError: column `x`: `min` must be below `max`
"""

import math
from typing import Annotated, Any, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError

MAX_COLUMNS: Final = 1024
MAX_VALUES: Final = 4096
MAX_NAME: Final = 128
MAX_TEXT: Final = 256
MAX_ROWS: Final = 1024
MAX_WHOLE: Final = 2**53

Kind = Literal["number", "integer", "boolean", "category"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
Value = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column.

    Attributes:
        type: ``number`` (any JSON number), ``integer`` (no fraction), ``boolean`` or ``category`` (one of ``values``).
        min, max: both belong to the range.
        typical: the range of all but rare training rows, or empty.
        missing: whether ``null`` is allowed; a column must be told either way.
    """

    name: Name
    type: Kind
    min: float | None = None
    max: float | None = None
    typical: tuple[float, ...] = ()
    values: Annotated[tuple[Value, ...], msgspec.Meta(max_length=MAX_VALUES)] = ()
    missing: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it has a range."""
        return self.type in {"number", "integer"}


class InputSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All columns, in the order in which the model takes them.

    Attributes:
        max_rows: most rows of one request.
        near: mean difference of columns below which two rows are suspiciously alike; 0 looks for none.
    """

    columns: Annotated[tuple[Column, ...], msgspec.Meta(min_length=1, max_length=MAX_COLUMNS)]
    max_rows: Annotated[int, msgspec.Meta(ge=1, le=MAX_ROWS)] = 16
    near: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)


def read_schema(told: Any) -> InputSchema:
    """Return the schema that is told as JSON values.

    Raises:
        FaultyInputError: ``schema_invalid``.
    """
    try:
        schema = msgspec.convert(told, InputSchema)
    except msgspec.ValidationError as fault:
        raise _invalid(str(fault)[:1].lower() + str(fault)[1:]) from fault
    names = schema.names
    if len(set(names)) != len(names):
        raise _invalid("two columns have one name")
    for column in schema.columns:
        _check(column)
    return schema


def _check(column: Column) -> None:
    if not column.name.isprintable() or column.name != column.name.strip():
        raise _invalid("a column's name is not printable")
    if column.is_number:
        _check_range(column)
    elif column.min is not None or column.max is not None or column.typical:
        raise _invalid(f"column `{column.name}`: only numbers have a range")
    if (column.type == "category") != bool(column.values) or len(set(column.values)) != len(column.values):
        raise _invalid(f"column `{column.name}`: a category has values, each once; nothing else has")


def _check_range(column: Column) -> None:
    low, high = column.min, column.max
    if low is None or high is None:
        raise _invalid(f"column `{column.name}`: a number needs `min` and `max`")
    bounds = (low, high, *column.typical)
    if not all(math.isfinite(bound) for bound in bounds) or (
        column.type == "integer" and any(abs(bound) > MAX_WHOLE for bound in bounds)
    ):
        raise _invalid(f"column `{column.name}`: a range must be finite, and exact where it is of whole numbers")
    if not low < high:
        raise _invalid(f"column `{column.name}`: `min` must be below `max`")
    if column.typical and (len(column.typical) != 2 or not low <= column.typical[0] <= column.typical[1] <= high):  # noqa: PLR2004 - from and to
        raise _invalid(f"column `{column.name}`: `typical` is from and to, inside the range")


def _invalid(why: str) -> FaultyInputError:
    return FaultyInputError("schema_invalid", why)
