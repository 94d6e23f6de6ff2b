"""Indexed decisions as people and programs get them: plain values, lines of JSON, rows of a table.

A cell of a table that begins like a formula gets a quote before it: a spreadsheet would run it, and who asks for access
chooses his own name.

>>> guarded("=cmd|'/c calc'!A1")
"'=cmd|'/c calc'!A1"
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal

import msgspec

from ostiary.decision.index.ports import DecisionIndex, HourCount, IndexedDecision
from ostiary.decision.index.query import MAX_LIMIT, PPM, DecisionQuery

Format = Literal["ndjson", "csv"]
COLUMNS: Final = (
    "id", "index", "time_ns", "effect", "subject", "session", "action", "action_class", "resource_type", "resource_id",
    "pep", "rule", "risk", "ip", "kind", "reasons",
)  # fmt: skip
_HOUR_NS: Final = 3_600 * 10**9
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def told(row: IndexedDecision) -> dict[str, Any]:
    """Return one decision with plain values, by ``COLUMNS``."""
    found: dict[str, Any] = {
        "id": row.id,
        "index": row.idx,
        "time_ns": row.time_ns,
        "effect": row.effect.name,
        "subject": row.subject,
        "session": row.session,
        "action": row.action,
        "action_class": row.action_class,
        "resource_type": row.resource_type,
        "resource_id": row.resource_id,
        "pep": row.pep,
        "rule": row.rule,
        "risk": None if row.risk is None else row.risk / PPM,
        "ip": row.ip,
        "kind": row.kind,
        "reasons": row.reasons,
    }
    return found


def told_hour(count: HourCount) -> dict[str, Any]:
    """Return one count of an hour with plain values."""
    return {"hour_ns": count.hour * _HOUR_NS, "effect": count.effect.name, "count": count.count}


def next_key(query: DecisionQuery, rows: Sequence[IndexedDecision]) -> int | None:
    """Return with which ``before``, or ``after``, to go on; ``None`` at the list's end. A live tail has no end."""
    if query.oldest_first:
        return rows[-1].idx if rows else query.after
    return rows[-1].idx if len(rows) == query.limit else None


def walk(index: DecisionIndex, tenant: str, query: DecisionQuery) -> Iterator[Sequence[IndexedDecision]]:
    """Yield everything that matches, a page at a time; the query's limit does not count."""
    asked = msgspec.structs.replace(query, limit=MAX_LIMIT)
    key = "after" if query.oldest_first else "before"
    while rows := index.rows(tenant, asked):
        yield rows
        if len(rows) < MAX_LIMIT:
            return
        asked = msgspec.structs.replace(asked, **{key: rows[-1].idx})


def written(pages: Iterable[Sequence[IndexedDecision]], form: Format, unscored: str = "") -> Iterator[bytes]:
    """Yield an export, a page at a time; decisions of ``unscored``, who takes it, are without their score."""
    if form == "csv":
        yield _table([COLUMNS])
    for rows in pages:
        plain = [told(msgspec.structs.replace(row, risk=None) if row.subject == unscored else row) for row in rows]
        yield (
            _table(map(_cells, plain)) if form == "csv" else b"".join(msgspec.json.encode(one) + b"\n" for one in plain)
        )


def guarded(cell: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _cells(one: dict[str, Any]) -> list[object]:
    one = one | {"reasons": " ".join(one["reasons"])}
    return [guarded(value) if isinstance(value, str) else value for value in one.values()]


def _table(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
