"""Works out a schema from training rows: types, ranges, what is typical, and how near two honest questions come.

``near`` is chosen so that honest use stays below it: rows are looked at in stretches of as many as the watch
remembers, and in a stretch only one row in two hundred may find another one that near. Deterministic, plain Python, on
at most a few thousand rows.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ostiary.defence.probing import TOP, Sketch
from ostiary.errors import FaultyInputError
from ostiary.pipeline.inference.rows import INSTANCES, check_request
from ostiary.pipeline.inference.schema import MAX_ROWS, MAX_VALUES, InputSchema, read_schema
from ostiary.pipeline.inference.sketching import sketches

MAX_SAMPLE: Final = 2048
STRETCH: Final = 128
_RARE: Final = 0.005
_MARGIN: Final = 0.05


def describe(rows: Sequence[Mapping[str, Any]], *, max_rows: int = 16) -> InputSchema:
    """Return the schema of training rows.

    Args:
        rows: each with the same members: numbers, booleans, texts or ``None``.
        max_rows: most rows of one request.

    Raises:
        FaultyInputError: ``schema_invalid``: no rows, or a column of mixed types.
    """
    if not rows:
        raise FaultyInputError("schema_invalid", "there are no rows to describe")
    columns = [_column(name, [row.get(name) for row in rows]) for name in rows[0]]
    draft = read_schema({"columns": columns, "max_rows": MAX_ROWS})
    near = _near(draft, _sample(rows))
    return read_schema({"columns": columns, "max_rows": max_rows, "near": near})


def _column(name: str, values: Sequence[Any]) -> dict[str, Any]:
    told = [value for value in values if value is not None and value == value]  # noqa: PLR0124 - NaN is not itself
    column: dict[str, Any] = {"name": name, "missing": len(told) < len(values)}
    if told and all(isinstance(value, bool) for value in told):
        return {**column, "type": "boolean"}
    if told and all(isinstance(value, str) for value in told):
        texts = sorted(set(told))
        if len(texts) > MAX_VALUES:
            raise FaultyInputError("schema_invalid", f"column `{name}` has {len(texts)} values: that is no category")
        return {**column, "type": "category", "values": texts}
    if told and all(isinstance(value, int | float) and not isinstance(value, bool) for value in told):
        return {**column, **_number(sorted(told))}
    raise FaultyInputError("schema_invalid", f"column `{name}` holds nothing, or values of several types")


def _number(ordered: Sequence[float]) -> dict[str, Any]:
    low, high = ordered[0], ordered[-1]
    whole = all(value == int(value) for value in ordered)
    typical = [_quantile(ordered, _RARE), _quantile(ordered, 1 - _RARE)]
    if low == high:
        high = low + 1
    return {"type": "integer" if whole else "number", "min": low, "max": high, "typical": typical}


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, max(0, math.floor(share * (len(ordered) - 1) + 0.5)))]


def _sample(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    step = max(1, len(rows) // MAX_SAMPLE)
    return [{name: _told(value) for name, value in row.items()} for row in rows[::step][:MAX_SAMPLE]]


def _told(value: Any) -> Any:
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN is not itself


def _near(schema: InputSchema, rows: Sequence[dict[str, Any]]) -> float:
    """Return the distance that one row in two hundred has to its nearest neighbour in its stretch, less a margin."""
    nearest: list[float] = []
    for start in range(0, len(rows), STRETCH):
        stretch = sketches(check_request(schema, {INSTANCES: list(rows[start : start + STRETCH])}))
        for place, one in enumerate(stretch):
            apart = [_distance(one, other) for other in stretch[:place] if other.exact != one.exact]
            nearest += [min(apart)] if apart else []
    return round(_quantile(sorted(nearest), _RARE) * (1 - _MARGIN), 6) if nearest else 0.0


def _distance(one: Sketch, other: Sketch) -> float:
    numbers = sum(abs(a - b) for a, b in zip(one.cells, other.cells, strict=True)) / TOP
    return (numbers + sum(a != b for a, b in zip(one.apart, other.apart, strict=True))) / (
        len(one.cells) + len(one.apart)
    )
