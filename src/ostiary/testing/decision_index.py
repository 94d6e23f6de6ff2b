"""Decisions as columns in memory, by the plainest reading of the contract: what ``decision.index.ports`` promises.

>>> index = MemoryDecisionIndex()
>>> index.add("default", 0, 8, [IndexedDecision(7, 0, "dec_1", Effect.DENY)]), index.cursor("default")
(True, 8)
>>> [row.id for row in index.rows("default", DecisionQuery(effects=(Effect.DENY,)))]
['dec_1']
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ostiary.decision.index.ports import HOUR_NS, Field, HourCount, IndexedDecision
from ostiary.decision.index.query import DecisionQuery
from ostiary.vocabulary.effects import Effect

_SAME = ("subject", "session", "action", "resource_type", "resource_id", "pep", "rule", "ip")


class MemoryDecisionIndex:
    """Rows, counts and cursors by tenant; ``gone`` are the indexes whose payloads were erased."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.gone: set[int] = set()
        self._cursors: dict[str, int] = {}
        self._rows: dict[str, dict[int, IndexedDecision]] = {}
        self._counts: dict[str, Counter[tuple[int, Effect, str]]] = {}
        self._followed = 0

    def cursor(self, tenant: str) -> int:
        """Return how far a tenant's decisions are here."""
        return self._cursors.get(tenant, 0)

    def add(self, tenant: str, start: int, until: int, rows: Sequence[IndexedDecision]) -> bool:
        """Add rows and counts, and move the cursor."""
        if self.cursor(tenant) != start:
            return False
        self._cursors[tenant] = until
        self._rows.setdefault(tenant, {}).update({row.idx: row for row in rows if row.idx not in self.gone})
        counts = self._counts.setdefault(tenant, Counter())
        counts.update((row.time_ns // HOUR_NS, row.effect, row.pep) for row in rows)
        return True

    def erasures(self) -> int:
        """Return how far erasures were followed."""
        return self._followed

    def followed(self, start: int, until: int) -> bool:
        """Move that."""
        if self._followed != start:
            return False
        self._followed = until
        return True

    def erase(self, ranges: Sequence[tuple[int, int]]) -> bool:
        """Remove rows whose payloads are gone."""
        for rows in self._rows.values():
            for idx in [idx for idx in rows if idx in self.gone and _within(idx, ranges)]:
                del rows[idx]
        return not any(_within(idx, ranges) for rows in self._rows.values() for idx in rows)

    def rows(self, tenant: str, query: DecisionQuery) -> Sequence[IndexedDecision]:
        """Return what matches."""
        found = sorted(self._matching(tenant, query), key=lambda row: row.idx, reverse=not query.oldest_first)
        return found[: query.limit]

    def count(self, tenant: str, query: DecisionQuery, most: int) -> int:
        """Return how many match."""
        return min(most, len(self._matching(tenant, query)))

    def hours(self, tenant: str, since_hour: int, until_hour: int, pep: str | None = None) -> Sequence[HourCount]:
        """Return counts by the hour."""
        found: Counter[tuple[int, Effect]] = Counter()
        for (hour, effect, told), count in self._counts.get(tenant, Counter()).items():
            if since_hour <= hour < until_hour and pep in {None, told}:
                found[hour, effect] += count
        return [HourCount(*key, found[key]) for key in sorted(found)]

    def top(
        self, tenant: str, field: Field, effects: Sequence[Effect], since_ns: int, limit: int
    ) -> Sequence[tuple[str, int]]:
        """Return what came most often."""
        found: Counter[str] = Counter()
        for row in self._matching(tenant, DecisionQuery(effects=tuple(effects), since_ns=since_ns)):
            told = row.resource_type and f"{row.resource_type}:{row.resource_id}"
            found[told if field == "resource" else str(getattr(row, field))] += 1
        del found[""]
        return sorted(found.items(), key=lambda one: (-one[1], one[0]))[:limit]

    def heat(self, tenant: str, subject: str | None, since_ns: int) -> Mapping[tuple[int, int], int]:
        """Return counts by weekday and hour."""
        if subject is not None:
            rows = self._matching(tenant, DecisionQuery(subject=subject, since_ns=since_ns))
            return Counter(_cell(row.time_ns // HOUR_NS) for row in rows)
        found: Counter[tuple[int, int]] = Counter()
        for count in self.hours(tenant, since_ns // HOUR_NS, 2**62):
            found[_cell(count.hour)] += count.count
        return found

    def _matching(self, tenant: str, query: DecisionQuery) -> list[IndexedDecision]:
        return [row for row in self._rows.get(tenant, {}).values() if _matches(row, query)]


def _matches(row: IndexedDecision, query: DecisionQuery) -> bool:
    text = query.text or ""
    _, _, name = row.subject.partition(f"{row.subject_type}:")
    return (
        (not query.effects or row.effect in query.effects)
        and all(getattr(query, one) in {None, getattr(row, one)} for one in _SAME)
        and query.without_pep != row.pep
        and (query.risk_at_least is None or (row.risk is not None and row.risk >= query.risk_at_least))
        and (query.risk_at_least is None or query.unscored != row.subject)
        and (query.since_ns or 0) <= row.time_ns < (2**63 if query.until_ns is None else query.until_ns)
        and (query.before is None or row.idx < query.before)
        and (query.after is None or row.idx > query.after)
        and any(one.startswith(text) for one in (row.subject, name, row.resource_id))
    )


def _within(idx: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(start <= idx < end for start, end in ranges)


def _cell(hour: int) -> tuple[int, int]:
    return (hour // 24 + 3) % 7, hour % 24
