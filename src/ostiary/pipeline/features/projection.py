"""From stored columns to what a reader sees, in Arrow, before any engine: rows first, then derived, then masks.

The result has the columns of the view and no other; nothing of what was left out is in it, metadata included.
"""

from typing import Any

from ostiary.pipeline.features import expressions, masks
from ostiary.pipeline.features.predicates import arrow_filter, arrow_type
from ostiary.pipeline.features.spec import FeatureSpec
from ostiary.pipeline.features.view import View


def project(table: Any, spec: FeatureSpec, view: View, keyed: masks.Keyed) -> Any:
    """Return the view of a table that holds ``view.inputs(spec)``."""
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own

    shown_rows = arrow_filter(view.rows, spec.stored)
    if shown_rows is not None:
        table = table.filter(shown_rows)
    known: dict[str, Any] = {}

    def column(name: str) -> Any:
        if name not in known:
            if name in spec.stored:
                known[name] = table.column(name).cast(arrow_type(spec.stored[name].type)).combine_chunks()
            else:
                known[name] = expressions.evaluate(spec.computed[name].expression, column, table.num_rows)
        return known[name]

    fields, arrays, kinds = [], [], view.types(spec)
    for name in view.columns:
        mask = view.masks.get(name)
        values = masks.apply(mask, spec.type_of(name), column(name), keyed) if mask else column(name)
        arrays.append(values.cast(arrow_type(kinds[name])))
        fields.append(pa.field(name, arrow_type(kinds[name])))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))
