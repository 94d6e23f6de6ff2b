"""A registered feature set: its columns with their tags, keys and event time, where they lie, what is derived.

    {"entities": ["user_id"], "event_time": "at",
     "columns": [{"name": "user_id", "type": "int64"}, {"name": "at", "type": "timestamp"},
                 {"name": "amount", "type": "float64", "tags": ["feature"]}],
     "offline": {"kind": "parquet"}, "online": true}

- Names are plain SQL identifiers, unique whatever their case. Entity keys get the tag ``key``, the event time ``time``.
- A derived feature names what it reads by its expression; a derived feature may read another, never itself.
- Policy sees ``columns`` with tags and closure as attributes of the resource; they come from here and nobody else.

>>> spec = read_spec({"entities": ["k"], "event_time": "t", "columns": [
...     {"name": "k", "type": "int64"}, {"name": "t", "type": "timestamp"}], "offline": {"kind": "parquet"}})
>>> spec.tags("k")
('key',)
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.pipeline.features.expressions import check_expression, inputs_of

INVALID: Final = "feature_set_invalid"
MAX_COLUMNS: Final = 1000
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z")
_SET: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_TAG: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}\Z")
ColumnType = Literal["bool", "float64", "int64", "string", "timestamp"]
KEY: Final = "key"
TIME: Final = "time"


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One stored column."""

    name: str
    type: ColumnType
    tags: tuple[str, ...] = ()


class Derived(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column that is computed from others when it is asked for; always float64."""

    name: str
    expression: dict[str, Any]
    tags: tuple[str, ...] = ()


class Offline(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where history lies.

    Attributes:
        kind: Parquet files, or a table or view of PostgreSQL.
        path: file or folder, inside one of the configured roots; empty is a folder of Ostiary's own.
        source: the name of a configured PostgreSQL source.
        schema, table: which table there.
    """

    kind: Literal["parquet", "postgres"]
    path: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    source: Annotated[str, msgspec.Meta(max_length=64)] = ""
    schema: str = "public"
    table: str = ""


class FeatureSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, dict=True):
    """All that the door knows of one feature set."""

    entities: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=8)]
    event_time: str
    columns: Annotated[tuple[Column, ...], msgspec.Meta(min_length=2, max_length=MAX_COLUMNS)]
    offline: Offline
    derived: Annotated[tuple[Derived, ...], msgspec.Meta(max_length=MAX_COLUMNS)] = ()
    online: bool = False
    ttl_s: Annotated[int, msgspec.Meta(ge=0, le=10**10)] = 0

    @cached_property
    def stored(self) -> Mapping[str, Column]:
        """The stored columns by name."""
        return {one.name: one for one in self.columns}

    @cached_property
    def computed(self) -> Mapping[str, Derived]:
        """The derived columns by name."""
        return {one.name: one for one in self.derived}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All columns in their order."""
        return (*self.stored, *self.computed)

    def tags(self, name: str) -> tuple[str, ...]:
        """Return the tags of a column, with what its part in the set adds."""
        own = self.stored[name].tags if name in self.stored else self.computed[name].tags
        part = (KEY,) if name in self.entities else (TIME,) if name == self.event_time else ()
        return tuple(dict.fromkeys((*own, *part)))

    @cached_property
    def closures(self) -> Mapping[str, tuple[str, ...]]:
        """For each derived column every column that it is made of, derived ones included."""
        return {name: _closure(name, self.computed) for name in self.computed}

    def type_of(self, name: str) -> ColumnType:
        """Return the type of a column."""
        return self.stored[name].type if name in self.stored else "float64"

    def attributes(self) -> dict[str, Any]:
        """Return what policy sees of the columns."""
        reads = {name: list(self.closures.get(name, ())) for name in self.names}
        told = {name: {"tags": list(self.tags(name)), "reads": reads[name]} for name in self.names}
        return {"columns": told, "entities": list(self.entities), "event_time": self.event_time}


def read_spec(value: object) -> FeatureSpec:
    """Return a spec from parsed JSON.

    Raises:
        FaultyInputError: ``feature_set_invalid``.
    """
    try:
        spec = msgspec.convert(value, FeatureSpec)
    except msgspec.ValidationError as fault:
        raise FaultyInputError(INVALID, f"the feature set is malformed: {fault}") from fault
    _check_names(spec)
    _check_parts(spec)
    _check_derived(spec)
    _check_source(spec.offline)
    return spec


def check_set_id(name: str) -> str:
    """Return ``name`` when it can name a feature set, and with it a table in SQL.

    Raises:
        FaultyInputError: ``feature_set_invalid``.
    """
    if not _SET.match(name):
        raise FaultyInputError(INVALID, f"`{name[:80]}` is no feature set: use a-z, 0-9 and `_`, a letter first")
    return name


def _check_names(spec: FeatureSpec) -> None:
    names = [one.name for one in spec.columns] + [one.name for one in spec.derived]
    for name in names:
        if not _NAME.match(name):
            raise FaultyInputError(INVALID, f"`{name[:80]}` is no name of a column")
    if len({name.lower() for name in names}) != len(names):
        raise FaultyInputError(INVALID, "two columns have the same name")
    tags = [*(tag for one in spec.columns for tag in one.tags), *(tag for one in spec.derived for tag in one.tags)]
    for tag in tags:
        if not _TAG.match(tag):
            raise FaultyInputError(INVALID, f"`{tag[:80]}` is no tag")


def _check_parts(spec: FeatureSpec) -> None:
    missing = [name for name in (*spec.entities, spec.event_time) if name not in spec.stored]
    if missing or len(set(spec.entities)) != len(spec.entities) or spec.event_time in spec.entities:
        raise FaultyInputError(INVALID, "entities and event time are stored columns, each one of its own")
    if spec.stored[spec.event_time].type != "timestamp":
        raise FaultyInputError(INVALID, "the event time is a timestamp")
    if any(spec.stored[name].type not in {"int64", "string"} for name in spec.entities):
        raise FaultyInputError(INVALID, "an entity key is an int64 or a string")


def _check_derived(spec: FeatureSpec) -> None:
    for one in spec.derived:
        check_expression(one.expression)
        for name in inputs_of(one.expression):
            if name not in spec.stored and name not in spec.computed:
                raise FaultyInputError(INVALID, f"`{one.name}` is derived from `{name[:80]}`, which is not there")
            if name in spec.stored and spec.stored[name].type not in {"bool", "float64", "int64"}:
                raise FaultyInputError(INVALID, f"`{one.name}` is derived from `{name}`, which is no number")
    # Touching the closures finds every circle.
    if any(name in read for name, read in spec.closures.items()):
        raise FaultyInputError(INVALID, "a derived feature is made of itself")


def _check_source(offline: Offline) -> None:
    named = bool(offline.source and _NAME.match(offline.schema) and _NAME.match(offline.table))
    if offline.kind == "postgres" and not named:
        raise FaultyInputError(INVALID, "a PostgreSQL source has `source`, `schema` and `table`, plain names")
    if "\x00" in offline.path:
        raise FaultyInputError(INVALID, "the path is none")


def _closure(name: str, computed: Mapping[str, Derived]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    waiting = list(inputs_of(computed[name].expression))
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found[one] = None
        if one in computed:
            waiting += inputs_of(computed[one].expression)
    return tuple(sorted(found))
