"""The verifier's own reading of entry bundles and entries, with limits."""

import hashlib
import json
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError

_MEMBERS: Final = {"v": int, "kind": str, "id": str, "ts": int, "at": int, "tenant": str, "commit": str}
_LONG: Final = 1 << 63
_ENTRY_LIMIT: Final = 4_096


class Entry(msgspec.Struct, frozen=True):
    """What a log entry says."""

    kind: str
    id: str
    ts: int
    at: int
    tenant: str
    commit: str


def unbundle(data: bytes, count: int) -> list[bytes]:
    """Return the entries of a bundle; fewer than ``count`` when the bundle ends early.

    Raises:
        FaultyInputError: ``bundle_malformed`` when it holds more, or ends inside an entry.
    """
    found: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data) or len(found) == count:
            raise FaultyInputError("bundle_malformed", f"the entry bundle is broken after {len(found)} entries")
        found.append(data[at + 2 : end])
        at = end
    return found


def read_entry(data: bytes) -> Entry:
    """Read one entry: exactly the known members, each of its type.

    Raises:
        FaultyInputError: ``entry_malformed``.
    """
    fault = FaultyInputError("entry_malformed", "this is no entry of version 1")
    try:
        told: Any = json.loads(data) if len(data) <= _ENTRY_LIMIT else None
    except (ValueError, RecursionError):
        raise fault from None
    if not isinstance(told, dict) or told.keys() != _MEMBERS.keys():
        raise fault
    if any(type(told[name]) is not kind for name, kind in _MEMBERS.items()) or told.pop("v") != 1:
        raise fault
    if not all(-_LONG <= told[name] < _LONG for name in ("ts", "at")):
        raise fault
    return Entry(**told)


def commits_to(entry: Entry, opening: bytes) -> bool:
    """Return whether salt and payload are what the entry committed to."""
    return hashlib.sha256(opening).hexdigest() == entry.commit
