"""One pass over all entries: what they hash to, whether they are well-formed, dated in order, and honestly opened.

Nothing is judged here but single entries; the tree as a whole is judged in ``structure``, history in ``verify``.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ostiary.audit.verifier.entries import Entry, commits_to, read_entry
from ostiary.audit.verifier.leaves import HASH, Leaves
from ostiary.audit.verifier.ports import LogSource, Missing
from ostiary.audit.verifier.report import Attack, Report
from ostiary.audit.verifier.trees import hash_leaf
from ostiary.errors import FaultyInputError

WIDTH: Final = 256
_SHOWN: Final = 20
_SALT: Final = 32


class Scan(msgspec.Struct):
    """What one pass saw.

    ``leaves`` are the entries' own hashes, ``tiled`` what the level 0 tiles say; ``ends_at`` is where a log ended that
    claims to be longer.
    """

    leaves: Leaves
    tiled: Leaves
    gone: list[int] = []
    unopened: list[int] = []
    excused: list[tuple[int, int, int]] = []
    keys: list[str] = []
    latest_at: int = 0
    ends_at: int | None = None


def scan(source: LogSource, size: int, report: Report, *, payloads: bool, known: Leaves | None = None) -> Scan:
    """Read every entry of a log of ``size`` entries; what is wrong with single entries goes into ``report``.

    Bundles that ``known`` leaves cover wholly are taken from there, unread.
    """
    seen = Scan(Leaves(), Leaves())
    covered = 0 if known is None else min(len(known), size) // WIDTH
    if known is not None:
        _take_known(seen, known, covered * WIDTH)
    for index in range(covered, -(-size // WIDTH)):
        width = min(WIDTH, size - index * WIDTH)
        tile = _tile(source, index, width)
        entries = _bundle(source, index, width, report)
        if not tile and all(entry is None for entry in entries):  # a size alone must not keep us busy for ever
            seen.ends_at = index * WIDTH
            break
        openings = source.openings(index, width) if payloads else None
        for offset in range(width):
            number = index * WIDTH + offset
            hashed = tile[offset * HASH : (offset + 1) * HASH].ljust(HASH, b"\0")
            entry = _one(seen, number, entries[offset], hashed, report)
            if entry is not None and openings is not None:
                _opening(seen, number, entry, openings.get(number), report)
    _account(seen, report)
    return seen


def _take_known(seen: Scan, known: Leaves, count: int) -> None:
    for number in range(count):
        leaf, ts, at = known[number], known.ts[number], known.at[number]
        seen.leaves.add(leaf, ts, at)
        seen.tiled.add(leaf)
        seen.latest_at = max(seen.latest_at, at)


def _tile(source: LogSource, index: int, width: int) -> bytes:
    try:
        return source.tile(0, index, width)
    except Missing:
        return b""


def _bundle(source: LogSource, index: int, width: int, report: Report) -> list[bytes | None]:
    try:
        entries = source.bundle(index, width)
    except Missing:
        entries = []
    except FaultyInputError as fault:
        report.add(Attack.BROKEN, index * WIDTH, fault.message, "the entries")
        entries = []
    return [*entries, *([None] * (width - len(entries)))]


def _one(seen: Scan, number: int, data: bytes | None, tiled: bytes, report: Report) -> Entry | None:
    seen.tiled.add(tiled)
    if data is None:
        seen.gone.append(number)
        seen.leaves.add(tiled)
        return None
    try:
        entry = read_entry(data)
    except FaultyInputError as fault:
        seen.leaves.add(hash_leaf(data))
        _add(report, Attack.MODIFY, number, f"entry {number} cannot be read: {fault.message}", "the entry itself")
        return None
    seen.leaves.add(hash_leaf(data), entry.ts, entry.at)
    if entry.at < seen.latest_at:
        text = f"entry {number} was written before the one it follows: its time goes back"
        _add(report, Attack.BACK_DATE, number, text, "the entries' times")
    seen.latest_at = max(seen.latest_at, entry.at)
    if entry.kind == "log_key":
        seen.keys.append(entry.id)
    return entry


def _opening(seen: Scan, number: int, entry: Entry, opening: bytes | None, report: Report) -> None:
    report.payloads.looked = True
    if opening is None:
        seen.unopened.append(number)
        return
    if not commits_to(entry, opening):
        text = f"the payload of entry {number} is not the one that was recorded"
        _add(report, Attack.MODIFY, number, text, "the payload's commitment")
        return
    report.payloads.opened += 1
    if entry.kind == "admin":
        seen.excused.extend((start, end, number) for start, end in _erased(opening[_SALT:]))


def _erased(payload: bytes) -> Iterable[tuple[int, int]]:
    """Return the index ranges that an erasure record accounts for."""
    try:
        told: Any = json.loads(payload)
    except ValueError:
        return []
    pairs = told.get("erased") if isinstance(told, dict) and told.get("type") == "erasure" else []
    good = [pair for pair in pairs or [] if isinstance(pair, list) and list(map(type, pair)) == [int, int]]
    return [(start, end) for start, end in good]


def _account(seen: Scan, report: Report) -> None:
    """Every payload that is gone must be accounted for by a later erasure record."""
    for number in seen.unopened:
        if any(start <= number < end and number < record for start, end, record in seen.excused):
            report.payloads.erased += 1
        else:
            text = f"the payload of entry {number} is gone, and no erasure was recorded for it"
            _add(report, Attack.DELETE, number, text, "the erasure records")


def _add(report: Report, attack: Attack, index: int, text: str, evidence: str) -> None:
    if sum(found.attack is attack for found in report.findings) < _SHOWN:
        report.add(attack, index, text, evidence)
