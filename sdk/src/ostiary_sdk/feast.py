"""Feast with columns: the same two calls around a real ``FeatureStore``, which itself knows no columns.

    store = GuardedFeatureStore(FeatureStore("repo/"), features.whole_columns)
    store.get_online_features(features=["driver:trips", "eta_view:eta"], entity_rows=[{"driver_id": 1}]).to_dict()

- Feast permits whole views. Here every feature of a call must be among the columns that the caller's token has, neither
  masked nor filtered, of a feature set with the view's name (``Features.whole_columns``); a view that the token is not
  for gives nothing.
- An on-demand view reads all features of its sources: the caller needs each of them, for to derive is to read.
- What comes back is cut to what was asked for. A hidden feature and one that never was are refused with the same words.

Whoever holds the ``FeatureStore`` itself holds its credentials: let this run where the store's credentials are, and
callers' code elsewhere.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from ostiary_sdk.features import Answer, FeatureError

AT: Final = "event_timestamp"
Columns = Callable[[str], Collection[str]]


class GuardedFeatureStore:
    """A ``FeatureStore`` of which one caller sees its own columns."""

    def __init__(self, store: Any, columns: Columns) -> None:
        """Take a ``feast.FeatureStore`` and what tells the columns that the caller has of a view."""
        self._store = store
        self._columns = columns

    def get_online_features(
        self,
        features: Sequence[str] | Any,
        entity_rows: Sequence[Mapping[str, Any]],
        *,
        full_feature_names: bool = False,
    ) -> Answer:
        """Return online values, as Feast's method of this name does.

        Raises:
            FeatureError: ``feature_unknown``: some feature is hidden, or is not there.
        """
        import pyarrow as pa  # noqa: PLC0415 - comes with Feast

        asked = self._checked(features)
        rows = [dict(row) for row in entity_rows]
        given = self._store.get_online_features(
            features=asked, entity_rows=rows, full_feature_names=full_feature_names
        ).to_dict()
        keys = list(dict.fromkeys(key for row in rows for key in row))
        kept = [*keys, *(_shown(one, full=full_feature_names) for one in asked)]
        return Answer(pa.table({name: given[name] for name in dict.fromkeys(kept) if name in given}))

    def get_historical_features(
        self, entity_df: Any, features: Sequence[str] | Any, *, full_feature_names: bool = False
    ) -> Answer:
        """Return values at points in time, as Feast's method of this name does.

        Raises:
            FeatureError: ``feature_unknown``.
        """
        asked = self._checked(features)
        if isinstance(entity_df, str):
            raise FeatureError("entity_sql_refused", "give a data frame: an entity query could read anything")
        job = self._store.get_historical_features(
            entity_df=entity_df, features=asked, full_feature_names=full_feature_names
        )
        table = job.to_arrow()
        kept = [*entity_df.columns, *(_shown(one, full=full_feature_names) for one in asked)]
        return Answer(table.select([name for name in dict.fromkeys(kept) if name in table.column_names]))

    def _checked(self, features: Sequence[str] | Any) -> list[str]:
        """Return ``view:feature`` names, each of which the caller may read with all that it is made of."""
        asked = list(features) if isinstance(features, Sequence) else list(_of_service(features))
        if not asked or not all(isinstance(one, str) and one.count(":") == 1 for one in asked):
            raise FeatureError("feature_unknown", "name features as `view:feature`")
        seen: dict[str, Collection[str]] = {}
        for one in asked:
            if not all(self._has(view, column, seen) for view, column in self._closure(*one.split(":"))):
                raise FeatureError("feature_unknown", f"`{one[:200]}` is a feature that you do not have")
        return asked

    def _has(self, view: str, column: str, seen: dict[str, Collection[str]]) -> bool:
        if view not in seen:
            try:
                seen[view] = frozenset(self._columns(view))
            except FeatureError:  # not for this token: as if it were not there
                seen[view] = frozenset()
        return column in seen[view]

    def _closure(self, view: str, column: str) -> Iterator[tuple[str, str]]:
        """Yield the feature and all that it is derived from."""
        yield view, column
        for one in self._store.list_on_demand_feature_views():
            if one.name == view:
                for source in one.source_feature_view_projections.values():
                    for field in source.features:
                        yield from self._closure(source.name, field.name)


def _of_service(service: Any) -> Iterator[str]:
    for projection in service.feature_view_projections:
        for field in projection.features:
            yield f"{projection.name}:{field.name}"


def _shown(feature: str, *, full: bool) -> str:
    view, _, column = feature.partition(":")
    return f"{view}__{column}" if full else column
