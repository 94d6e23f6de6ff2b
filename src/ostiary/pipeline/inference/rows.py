"""Checks what a model is asked, strictly: nothing that training never saw reaches it, and nothing is guessed or mended.

Rules:

- A request is ``{"instances": [{column: value, …}, …]}``: one to ``max_rows`` rows, no other member.
- Every column is told, by its exact name, and no other; ``null`` only where the schema allows a missing value.
- A number is a JSON number: no text that looks like one, in whatever script; no boolean, no ``NaN``, no infinity. An
  integer has no fraction. What is out of range is refused, not clipped.
- What goes on to the model is written anew from what was checked, in the order of the schema: nobody else parses the
  caller's bytes. Its digest is that of the record.

>>> from ostiary.pipeline.inference.schema import read_schema
>>> schema = read_schema({"columns": [{"name": "x", "type": "number", "min": 0, "max": 1}]})
>>> check_request(schema, {"instances": [{"x": 0.5}]}).rows
((0.5,),)
>>> check_request(schema, {"instances": [{"x": "0.5"}]})
Traceback (most recent call last):
    ...
ostiary.errors.FaultyInputError: row 0: column `x` must be a number
"""

import math
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.keys.hashing import sha256, sha256_hex
from ostiary.pipeline.inference.schema import MAX_WHOLE, Column, InputSchema

Cell = float | int | bool | str | None
INSTANCES: Final = "instances"
_SHOWN: Final = 5
_EXACT_BYTES: Final = 8


class Batch(msgspec.Struct, frozen=True):
    """The rows of one request, checked; cells in the order of the schema's columns."""

    schema: InputSchema
    rows: tuple[tuple[Cell, ...], ...]

    def document(self) -> bytes:
        """Return the request anew, as JSON."""
        names = self.schema.names
        return msgspec.json.encode({INSTANCES: [dict(zip(names, row, strict=True)) for row in self.rows]})

    def digest(self) -> str:
        """Return the digest of ``document``."""
        return "sha256:" + sha256_hex(self.document())

    def exact(self) -> list[bytes]:
        """Return a short digest of each row."""
        return [sha256(msgspec.json.encode(row))[:_EXACT_BYTES] for row in self.rows]


def check_request(schema: InputSchema, told: Any) -> Batch:
    """Return the rows of a request.

    Raises:
        FaultyInputError: ``input_malformed``, ``input_rows``, ``input_column_missing``, ``input_column_unknown``,
            ``input_type``, ``input_range``, ``input_category`` or ``input_missing``, with the pointer of the fault.
    """
    if not isinstance(told, dict) or set(told) != {INSTANCES} or not isinstance(told[INSTANCES], list):
        raise FaultyInputError("input_malformed", "the body has one member, `instances`, an array of rows")
    rows = told[INSTANCES]
    if not 1 <= len(rows) <= schema.max_rows:
        raise FaultyInputError("input_rows", f"`instances` has {len(rows)} rows, 1 to {schema.max_rows} are allowed")
    return Batch(schema, tuple(_row(schema, number, row) for number, row in enumerate(rows)))


def _row(schema: InputSchema, number: int, row: Any) -> tuple[Cell, ...]:
    where = f"/{INSTANCES}/{number}"
    if not isinstance(row, dict):
        raise FaultyInputError("input_malformed", f"row {number} is no object", where)
    names = set(schema.names)
    if missing := [name for name in schema.names if name not in row]:
        text = f"row {number}: {_listed(missing)} must be told, `null` where it is missing"
        raise FaultyInputError("input_column_missing", text, where)
    if extra := [name for name in row if name not in names]:
        text = f"row {number} has {len(extra)} members that the model has no column for"
        raise FaultyInputError("input_column_unknown", text, where)
    return tuple(_cell(column, row[column.name], number) for column in schema.columns)


def _cell(column: Column, value: Any, number: int) -> Cell:
    if value is None:
        if not column.missing:
            raise _fault("input_missing", column, number, "may not be missing")
        return None
    if column.type == "boolean":
        if not isinstance(value, bool):
            raise _fault("input_type", column, number, "must be true or false")
        return value
    if column.type == "category":
        return _category(column, value, number)
    return _number(column, value, number)


def _category(column: Column, value: Any, number: int) -> str:
    if not isinstance(value, str):
        raise _fault("input_type", column, number, "must be a text")
    if value not in column.values:
        raise _fault("input_category", column, number, "is none of the values of training")
    return value


def _number(column: Column, value: Any, number: int) -> float | int:
    # A boolean is an integer to Python, and `true` would be asked as 1.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _fault("input_type", column, number, "must be a number")
    if isinstance(value, int) and abs(value) > MAX_WHOLE:
        raise _fault("input_range", column, number, "is out of range")
    if not math.isfinite(value):
        raise _fault("input_type", column, number, "must be a finite number")
    if column.type == "integer" and value != int(value):
        raise _fault("input_type", column, number, "must be a whole number")
    low, high = column.min, column.max
    if low is None or high is None or not low <= value <= high:
        raise _fault("input_range", column, number, "is out of range")
    # One number, one text: 1, 1.0 and -0.0 would otherwise be three questions.
    return int(value) if column.type == "integer" else float(value) + 0.0


def _fault(code: str, column: Column, number: int, why: str) -> FaultyInputError:
    return FaultyInputError(code, f"row {number}: column `{column.name}` {why}", f"/{INSTANCES}/{number}/{column.name}")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + more
