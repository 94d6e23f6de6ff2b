"""Break-glass has no path of its own here: this face ends what is over, and shows how many are open."""

from collections.abc import Sequence
from typing import Final

from ostiary.errors import OstiaryError
from ostiary.server.break_glass.opening import end_overdue
from ostiary.server.chores import Chore
from ostiary.server.desk import FaceDesk
from ostiary.server.public import NOT_FOUND
from ostiary.server.wire import Reply, Request
from ostiary.server.wiring import House

TEND_S: Final = 1.0


class BreakGlassFace:
    """Answers nothing; its chore writes down the ends."""

    prefixes: tuple[str, ...] = ()

    def __init__(self, house: House) -> None:
        """Tend to ``house``."""
        self._house = house

    async def answer(self, request: Request) -> Reply:  # noqa: ARG002 - a Protocol's method
        """Answer like a path that is not there."""
        return NOT_FOUND

    def chores(self) -> Sequence[Chore]:
        """Return what is done every second."""
        return [Chore("break_glass_not_ended", TEND_S, lambda: end_overdue(self._house), once=True)]


def face(desk: FaceDesk) -> BreakGlassFace:
    """Return the face; it is always there."""
    house = desk.house

    def living() -> float:
        now_ns = house.clock.now_ns()
        try:
            return sum(house.glass.living(row.tenant, now_ns) for row in house.tenants.living())
        except OstiaryError as fault:  # a scrape must not fail; the fault is told, and shown as a number that cannot be
            desk.faults(fault.code, fault)
            return -1.0

    desk.metrics.gauge("ostiary_break_glass_open", "break-glasses that are open; -1 when it cannot be told", living)
    return BreakGlassFace(house)
