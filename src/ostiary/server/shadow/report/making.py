"""Makes a shadow report and keeps it: the copy that others rely on is signed, and holds no name."""

from typing import Final

import msgspec

from ostiary.server.shadow.report.gathering import Asked, Gatherer
from ostiary.server.shadow.report.sheet import Sheet, shown
from ostiary.server.wiring import House

KIND: Final = "shadow"


def make(house: House, asked: Asked) -> tuple[Sheet, str]:
    """Return a report as it is asked for, and the digest of the copy that is kept of it.

    Raises:
        FaultyInputError: ``control_unknown``, ``days_invalid``, ``labels_malformed``.
        RefusedError: ``candidate_not_running``.
        UnavailableError: the log or the store cannot be read or written.
    """
    now = house.clock.now_ns()
    sheet, nameless = Gatherer(house, asked, now).sheet()
    return sheet, keep(house, nameless, now)


def keep(house: House, nameless: Sheet, now_ns: int) -> str:
    """Keep the copy of a report that holds no name, signed; return its digest.

    Raises:
        UnavailableError: it cannot be written.
    """
    body = msgspec.json.encode({name: value for name, value in shown(nameless, "").items() if name != "digest"})
    return house.reports.keep(nameless.tenant, KIND, nameless.about, body, now_ns).digest
