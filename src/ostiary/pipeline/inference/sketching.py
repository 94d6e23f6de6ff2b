"""Rows of a model's input as sketches that the watch for boundary probing compares.

A number is its place in its range, in 255 steps, by the *typical* range where that is known: in heavy-tailed columns
nearly all training rows would else be one step. A category has no order, so another one there counts as wholly
different; a missing value is far from all others.
"""

from typing import Final

from ostiary.defence.probing import MISSING, TOP, Sketch
from ostiary.pipeline.inference.rows import Batch, Cell
from ostiary.pipeline.inference.schema import Column, InputSchema

_NO_VALUE: Final = -1
_UNUSUAL_COLUMNS: Final = 2


def sketches(batch: Batch) -> list[Sketch]:
    """Return the sketch of each row."""
    return [_sketch(batch.schema, row, exact) for row, exact in zip(batch.rows, batch.exact(), strict=True)]


def _sketch(schema: InputSchema, row: tuple[Cell, ...], exact: bytes) -> Sketch:
    pairs = list(zip(schema.columns, row, strict=True))
    cells = bytes(_cell(column, value) for column, value in pairs if column.type != "category")
    apart = tuple(_place(column, value) for column, value in pairs if column.type == "category")
    unusual = sum(_is_unusual(column, value) for column, value in pairs)
    bound = min(_UNUSUAL_COLUMNS, sum(bool(column.typical) for column in schema.columns))
    return Sketch(cells, exact, apart, bool(bound) and unusual >= bound)


def _cell(column: Column, value: Cell) -> int:
    if value is None or isinstance(value, str):
        return MISSING
    if isinstance(value, bool):
        return TOP if value else 0
    low, high = column.typical if len(column.typical) == 2 else (column.min or 0.0, column.max or 0.0)  # noqa: PLR2004
    if not low < high:
        low, high = column.min or 0.0, column.max or 0.0
    share = (value - low) / (high - low)
    return round(TOP * min(1.0, max(0.0, share)))


def _place(column: Column, value: Cell) -> int:
    return column.values.index(value) if isinstance(value, str) else _NO_VALUE


def _is_unusual(column: Column, value: Cell) -> bool:
    if len(column.typical) != 2 or value is None or isinstance(value, str):  # noqa: PLR2004 - from and to
        return False
    return not column.typical[0] <= value <= column.typical[1]
