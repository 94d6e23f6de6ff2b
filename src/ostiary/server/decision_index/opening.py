"""The projector over an open house."""

from collections.abc import Callable

from ostiary.server.decision_index.projector import Projector
from ostiary.server.wiring import House


def projector_of(house: House, on_fault: Callable[[str, BaseException], None]) -> Projector:
    """Return what keeps the house's index up with its log, for all living tenants."""
    return Projector(house.log, house.store.decisions, lambda: [row.tenant for row in house.tenants.living()], on_fault)
