"""What needs somebody: how many things wait on each page for this very person, remembered for some seconds.

It is a hint beside the navigation. What a person may do about it is decided when it is done.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from ostiary.errors import OstiaryError
from ostiary.server.access.shown import request_shown

if TYPE_CHECKING:
    from ostiary.server.console.visit import Visit

KEPT_S: Final = 5.0
_MOST: Final = 200
_REMEMBERED: Final = 1_000


def _approvals(visit: "Visit") -> int:
    """Return how many open proposals this person could agree to."""
    return len(visit.house.approvals.inbox.needs(visit.tenant, visit.person.subject))


def _requests(visit: "Visit") -> int:
    """Return how many requests for access wait for an answer."""
    book, now_ns, tenant = visit.house.access.book, visit.now_ns, visit.tenant
    found = (request_shown(one, book.answer(tenant, one.id), now_ns) for one in book.requests(tenant)[-_MOST:])
    return sum(one.status == "pending" for one in found)


def _cases(visit: "Visit") -> int:
    """Return how many cases are open."""
    return len(visit.house.response.cases.listed(visit.tenant, "open", _MOST))


_COUNTED: Final[Mapping[str, tuple[str, Callable[["Visit"], int]]]] = {
    "/approvals": ("approvals", _approvals),
    "/access": ("access", _requests),
    "/detections": ("detections", _cases),
}


class Needs:
    """Counts, by person; safe for several threads."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._kept: dict[tuple[str, str], tuple[float, Mapping[str, int]]] = {}
        self._lock = threading.Lock()

    def of(self, visit: "Visit") -> Mapping[str, int]:
        """Return the counts by page; pages that the person may not see are left out, and so is nothing at all."""
        key, now = (visit.tenant, visit.person.subject), time.monotonic()
        kept = self._kept.get(key)
        if kept is not None and now - kept[0] < KEPT_S:
            return kept[1]
        seen = {path: _told(visit, count) for path, (area, count) in _COUNTED.items() if visit.may("view", area)}
        found = {path: number for path, number in seen.items() if number}
        with self._lock:
            if len(self._kept) >= _REMEMBERED:
                self._kept.clear()
            self._kept[key] = (now, found)
        return found


def _told(visit: "Visit", count: Callable[["Visit"], int]) -> int:
    """Return a count; what cannot be counted is told to whoever looks after the server, and the page comes without."""
    try:
        return count(visit)
    except OstiaryError as fault:
        visit.shared.desk.faults(fault.code, fault)
        return 0
