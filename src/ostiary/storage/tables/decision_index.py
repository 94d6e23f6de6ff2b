"""Decisions as columns; ``DecisionTable`` implements ``decision.index.ports.DecisionIndex``.

- The one filter that is likely to leave least picks the query, and with it the way through the table; the others are
  looked at row by row. Where it has several values each is asked for, and what they give is merged.
- Every value is bound. A query's name is made of columns in this file and of nothing that anybody says.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice
from typing import Any, Final

import msgspec

from ostiary.decision.index.ports import HOUR_NS, Field, HourCount, IndexedDecision
from ostiary.decision.index.query import MAX_NUMBER, PPM, DecisionQuery
from ostiary.storage.tables.database import Database, Row
from ostiary.vocabulary.effects import Effect

INDEX_ERASURES: Final = (
    "delete_tenant_indexed_decisions",
    "delete_tenant_decision_hours",
    "delete_tenant_decision_spans",
    "delete_tenant_decision_cursor",
)
_EVERYONES: Final = "system"
_PIECE: Final = 2_000
_BY: Final = ("session", "subject", "ip", "resource_id", "rule")
_BY_AT_LAST: Final = ("action", "resource_type", "pep")
_BANDS: Final = 10
_RARE_BAND: Final = 5


class DecisionTable:
    """Rows, counts and cursors by tenant."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``, which has the log's records too."""
        self._database = database

    def cursor(self, tenant: str) -> int:
        """Return how far a tenant's decisions are here."""
        found = self._database.read("decision_cursor", tenant)
        return int(found[0][0]) if found else 0

    def add(self, tenant: str, start: int, until: int, rows: Sequence[IndexedDecision]) -> bool:
        """Add rows and counts, and move the cursor."""
        with self._database.transaction() as database:
            if start == 0:
                database.write_named("start_decision_cursor", {"tenant": tenant})
            if database.write("move_decision_cursor", until, tenant, start) != 1:
                return False
            database.write_many("add_indexed_decision", [_values(tenant, row) for row in rows])
            counts = Counter((row.time_ns // HOUR_NS, int(row.effect), row.pep) for row in rows)
            database.write_many("add_decision_hour", [(tenant, *key, count) for key, count in counts.items()])
            database.write_many("widen_decision_span", [(tenant, *span) for span in _spans(rows)])
            return True

    def erasures(self) -> int:
        """Return how far erasures were followed."""
        return self.cursor(_EVERYONES)

    def followed(self, start: int, until: int) -> bool:
        """Move that."""
        return self.add(_EVERYONES, start, until, ())

    def erase(self, ranges: Sequence[tuple[int, int]]) -> bool:
        """Remove rows whose payloads are gone, a piece at a time so that the log's writer never waits long."""
        left = 0
        for some in _turns(ranges):
            with self._database.transaction() as database:
                database.erase("erase_indexed_decisions", some)
                left += sum(database.read_inside("payloads_still_there", *piece)[0][0] for piece in some)
        return left == 0

    def rows(self, tenant: str, query: DecisionQuery) -> Sequence[IndexedDecision]:
        """Return what matches."""
        name = f"{'oldest' if query.oldest_first else 'newest'}_decisions_by_"
        found = [[_row(row) for row in self._database.read_named(*one)] for one in self._asked(name, tenant, query)]
        ordered = merge(*found, key=lambda row: row.idx, reverse=not query.oldest_first)
        return list(islice(ordered, query.limit))

    def count(self, tenant: str, query: DecisionQuery, most: int) -> int:
        """Return how many match, at most ``most``."""
        asked = self._asked("count_decisions_by_", tenant, query)
        found = sum(self._database.read_named(name, values | {"limit": most})[0][0] for name, values in asked)
        return min(most, int(found))

    def hours(self, tenant: str, since_hour: int, until_hour: int, pep: str | None = None) -> Sequence[HourCount]:
        """Return counts by the hour."""
        values = {"tenant": tenant, "since": since_hour, "until": until_hour, "pep": pep}
        found = self._database.read_named("hourly_decisions", values)
        return [HourCount(hour, Effect(effect), count) for hour, effect, count in found]

    def top(
        self, tenant: str, field: Field, effects: Sequence[Effect], since_ns: int, limit: int
    ) -> Sequence[tuple[str, int]]:
        """Return what came most often."""
        first, _ = self._span(tenant, since_ns, None)
        values = {"tenant": tenant, "first": first, "since": since_ns, "effects": _mask(effects), "limit": limit}
        return [(name, count) for name, count in self._database.read_named(f"top_decisions_by_{field}", values)]

    def heat(self, tenant: str, subject: str | None, since_ns: int) -> Mapping[tuple[int, int], int]:
        """Return counts by weekday and hour."""
        if subject is None:
            found = self._database.read("decision_heat", tenant, since_ns // HOUR_NS)
        else:
            found = self._database.read("decision_heat_of_subject", tenant, subject, since_ns)
        return {((hour // 24 + 3) % 7, hour % 24): count for hour, count in found}  # the epoch was a Thursday

    def _asked(self, name: str, tenant: str, query: DecisionQuery) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield the queries to ask, by the filter that leaves least."""
        first, last = self._span(tenant, query.since_ns, query.until_ns)
        first = first if query.after is None else max(first, query.after + 1)
        last = last if query.before is None else min(last, query.before - 1)
        told: dict[str, Any] = msgspec.structs.asdict(query)
        values = told | {
            "tenant": tenant,
            "first": first,
            "last": last,
            "since": query.since_ns or 0,
            "until": MAX_NUMBER if query.until_ns is None else query.until_ns,
            "effects": _mask(query.effects),
            "risk": query.risk_at_least,
            "unscored": "".join(f"\n{one}\n" for one in query.unscored) or None,
        }
        column, found = _way(tenant, query)
        for one in found:
            yield name + column, values | {f"by_{column}": one}

    def _span(self, tenant: str, since_ns: int | None, until_ns: int | None) -> tuple[int, int]:
        """Return between which indexes of the log everything between two moments is."""
        if since_ns is None and until_ns is None:
            return 0, MAX_NUMBER
        until = MAX_NUMBER if until_ns is None else until_ns
        first, last = self._database.read("decision_span", tenant, (since_ns or 0) // HOUR_NS, until // HOUR_NS)[0]
        return (MAX_NUMBER, 0) if first is None else (int(first), int(last))


def _way(tenant: str, query: DecisionQuery) -> tuple[str, Iterable[object]]:
    """Return the column by which to go through the table, and its values."""
    for column in _BY:
        if (value := getattr(query, column)) is not None:
            return column, (value,)
    risk = query.risk_at_least
    if risk is not None and risk * _BANDS >= _RARE_BAND * PPM:
        return "risk_band", range(min(risk * _BANDS // PPM, _BANDS - 1), _BANDS)
    if query.effects and Effect.ALLOW not in query.effects:
        return "effect", [int(effect) for effect in query.effects]
    for column in _BY_AT_LAST:
        if (value := getattr(query, column)) is not None:
            return column, (value,)
    return "tenant", (tenant,)


def _mask(effects: Iterable[Effect]) -> int | None:
    return sum(1 << effect for effect in set(effects)) or None


def _values(tenant: str, row: IndexedDecision) -> dict[str, object]:
    told = msgspec.structs.asdict(row)
    return told | {"tenant": tenant, "effect": int(row.effect), "reasons": msgspec.json.encode(row.reasons).decode()}


def _row(row: Row) -> IndexedDecision:
    told: dict[str, Any] = dict(zip(IndexedDecision.__struct_fields__, row, strict=True))
    reasons = msgspec.json.decode(told["reasons"], type=tuple[str, ...])
    return IndexedDecision(**told | {"effect": Effect(told["effect"]), "reasons": reasons})


def _spans(rows: Iterable[IndexedDecision]) -> list[tuple[int, int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for row in rows:
        hour = row.time_ns // HOUR_NS
        first, last = found.get(hour, (row.idx, row.idx))
        found[hour] = (min(first, row.idx), max(last, row.idx))
    return [(hour, *span) for hour, span in found.items()]


def _turns(ranges: Iterable[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Yield the same ranges, cut and gathered so that none of what is yielded is wide."""
    gathered: list[tuple[int, int]] = []
    width = 0
    for start, end in ranges:
        for place in range(start, end, _PIECE):
            gathered.append((place, min(end, place + _PIECE)))
            width += gathered[-1][1] - place
            if width >= _PIECE:
                yield gathered
                gathered, width = [], 0
    if gathered:
        yield gathered
