"""What a scoring command says of one request or one pair, and how ids and decisions are read from a table."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.errors import FaultyInputError
from ostiary.risk.entitlements.coding import Floats
from ostiary.risk.entitlements.table import Table

GRANTED: Final = frozenset({"1", "true", "yes", "granted", "approved", "allow", "allowed"})
REFUSED: Final = frozenset({"0", "false", "no", "refused", "denied", "rejected", "deny"})
USUAL_IDS: Final = ("id", "row", "request_id")


class ScoredLine(msgspec.Struct, frozen=True):
    """One line of ``score``; ``score`` is the probability that this should not be granted."""

    id: str
    score: float
    level: str
    reasons: tuple[str, ...]


def refusals(table: Table, column: str) -> Floats:
    """Return 1 for each request that was refused and 0 for each that was granted.

    Raises:
        FaultyInputError: ``decision_malformed`` with the line, ``table_column_missing``.
    """
    answer = np.zeros(table.rows)
    for number, cell in enumerate(table.column(column)):
        word = cell.strip().lower()
        if word not in GRANTED and word not in REFUSED:
            text = f"line {number + 2}: a decision is 1 (granted) or 0 (refused), not `{cell[:40]}`"
            raise FaultyInputError("decision_malformed", text, str(number + 2))
        answer[number] = word in REFUSED
    return answer


def identifier_of(table: Table, wanted: str) -> str:
    """Return the column with the ids: the one asked for, else a usual name for it, else none."""
    if wanted:
        table.column(wanted)
        return wanted
    return next((name for name in USUAL_IDS if name in table.columns), "")


def ids_of(table: Table, column: str) -> Sequence[str]:
    """Return the ids, or the rows' numbers from 1 when there is no such column."""
    if column and column in table.columns:
        return table.columns[column]
    return [str(number) for number in range(1, table.rows + 1)]
