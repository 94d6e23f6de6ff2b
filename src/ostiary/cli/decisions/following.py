"""A live tail: what is new, again and again, without holding on to anything but the place in the log."""

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from ostiary.decision.index.ports import DecisionIndex, IndexedDecision
from ostiary.decision.index.query import MAX_LIMIT, DecisionQuery


def last(index: DecisionIndex, tenant: str, query: DecisionQuery) -> tuple[Sequence[IndexedDecision], int]:
    """Return the newest that match, oldest first, and the index after which to go on.

    The place is read before the rows: what comes between is seen again as new rather than missed.
    """
    place = index.cursor(tenant) - 1
    rows = [row for row in reversed(index.rows(tenant, query)) if row.idx <= place]
    return rows, place


def follow(
    index: DecisionIndex, tenant: str, query: DecisionQuery, place: int, wait: Callable[[], bool]
) -> Iterator[Sequence[IndexedDecision]]:
    """Yield new decisions that match as they come; ends when ``wait``, called where there are none, says no."""
    while True:
        rows = index.rows(tenant, replace(query, after=place, limit=MAX_LIMIT))
        if rows:
            yield rows
            place = rows[-1].idx
        elif not wait():
            return
