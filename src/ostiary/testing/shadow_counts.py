"""Counts of the shadow in memory; keeps the promises of ``decision.counts.ShadowCounts``.

>>> from ostiary.decision.shadow import Cell
>>> counts = MemoryShadowCounts()
>>> counts.add("default", {Key("live", "compared", Cell(3, "deny", 0, 3)): 2})
>>> counts.summed("default", "live", "compared", 0, 9)[0].count
2
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from ostiary.decision.counts import Key, Summed


class MemoryShadowCounts:
    """Counts by tenant."""

    def __init__(self) -> None:
        """Start with none."""
        self._counts: Counter[tuple[str, Key]] = Counter()

    def add(self, tenant: str, counts: Mapping[Key, int]) -> None:
        """Add to counts."""
        self._counts.update({(tenant, key): count for key, count in counts.items()})

    def summed(self, tenant: str, about: str, what: str, since_hour: int, until_hour: int) -> Sequence[Summed]:
        """Return sums over the hours, by cell."""
        found: dict[tuple[str, int, int, str, str], list[int]] = {}
        for key, count in self._of(tenant, about, since_hour, until_hour):
            if key.what == what:
                cell = key.cell
                place = (cell.controls, cell.before, cell.after, cell.groups, cell.resource_class)
                known = found.setdefault(place, [0, cell.hour, cell.hour])
                found[place] = [known[0] + count, min(known[1], cell.hour), max(known[2], cell.hour)]
        return [Summed(*place, *found[place]) for place in sorted(found)]

    def hourly(self, tenant: str, about: str, since_hour: int, until_hour: int) -> Mapping[tuple[int, str], int]:
        """Return sums by hour and what was counted."""
        found: Counter[tuple[int, str]] = Counter()
        for key, count in self._of(tenant, about, since_hour, until_hour):
            found[key.cell.hour, key.what] += count
        return found

    def forget(self, tenant: str, before_hour: int) -> int:
        """Erase what is older."""
        old = [(one, key) for one, key in self._counts if one == tenant and key.cell.hour < before_hour]
        for place in old:
            del self._counts[place]
        return len(old)

    def _of(self, tenant: str, about: str, since_hour: int, until_hour: int) -> list[tuple[Key, int]]:
        return [
            (key, count)
            for (one, key), count in self._counts.items()
            if one == tenant and key.about == about and since_hour <= key.cell.hour < until_hour
        ]
