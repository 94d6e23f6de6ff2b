"""Whose behaviour has moved furthest from the frozen baseline, and putting another baseline in its place.

- State lies under digests of names; names come from the log's own records of baselines, so that one who was erased is
  nobody here. A log of more than ``MOST_NAMES`` baselines is looked at up to there, and ``all_seen`` says so.
- A baseline that was taken away or changed is an alarm of its own (``fault``).
- The new baseline counts from the end of its last day: the same days make the same deed, whenever it is asked about.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from ostiary.defence.anchors import Baseline
from ostiary.defence.drift_days import MEASURES
from ostiary.errors import RefusedError
from ostiary.server.drifting import BASELINE_KIND, STATE_KIND, Kept, name_of
from ostiary.server.wiring import House
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.unreadable import UNREADABLE

MOST: Final = 50
MOST_NAMES: Final = 5_000
_DAY_NS: Final = 86_400 * 10**9


class Drifting(msgspec.Struct, frozen=True):
    """One subject.

    Attributes:
        alarms: measure and direction of what is alarming, such as ``hour:up``.
        worst: the largest sum, as a share of the height that is an alarm.
        moved: how far the profile itself has moved, in deviations of the baseline, either way.
        measure: of what it moved most; empty when it did not.
        days: days taken in since the baseline was frozen.
        fault: why the baseline is not believed; empty when it is.
    """

    subject: str
    alarms: tuple[str, ...]
    worst: float
    moved: float
    measure: str
    days: int
    fault: str = ""


class Watching(msgspec.Struct, frozen=True):
    """Who is watched: how many, how many alarm, and those who moved furthest, alarms first."""

    subjects: int
    alarms: int
    all_seen: bool
    rows: tuple[Drifting, ...]


def drifts_of(house: House, tenant: str) -> Watching:
    """Return who moved furthest.

    Raises:
        UnavailableError: the log or the store cannot be read.
    """
    found = list(dict.fromkeys(islice(_named(house, tenant), MOST_NAMES + 1)))
    names = found[:MOST_NAMES]
    states = {one.name: one.data for one in house.store.snapshots.all(tenant, STATE_KIND)}
    rows = [_row(house, subject, states.get(name_of(subject))) for subject in names]
    rows.sort(key=lambda one: (not one.alarms, -one.worst, one.subject))
    believed = tuple(_believed(house, tenant, row) for row in rows[:MOST])
    alarms = sum(bool(one.alarms) for one in rows[MOST:]) + sum(bool(one.alarms or one.fault) for one in believed)
    return Watching(len(names), alarms, len(found) <= MOST_NAMES, believed)


def replacement(house: House, tenant: str, subject: str) -> tuple[Deed, int]:
    """Return the deed that puts the latest quiet days in the baseline's place, and from when it counts.

    Raises:
        RefusedError: ``baseline_unknown``, ``baseline_too_few_days``.
    """
    if subject not in set(_named(house, tenant)):
        raise RefusedError("baseline_unknown", "there is no frozen baseline")
    data = house.store.snapshots.load(tenant, STATE_KIND, name_of(subject))
    kept = Kept() if data is None else msgspec.msgpack.decode(data, type=Kept)
    frozen_ns = (kept.quiet[-1].number + 1) * _DAY_NS if kept.quiet else 0
    return house.drift.replacement(tenant, subject, frozen_ns), frozen_ns


def replace(house: House, tenant: str, subject: str, proposal: str) -> Baseline:
    """Put the latest quiet days in the baseline's place, if people agreed to exactly that.

    Raises:
        RefusedError: ``approval_…``, ``baseline_unknown``, ``baseline_stale``, ``baseline_too_few_days``.
    """
    _, frozen_ns = replacement(house, tenant, subject)
    return house.drift.replace(tenant, subject, frozen_ns, proposal)


def _named(house: House, tenant: str) -> Iterator[str]:
    for record in house.log.iterate(tenant, BASELINE_KIND):
        told: Any = msgspec.json.decode(record.payload) if record.payload else {}
        if told.get("subject"):
            yield str(told["subject"])


def _row(house: House, subject: str, data: bytes | None) -> Drifting:
    try:
        watched = Kept().watched if data is None else msgspec.msgpack.decode(data, type=Kept).watched
    except UNREADABLE:  # it says so itself when it is read to be believed
        return Drifting(subject, (), 1.0, 0.0, "", 0, "drift_state_malformed")
    moved = max(watched.moved, key=abs, default=0.0)
    place = watched.moved.index(moved) if moved else -1
    measure = MEASURES[place] if 0 <= place < len(MEASURES) else ""
    worst = watched.worst / house.settings.drift.height
    return Drifting(subject, watched.alarms, worst, moved, measure, watched.days)


def _believed(house: House, tenant: str, row: Drifting) -> Drifting:
    facts = house.drift.drift(tenant, row.subject)
    if facts is None:
        return row
    return msgspec.structs.replace(row, alarms=facts.measures, fault=facts.fault or row.fault)
