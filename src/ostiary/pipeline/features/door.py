"""The features themselves: queries, values at points in time, online values, writing, each within a view.

- Nothing here decides: whoever calls has a decision, and made the view of it.
- Offline the engine is given the view's columns, online the store is asked for the view's columns: what is not in the
  view is not read, except what its row filter and its derived features are made of, and those are shown to nobody.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.keys import sha256_hex
from ostiary.pipeline.features import online, writing
from ostiary.pipeline.features.analysis import Analysis, Dialect
from ostiary.pipeline.features.budget import weight
from ostiary.pipeline.features.historical import Frame, keys_query, point_in_time
from ostiary.pipeline.features.masks import Keyed
from ostiary.pipeline.features.parquet import ParquetHistory
from ostiary.pipeline.features.ports import Engine, Limits, OnlineStore, Relations
from ostiary.pipeline.features.projection import project
from ostiary.pipeline.features.shelf import Shelf, packed
from ostiary.pipeline.features.spec import FeatureSpec, check_set_id, read_spec
from ostiary.pipeline.features.specs import Specs
from ostiary.pipeline.features.view import View
from ostiary.pipeline.registered import Registered, Registry

UNKNOWN: Final = "feature_set_unknown"


class FeatureDoor:
    """Reads and writes feature sets by views of them; safe for several threads."""

    def __init__(
        self,
        registry: Registry,
        history: ParquetHistory,
        engine: Engine,
        store: OnlineStore,
        keyed: Callable[[str], Keyed],
        *,
        relations: Relations | None = None,
        limits: Limits | None = None,
        kept_bytes: int = 268_435_456,
    ) -> None:
        """Take the parts; ``keyed`` gives a tenant's hash for masks."""
        self._registry = registry
        self._history = history
        self._engine = engine
        self._store = store
        self._keyed = keyed
        self._relations = relations
        self._limits = limits or Limits()
        self._shelf = Shelf(kept_bytes)
        self._specs = Specs()

    @property
    def limits(self) -> Limits:
        """How much one query may use."""
        return self._limits

    def register(self, tenant: str, one: Registered, now_ns: int) -> FeatureSpec:
        """Register a feature set; what policy sees of its columns is made here.

        Raises:
            FaultyInputError: ``feature_set_invalid``, ``feature_path_outside`` or ``registered_invalid``.
        """
        spec = self.check(tenant, one)
        attributes = {**one.attributes, **spec.attributes()}
        self._registry.put(tenant, msgspec.structs.replace(one, attributes=attributes), now_ns)
        return spec

    def check(self, tenant: str, one: Registered) -> FeatureSpec:
        """Return the spec of what can be registered.

        Raises:
            FaultyInputError: ``feature_set_invalid``, ``feature_path_outside`` or ``registered_invalid``.
        """
        if one.type != "feature_set":
            raise FaultyInputError("feature_set_invalid", "the type is `feature_set`")
        spec = read_spec(one.spec)
        check_set_id(one.id)
        if spec.offline.kind == "parquet":
            self._history.place(tenant, one.id, spec.offline)
        return spec

    def spec(self, tenant: str, name: str) -> FeatureSpec:
        """Return what is registered.

        Raises:
            RefusedError: ``feature_set_unknown``.
        """
        one = self._registry.get(tenant, "feature_set", name)
        if one is None:
            raise RefusedError(UNKNOWN, "there is no such feature set")
        return self._specs.read(tenant, name, one.spec)

    def dialect(self, tenant: str, name: str) -> Dialect:
        """Return in which SQL a feature set is asked; DuckDB's for one that is not there."""
        one = self._registry.get(tenant, "feature_set", name)
        kind = one.spec.get("offline", {}).get("kind") if one is not None else None
        return "postgres" if kind == "postgres" else "duckdb"

    def query(self, tenant: str, name: str, view: View, found: Analysis, sql: str) -> Any:
        """Return the answer of one query on the view, an Arrow table."""
        spec, limits = self.spec(tenant, name), self._within(view)
        if spec.offline.kind == "postgres":
            told = self._relation(tenant, name, spec, view, found.canonical, limits)
        else:
            told = self._engine.run(sql, {name: self._projected(tenant, name, spec, view)}, limits)
        if view.max_rows is not None and weight(told, len(view.columns)) > limits.max_rows:
            raise RefusedError("query_too_large", f"the answer holds as much as more than {limits.max_rows} rows")
        return told

    def historical(self, tenant: str, name: str, view: View, frame: Any, columns: Sequence[str]) -> Any:
        """Return each row of ``frame`` with the newest values of ``columns`` at its time, an Arrow table.

        Raises:
            FaultyInputError: ``entity_frame_invalid``, or ``query_unknown_column``.
        """
        spec, limits = self.spec(tenant, name), self._within(view)
        asked = Frame(spec, view, columns).check(frame)
        part = view.only([*spec.entities, spec.event_time, *columns])
        if spec.offline.kind == "postgres":
            rows = self._relation(tenant, name, spec, part, keys_query(name, spec, part, asked), self._limits)
        else:
            rows = self._projected(tenant, name, spec, part)
        return self._engine.run(point_in_time(spec, columns, asked), {"asked": asked, "known": rows}, limits)

    def online(
        self, tenant: str, name: str, view: View, keys: Sequence[Mapping[str, Any]], columns: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Return the newest values of ``columns`` for each key, with nulls where there are none.

        Raises:
            FaultyInputError: ``entity_frame_invalid``, or ``query_unknown_column``.
            RefusedError: ``feature_set_not_online``, or ``query_too_large``.
        """
        spec = self.spec(tenant, name)
        if len(keys) > (most := self._within(view).max_rows):
            raise RefusedError("query_too_large", f"the answer has more than {most} rows")
        return online.look_up(self._store, self._keyed(tenant), tenant, name, spec, view, keys, columns)

    def check_write(self, tenant: str, name: str, view: View, table: Any, now_ns: int) -> Any:
        """Return the rows as they will be written, or say what is wrong with them.

        Raises:
            FaultyInputError: ``feature_rows_invalid`` or ``query_unknown_column``.
            RefusedError: ``feature_rows_outside``.
        """
        spec = self.spec(tenant, name)
        rows = writing.checked(spec, view, table, now_ns, self._limits)
        if view.rows and spec.online and not online.is_own(self._store, tenant, name, spec, view, rows):
            raise RefusedError(writing.OUTSIDE, "some of these rows are not this writer's")
        return rows

    def write(self, tenant: str, name: str, view: View, rows: Any, now_ns: int) -> None:
        """Write rows that ``check_write`` gave: to history, then online.

        Of a writer that sees some rows only, online first: what stands there is looked at once more as it is written.

        Raises:
            RefusedError: ``feature_rows_outside``: another's row came there meanwhile; nothing is written.
        """
        spec = self.spec(tenant, name)
        if spec.online and view.rows:
            cells, allows = online.cells_of(spec, rows), partial(online.are_own, spec, view)
            if not self._store.put_over(tenant, name, cells, list(spec.stored), allows):
                raise RefusedError(writing.OUTSIDE, "some of these rows are not this writer's")
        if spec.offline.kind == "postgres":
            self._related().append(spec.offline, rows)
        else:
            self._history.append(self._history.place(tenant, name, spec.offline), rows, now_ns)
        if spec.online and not view.rows:
            self._store.put(tenant, name, online.cells_of(spec, rows))

    def forget(self, tenant: str, name: str) -> bool:
        """Forget what is registered, and all online values; history stays where it lies."""
        self._store.forget(tenant, name)
        return self._registry.remove(tenant, "feature_set", name)

    def forget_others(self, living: Container[str]) -> None:
        """Drop what is kept in memory of tenants that are gone: their keys are gone, so what they made goes."""
        self._shelf.keep(lambda key: key[0] in living)

    def registered(self, tenant: str) -> list[Registered]:
        """Return all feature sets of a tenant."""
        return self._registry.all(tenant, "feature_set")

    def _within(self, view: View) -> Limits:
        most = self._limits.max_rows if view.max_rows is None else min(self._limits.max_rows, view.max_rows)
        return msgspec.structs.replace(self._limits, max_rows=most)

    def _projected(self, tenant: str, name: str, spec: FeatureSpec, view: View) -> Any:
        """Return the view's columns for the engine: from memory, or the files themselves when nothing is to be made."""
        files = self._history.files(self._history.place(tenant, name, spec.offline))
        stamp = self._history.stamp(files)
        # How many rows may come is no part of it: it goes down with every query of a token.
        same = msgspec.structs.replace(view, max_rows=None, watermark="")
        # A tenant that came anew under an old name has another mask key: what was made with the old one is not its own.
        keyed = self._keyed(tenant)
        key = (tenant, name, sha256_hex(msgspec.json.encode((spec, same))), stamp, keyed(b"shelf"))
        table = self._shelf.get(key)
        if table is not None:
            return table
        size = sum(one[1] for one in stamp)
        plain = not view.masks and not view.rows and set(view.columns) <= set(spec.stored)
        if plain and size * 4 > self._shelf.max_bytes:
            return self._history.dataset(files, spec, view.columns)
        rows = self._history.read(files, spec, view, self._limits.max_bytes * 4)
        table = packed(project(rows, spec, view, keyed))
        self._shelf.put(key, table)
        return table

    def _relation(self, tenant: str, name: str, spec: FeatureSpec, view: View, sql: str, limits: Limits) -> Any:
        return self._related().run(tenant, name, spec, view, self._keyed(tenant), sql, limits)

    def _related(self) -> Relations:
        if self._relations is None:
            raise UnavailableError("source_unavailable", "no PostgreSQL source is configured")
        return self._relations
