"""Counts of the shadow; ``ShadowTable`` implements ``decision.counts.ShadowCounts``."""

from collections.abc import Mapping, Sequence

from ostiary.decision.counts import Key, Summed
from ostiary.storage.tables.database import Database


class ShadowTable:
    """Counts by tenant, candidate and hour."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def add(self, tenant: str, counts: Mapping[Key, int]) -> None:
        """Add to counts, all or none."""
        rows = []
        for key, count in counts.items():
            cell = key.cell
            place = (cell.hour, key.what, cell.controls, cell.before, cell.after, cell.groups, cell.resource_class)
            rows.append((tenant, key.about, *place, count))
        self._database.write_many("add_shadow_count", rows)

    def summed(self, tenant: str, about: str, what: str, since_hour: int, until_hour: int) -> Sequence[Summed]:
        """Return sums over the hours, by cell."""
        rows = self._database.read("summed_shadow_counts", tenant, about, what, since_hour, until_hour)
        return [Summed(*row) for row in rows]

    def hourly(self, tenant: str, about: str, since_hour: int, until_hour: int) -> Mapping[tuple[int, str], int]:
        """Return sums by hour and what was counted."""
        rows = self._database.read("hourly_shadow_counts", tenant, about, since_hour, until_hour)
        return {(hour, what): count for hour, what, count in rows}

    def forget(self, tenant: str, before_hour: int) -> int:
        """Erase what is older."""
        return self._database.erase("forget_shadow_counts", [(tenant, before_hour)])
