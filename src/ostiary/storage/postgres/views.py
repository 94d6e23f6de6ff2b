"""The view of a feature set as PostgreSQL makes it: every name quoted, every value bound, keys where readers are not.

What a filter compares with, constants and key blocks of masks stand in a table that only the projector reads; the view
refers to them. A reader that asks the catalogue for the view's definition finds no value and no key in it.
"""

from collections.abc import Sequence
from typing import Any, Final

from pg8000 import native

from ostiary.pipeline.features.expressions import to_sql
from ostiary.pipeline.features.masks import HASH_CHARS, Keyed, Mask, effective
from ostiary.pipeline.features.predicates import typed, values_of
from ostiary.pipeline.features.spec import FeatureSpec
from ostiary.pipeline.features.view import View

TYPES: Final = {
    "bool": "boolean",
    "float64": "double precision",
    "int64": "bigint",
    "string": "text",
    "timestamp": "timestamp",
}
_COMPARE: Final = {"eq": "=", "ge": ">=", "gt": ">", "le": "<=", "lt": "<", "ne": "<>"}
Bound = tuple[str, int, str | None, bytes | None]


class ViewSql:
    """Builds one view, and the values that it is bound to."""

    def __init__(self, ident: str, home: str, spec: FeatureSpec, view: View, keyed: Keyed) -> None:
        """Take the projection's id and the schema of bound values, both our own words, and what is to be seen."""
        self._ident, self._home, self._spec, self._view, self._keyed = ident, home, spec, view, keyed
        self._number = 0
        self.bound: list[Bound] = []

    def create(self, name: str) -> str:
        """Return the statement that makes the view ``name`` in the schema of its id."""
        columns = ", ".join(f"{self._shown(one)} AS {quoted(one)}" for one in self._view.columns)
        conditions = [self._condition(one.column, one.op, values_of(one)) for one in self._view.rows]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        # Only where rows are hidden may a reader's functions not run before the filter.
        barrier = " WITH (security_barrier)" if conditions else ""
        offline = self._spec.offline
        made, table = qualified(self._ident, name), qualified(offline.schema, offline.table)
        return f"CREATE VIEW {made}{barrier} AS SELECT {columns} FROM {table} AS t{where}"  # noqa: S608 - quoted names

    def _shown(self, name: str) -> str:
        mask = self._view.masks.get(name)
        return self._masked(name, effective(mask, self._spec.type_of(name))) if mask else self._plain(name)

    def _plain(self, name: str) -> str:
        if name in self._spec.stored:
            return f"(t.{quoted(name)}::{TYPES[self._spec.stored[name].type]})"
        return self._tree(name)

    def _tree(self, name: str) -> str:
        def column(read: str) -> str:
            if read in self._spec.computed:
                return self._tree(read)
            return f"t.{quoted(read)}" + ("::int" if self._spec.stored[read].type == "bool" else "")

        return to_sql(self._spec.computed[name].expression, column)

    def _masked(self, name: str, mask: Mask) -> str:
        kind = self._spec.type_of(name)
        if mask.method == "hash":
            inner, outer = self._keyed.pads()
            inside = f"sha256({self._block(inner)} || convert_to({self._plain(name)}::text, 'UTF8'))"
            return f"left(encode(sha256({self._block(outer)} || {inside}), 'hex'), {HASH_CHARS})"
        if mask.method == "bucket":
            width = self._value(repr(mask.width), "float64")
            return f"(floor({self._plain(name)}::double precision / {width}) * {width})::{TYPES[kind]}"
        return self._value(_text(mask.value) if mask.method == "constant" else None, kind)

    def _condition(self, column: str, op: str, values: Sequence[Any]) -> str:
        kind = self._spec.stored[column].type
        if op != "in":
            return f"{self._plain(column)} {_COMPARE[op]} {self._value(_text(typed(values[0], kind)), kind)}"
        number = self._next()
        self.bound += [(self._ident, number, _text(typed(one, kind)), None) for one in values]
        return f"{self._plain(column)} IN {self._from(number, 'value', TYPES[kind])}"

    def _value(self, text: str | None, kind: str) -> str:
        number = self._next()
        self.bound.append((self._ident, number, text, None))
        return self._from(number, "value", TYPES[kind])

    def _block(self, data: bytes) -> str:
        number = self._next()
        self.bound.append((self._ident, number, None, data))
        return self._from(number, "block", "bytea")

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _from(self, number: int, column: str, kind: str) -> str:
        table = qualified(self._home, "bound")
        # The id is made of hexadecimal digits.
        where = f"b.id = '{self._ident}' AND b.number = {number}"
        return f"(SELECT b.{column}::{kind} FROM {table} AS b WHERE {where})"  # noqa: S608 - our own words


def qualified(schema: str, name: str) -> str:
    """Return a quoted name of a schema's table."""
    return f"{quoted(schema)}.{quoted(name)}"


def quoted(name: str) -> str:
    """Return a quoted name."""
    return str(native.identifier(name))


def _text(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)
