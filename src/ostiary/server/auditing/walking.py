"""Walks back through the log, newest first, and never further than it may: what was looked at is said.

1. A page begins below an index (``below``) and ends at the index where the next one begins; nothing is counted twice.
2. Kind and subject are looked up in indexes, a time is found by halving: entries are never dated back. Everything else
   is compared record by record, at most ``MOST_LOOKED`` of them for one page.
3. A subject nobody knows, or one that was forgotten, has no records; a record that was erased is found by its entry.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from ostiary.audit.entry import SALT_BYTES, LogEntry
from ostiary.audit.log import open_row
from ostiary.audit.ports import RecordRow, Selection
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.wiring import House
from ostiary.vocabulary.unreadable import UNREADABLE

MOST_LOOKED: Final = 2_000
MOST_SHOWN: Final = 500
_PAGE: Final = 256
_SLACK_NS: Final = 60 * 1_000_000_000
_END_NS: Final = 1 << 62


class Wanted(msgspec.Struct, frozen=True):
    """Which records; all that is said must hold, and nothing said means any.

    Attributes:
        kind: of the record.
        by: who did it: an administrator's name or key, or the enforcement point of a decision.
        subject: whose personal data it is, ``type:id``.
        from_ns, to_ns: when it happened, ``[from_ns, to_ns)``.
    """

    kind: str = ""
    by: str = ""
    subject: str = ""
    from_ns: int = 0
    to_ns: int = _END_NS


class Found(msgspec.Struct, frozen=True):
    """One record and what it holds; ``told`` is ``None`` when it was erased."""

    row: RecordRow
    told: dict[str, Any] | None


class Walked(msgspec.Struct, frozen=True):
    """Records, newest first.

    Attributes:
        found: what was wanted.
        looked: how many records were compared.
        below: where the next page begins; ``0`` when the beginning of the log was reached.
    """

    found: tuple[Found, ...]
    looked: int
    below: int


Wants = Callable[[Found], bool]


def walk(
    house: House, tenant: str, wanted: Wanted, below: int | None = None, limit: int = 50, more: Wants | None = None
) -> Walked:
    """Return records of a tenant, newest first, from below an index.

    Args:
        house: whose log.
        tenant: whose records.
        wanted: which of them.
        below: the index that the page before ended at; ``None`` = the end of the log.
        limit: at most so many.
        more: what else must hold, of what a record tells.

    Raises:
        FaultyInputError: ``audit_filter_invalid``.
        VerificationError: a payload was tampered with.
    """
    if not 0 < limit <= MOST_SHOWN or wanted.from_ns > wanted.to_ns or (below is not None and below < 0):
        raise FaultyInputError("audit_filter_invalid", f"ask for 1 to {MOST_SHOWN} records, from earlier to later")
    selection = _selection(house, tenant, wanted)
    if selection is None:
        return Walked((), 0, 0)
    size = house.log.head().size
    start = min(size if below is None else below, first_after(house, wanted.to_ns + _SLACK_NS, size))
    found: list[Found] = []
    looked, next_below = 0, 0
    for row in _rows(house, selection, start):
        if _at(row) < wanted.from_ns:
            break
        if len(found) >= limit or looked >= MOST_LOOKED:
            next_below = row.idx + 1
            break
        looked += 1
        one = _fits(house, row, wanted, more)
        if one is not None:
            found.append(one)
    return Walked(tuple(found), looked, next_below)


def told_of(house: House, row: RecordRow) -> dict[str, Any] | None:
    """Return what a record holds, as JSON; ``None`` when it was erased, ``{}`` when it is no JSON object."""
    opened = open_row(house.vault, row)
    if opened is None:
        return None
    try:
        told = msgspec.json.decode(opened[SALT_BYTES:])
    except UNREADABLE:
        return {}
    return told if isinstance(told, dict) else {}


def actor_of(told: dict[str, Any] | None) -> str:
    """Return who did what a record tells of; empty where it does not say."""
    named = next((told[name] for name in ("by", "pep", "approver") if told.get(name)), "") if told else ""
    return named if isinstance(named, str) else ""


def _fits(house: House, row: RecordRow, wanted: Wanted, more: Wants | None) -> Found | None:
    if (wanted.kind and row.kind != wanted.kind) or not wanted.from_ns <= row.time_ns < wanted.to_ns:
        return None
    one = Found(row, told_of(house, row))
    if wanted.by and actor_of(one.told) != wanted.by:
        return None
    return one if more is None or more(one) else None


def _selection(house: House, tenant: str, wanted: Wanted) -> Selection | None:
    if not wanted.subject:
        return Selection(tenant, kind=wanted.kind or None)
    try:
        return Selection(tenant, tag=house.vault.tag(tenant, wanted.subject))
    except (RefusedError, FaultyInputError):
        return None


def _rows(house: House, selection: Selection, below: int) -> Iterator[RecordRow]:
    while rows := house.log.store.newest(selection, below, _PAGE):
        yield from rows
        below = rows[-1].idx


def first_after(house: House, at_ns: int, size: int) -> int:
    """Return the first index whose entry was written at ``at_ns`` or later: entries are in the order of that time."""
    if at_ns >= _END_NS:
        return size
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        rows = house.log.store.rows(middle, middle + 1)
        if rows and _at(rows[0]) < at_ns:
            low = middle + 1
        else:
            high = middle
    return low


def _at(row: RecordRow) -> int:
    return msgspec.json.decode(row.entry, type=LogEntry).at
