"""When a feature set or dataset was accessed: counts by weekday and hour (UTC), of the newest accesses on record."""

from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.server.lineage.walking import newest
from ostiary.server.wiring import House

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST: Final = 5_000
_NS: Final = 1_000_000_000
_MEMBER: Final = {"feature": "feature_set", "dataset": "dataset"}


class Heat(msgspec.Struct, frozen=True):
    """Counts.

    Attributes:
        cells: hour, day of the week (0 Monday), how many; cells without an access are left out.
        counted: how many accesses.
        since_ns, until_ns: of the oldest and the newest of them; 0 without one.
        cut: whether older accesses were not counted.
    """

    cells: tuple[tuple[int, int, int], ...]
    counted: int
    since_ns: int
    until_ns: int
    cut: bool


def heat_of(house: House, tenant: str, kind: Literal["feature", "dataset"], name: str) -> Heat:
    """Return when a feature set or a dataset was accessed."""

    def read(record: StoredRecord) -> int | None:
        told = msgspec.json.decode(record.payload or b"{}", type=dict[str, Any])
        return record.time_ns if told.get(_MEMBER[kind]) == name else None

    walked = newest(house.log, tenant, kind, read, limit=MOST)
    counts: dict[tuple[int, int], int] = {}
    for at_ns in walked.found:
        moment = datetime.fromtimestamp(at_ns // _NS, UTC)
        place = (moment.hour, moment.weekday())
        counts[place] = counts.get(place, 0) + 1
    return Heat(
        cells=tuple((hour, day, count) for (hour, day), count in sorted(counts.items())),
        counted=len(walked.found),
        since_ns=min(walked.found, default=0),
        until_ns=max(walked.found, default=0),
        cut=walked.next is not None,
    )
