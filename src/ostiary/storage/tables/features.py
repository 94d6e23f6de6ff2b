"""Online values of feature sets; ``OnlineFeatureTable`` implements ``pipeline.features.ports.OnlineStore``."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ostiary.pipeline.features.ports import Allows, Cell
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
        return _by_key(self._database.read_named("online_features", _wanted(tenant, name, keys, columns)))

    def put(self, tenant: str, name: str, cells: Sequence[tuple[str, str, Cell]]) -> None:
        """Store cells, all or none; an older event never replaces a newer one."""
        rows = [(tenant, name, key, column, cell.value, cell.event_ns) for key, column, cell in cells]
        self._database.write_many("put_online_feature", rows)

    def put_over(
        self, tenant: str, name: str, cells: Sequence[tuple[str, str, Cell]], columns: Sequence[str], allows: Allows
    ) -> bool:
        """Store cells if ``allows`` says so of what they are put over; nobody else writes meanwhile."""
        keys = list(dict.fromkeys(key for key, _, _ in cells))
        with self._database.transaction() as database:
            found = database.read_inside_named("online_features", _wanted(tenant, name, keys, columns))
            if not allows(_by_key(found)):
                return False
            rows = [(tenant, name, key, column, cell.value, cell.event_ns) for key, column, cell in cells]
            database.write_many("put_online_feature", rows)
            return True

    def forget(self, tenant: str, name: str) -> int:
        """Erase a feature set's cells."""
        return self._database.erase("delete_online_features", [(tenant, name)])


def _wanted(tenant: str, name: str, keys: Sequence[str], columns: Sequence[str]) -> dict[str, object]:
    wanted = {"keys": msgspec.json.encode(keys).decode(), "names": msgspec.json.encode(columns).decode()}
    return {"tenant": tenant, "feature_set": name, **wanted}


def _by_key(rows: Sequence[Any]) -> dict[str, dict[str, Cell]]:
    found: dict[str, dict[str, Cell]] = {}
    for key, column, value, event_ns in rows:
        found.setdefault(key, {})[column] = Cell(value, event_ns)
    return found
