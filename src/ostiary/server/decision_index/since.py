"""From where in the log to read what came since a moment, found through the index instead of reading all of it."""

from typing import Final

from ostiary.decision.index.query import FROM_THE_START, DecisionQuery
from ostiary.server.wiring import House

_HOUR_NS: Final = 3_600 * 1_000_000_000


def first_since(house: House, tenant: str, since_ns: int) -> int:
    """Return an index of the log before which no record of a tenant is as new as ``since_ns``.

    Records lie as they were written, and are stamped when they were received: an hour is allowed between the two.
    """
    query = DecisionQuery(since_ns=max(0, since_ns - _HOUR_NS), after=FROM_THE_START, limit=1)
    rows = house.store.decisions.rows(tenant, query)
    if rows:
        return _before(house, tenant, rows[0].idx)
    return _before(house, tenant, house.store.decisions.cursor(tenant))


def _before(house: House, tenant: str, idx: int) -> int:
    """Return the place of the decision before one: other records since the moment may lie between the two."""
    rows = house.store.decisions.rows(tenant, DecisionQuery(before=idx, limit=1)) if idx > 0 else ()
    return rows[0].idx if rows else 0
