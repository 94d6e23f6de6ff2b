"""Shadow reports for whoever looks at a page: one at a time, and told again for a minute instead of made again.

- A report reads the decisions of days. Two that are asked for at once would halve each other; many would stop a worker.
- What is told again holds names, so it lives for a minute at most, and goes when a subject or a tenant is erased: the
  number of erasures that the log's index has seen is part of the key.
- The budget changes no count: it is put in afterwards, so that moving it asks for no other report.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.server.shadow.report.gathering import Asked, Gatherer
from ostiary.server.shadow.report.sheet import Sheet
from ostiary.server.wiring import House

MAX_DAYS: Final = 90
FRESH_NS: Final = 60 * 10**9
MOST: Final = 8
WAIT_S: Final = 20.0
BUSY: Final = "report_busy"
Key = tuple[Asked, int]


class Both(msgspec.Struct, frozen=True):
    """One report, with people's names and with pseudonyms in their place."""

    named: Sheet
    nameless: Sheet


class Recent:
    """The newest reports of this process; safe for several threads."""

    def __init__(self) -> None:
        """Start with none."""
        self._making = threading.Lock()
        self._kept: OrderedDict[Key, tuple[int, Both]] = OrderedDict()

    def get(self, key: Key, now_ns: int, make: Callable[[], Both]) -> Both:
        """Return a report that is a minute old at most.

        Raises:
            UnavailableError: ``report_busy``: another one has been in the making for too long.
        """
        if not self._making.acquire(timeout=WAIT_S):
            raise UnavailableError(BUSY, "another report is being made: try again in a moment")
        try:
            for old in [one for one, (at, _) in self._kept.items() if not 0 <= now_ns - at < FRESH_NS]:
                del self._kept[old]
            if key not in self._kept:
                self._kept[key] = (now_ns, make())
                if len(self._kept) > MOST:
                    self._kept.popitem(last=False)
            return self._kept[key][1]
        finally:
            self._making.release()


def sheet_of(recent: Recent, house: House, asked: Asked) -> Both:
    """Return a report; whether names are asked for makes no difference, both are told.

    Raises:
        FaultyInputError: ``control_unknown``, ``days_invalid``.
        RefusedError: ``candidate_not_running``.
        UnavailableError: ``report_busy``, or the log cannot be read.
    """
    now = house.clock.now_ns()
    plain = msgspec.structs.replace(asked, budget=None, anonymous=False)

    def make() -> Both:
        return Both(*Gatherer(house, plain, now).sheet())

    found = recent.get((plain, house.store.decisions.erasures()), now, make)
    return Both(with_budget(found.named, asked.budget), with_budget(found.nameless, asked.budget))


def with_budget(sheet: Sheet, asked: float | None) -> Sheet:
    """Return a report with the budget that somebody asks about."""
    if asked is None:
        return sheet
    over = sum(day.interrupts > asked for day in sheet.daily)
    return msgspec.structs.replace(sheet, budget=msgspec.structs.replace(sheet.budget, asked=asked, days_over=over))
