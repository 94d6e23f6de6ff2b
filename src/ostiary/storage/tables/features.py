"""Online values of feature sets; ``OnlineFeatureTable`` implements ``pipeline.features.ports.OnlineStore``."""

from collections.abc import Mapping, Sequence

import msgspec

from ostiary.pipeline.features.ports import Cell
from ostiary.storage.tables.database import Database


class OnlineFeatureTable:
    """The newest values by tenant, feature set, key and column."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def get(
        self, tenant: str, name: str, keys: Sequence[str], columns: Sequence[str]
    ) -> Mapping[str, Mapping[str, Cell]]:
        """Return the cells of these columns, and of no others."""
        wanted = {"keys": msgspec.json.encode(keys).decode(), "names": msgspec.json.encode(columns).decode()}
        rows = self._database.read_named("online_features", {"tenant": tenant, "feature_set": name, **wanted})
        found: dict[str, dict[str, Cell]] = {}
        for key, column, value, event_ns in rows:
            found.setdefault(key, {})[column] = Cell(value, event_ns)
        return found

    def put(self, tenant: str, name: str, cells: Sequence[tuple[str, str, Cell]]) -> None:
        """Store cells, all or none; an older event never replaces a newer one."""
        rows = [(tenant, name, key, column, cell.value, cell.event_ns) for key, column, cell in cells]
        self._database.write_many("put_online_feature", rows)

    def forget(self, tenant: str, name: str) -> int:
        """Erase a feature set's cells."""
        return self._database.erase("delete_online_features", [(tenant, name)])
