"""Online values by key: only the view's columns are fetched, with what derived ones are made of; masks come last."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.features.historical import INVALID, needed
from ostiary.pipeline.features.masks import Keyed
from ostiary.pipeline.features.ports import Cell, OnlineStore
from ostiary.pipeline.features.predicates import arrow_filter, arrow_type, moment
from ostiary.pipeline.features.projection import project
from ostiary.pipeline.features.spec import FeatureSpec
from ostiary.pipeline.features.view import View

MAX_KEYS: Final = 1000
MAX_KEY: Final = 1024
_US: Final = 1_000


def look_up(
    store: OnlineStore,
    keyed: Keyed,
    tenant: str,
    name: str,
    spec: FeatureSpec,
    view: View,
    keys: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
) -> list[dict[str, Any]]:
    """Return the values of ``columns`` for each key, in the order of the keys.

    Raises:
        FaultyInputError: ``entity_frame_invalid``, or ``query_unknown_column``.
        RefusedError: ``feature_set_not_online``.
    """
    needed(spec, view, columns)
    if not spec.online:
        raise RefusedError("feature_set_not_online", "this feature set has no online values")
    if len(keys) > MAX_KEYS:
        raise FaultyInputError(INVALID, f"there are more than {MAX_KEYS} keys")
    wanted = [key_of(spec, key) for key in keys]
    part = view.only([*spec.entities, *columns])
    inputs = part.inputs(spec)
    found = store.get(tenant, name, list(dict.fromkeys(wanted)), inputs)
    there = [key for key in dict.fromkeys(wanted) if key in found]
    shown = _shown(spec, part, keyed, inputs, [found[key] for key in there], there)
    nothing = dict.fromkeys(columns)
    return [{**key, **(shown.get(text) or nothing)} for key, text in zip(keys, wanted, strict=True)]


def _shown(
    spec: FeatureSpec,
    part: View,
    keyed: Keyed,
    inputs: Sequence[str],
    rows: Sequence[Mapping[str, Cell]],
    texts: Sequence[str],
) -> dict[str, dict[str, Any]]:
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own

    if not rows:
        return {}
    arrays = [
        pa.array([_value(spec, name, row.get(name)) for row in rows], arrow_type(spec.stored[name].type))
        for name in inputs
    ]
    table = pa.table(arrays, names=list(inputs))
    shown = project(table, spec, part, keyed).to_pylist()
    # The view has every entity key, unmasked: each row says whose it is, and rows that are filtered say nothing.
    told = {key_of(spec, row): row for row in shown}
    return {text: _without_keys(spec, told[text]) for text in texts if text in told}


def _without_keys(spec: FeatureSpec, row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in spec.entities}


def is_own(store: OnlineStore, tenant: str, name: str, spec: FeatureSpec, view: View, rows: Any) -> bool:
    """Return whether all that stands online under the keys of ``rows`` is in the view: what is not is another's.

    Columns that a writer leaves out stay as they are. By making another's row its own it would come to see them.
    """
    keys = list(dict.fromkeys(key_of(spec, row) for row in rows.select(list(spec.entities)).to_pylist()))
    return are_own(spec, view, store.get(tenant, name, keys, list(spec.stored)))


def are_own(spec: FeatureSpec, view: View, there: Mapping[str, Mapping[str, Cell]]) -> bool:
    """Return whether all that stands under some keys is in the view."""
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own

    found = list(there.values())
    columns = {one.column for one in view.rows}
    arrays = {
        column: pa.array([_value(spec, column, row.get(column)) for row in found], arrow_type(spec.stored[column].type))
        for column in columns
    }
    return bool(pa.table(arrays).filter(arrow_filter(view.rows, spec.stored)).num_rows == len(found))


def key_of(spec: FeatureSpec, key: Mapping[str, Any]) -> str:
    """Return the one text under which a key's values are stored.

    Raises:
        FaultyInputError: ``entity_frame_invalid``.
    """
    values = []
    for name in spec.entities:
        value, kind = key.get(name), spec.stored[name].type
        fits = isinstance(value, int) and not isinstance(value, bool) if kind == "int64" else isinstance(value, str)
        if not fits:
            raise FaultyInputError(INVALID, f"each key needs `{name}`, of the type {kind}")
        values.append(value)
    text = msgspec.json.encode(values).decode()
    if len(text) > MAX_KEY:
        raise FaultyInputError(INVALID, f"a key is longer than {MAX_KEY} characters")
    return text


def cells_of(spec: FeatureSpec, rows: Any) -> list[tuple[str, str, Cell]]:
    """Return what rows put into the store: for each key, column and the newest event."""
    newest: dict[tuple[str, str], Cell] = {}
    for row in rows.to_pylist():
        key, at = key_of(spec, row), row[spec.event_time]
        event_ns = _ns(at)
        for name, value in row.items():
            cell = Cell(msgspec.json.encode(value), event_ns)
            if (key, name) not in newest or newest[key, name].event_ns <= event_ns:
                newest[key, name] = cell
    return [(key, name, cell) for (key, name), cell in newest.items()]


def _ns(at: Any) -> int:
    from datetime import UTC, datetime  # noqa: PLC0415

    since = at.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return int((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * _US


def _value(spec: FeatureSpec, name: str, cell: Cell | None) -> Any:
    if cell is None:
        return None
    value = msgspec.json.decode(cell.value)
    if spec.stored[name].type == "timestamp" and isinstance(value, str):
        return moment(value)
    return value
