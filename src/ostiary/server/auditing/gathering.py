"""Writes the records of a pack, one JSON object a line, each with the proof that it is in the log.

    {"index": 7, "entry": "{…}", "path": ["…", …], "opening": "…", "record": {…}}

- ``entry`` is what was hashed into the tree, byte for byte; ``path`` leads from it to the root of the checkpoint.
- ``opening`` is salt and payload, base64, which ``entry`` commits to; ``record`` is the payload again, for reading.
- Without ``opening`` there is ``without``: ``erased``, or ``withheld`` where the record is about whoever made the pack:
  who is scored sees no score.
"""

import base64
from collections.abc import Iterator
from functools import lru_cache
from typing import IO, Any, Final

import msgspec

from ostiary.audit.entry import SALT_BYTES
from ostiary.audit.log import open_row
from ostiary.audit.ports import RecordRow, Selection
from ostiary.audit.tlog.tiles import inclusion_proof
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.auditing.jobs import PackWanted
from ostiary.server.auditing.tally import Tally
from ostiary.server.auditing.verifying import Progress
from ostiary.server.auditing.walking import actor_of, first_after
from ostiary.server.wiring import House
from ostiary.vocabulary.unreadable import UNREADABLE

MOST_RECORDS: Final = 100_000
MOST_BYTES: Final = 512 << 20
_PAGE: Final = 256
_TILES: Final = 1_024
_SLACK_NS: Final = 60 * 1_000_000_000
_END_NS: Final = 1 << 62
STEP: Final = "gathering records"


class Gathered(msgspec.Struct):
    """What was written."""

    records: int = 0
    withheld: int = 0
    erased: int = 0
    bytes: int = 0


class Gathering:
    """Gathers the records of one pack."""

    def __init__(self, house: House, tenant: str, wanted: PackWanted, size: int, withhold: str) -> None:
        """Take what is wanted of whose log, up to which size, and whose own records are withheld."""
        self._house = house
        self._tenant = tenant
        self._wanted = wanted
        self._size = size
        self._hidden = {_tag(house, tenant, name) for name in withhold.split("\n")} - {None} if withhold else set()
        self._tile = lru_cache(_TILES)(house.log.store.tile)
        self.tally = Tally()
        self.done = Gathered()

    def write(self, out: IO[bytes], progress: Progress) -> Gathered:
        """Write all lines.

        Raises:
            FaultyInputError: ``audit_pack_too_large``: ask for a shorter period.
        """
        begin = first_after(self._house, self._wanted.from_ns, self._size)
        for row in self._rows(begin):
            progress(STEP, row.idx - begin, max(1, self._size - begin))
            opened = open_row(self._house.vault, row)
            if not self._fits(row, opened):
                continue
            line = self._line(row, opened)
            self.done.records += 1
            self.done.bytes += len(line)
            if self.done.records > MOST_RECORDS or self.done.bytes > MOST_BYTES:
                text = f"a pack holds {MOST_RECORDS:,} records and {MOST_BYTES >> 20} MiB at most: ask for less"
                raise FaultyInputError("audit_pack_too_large", text)
            out.write(line)
        return self.done

    def _rows(self, begin: int) -> Iterator[RecordRow]:
        tag = None
        if self._wanted.subject:
            tag = _tag(self._house, self._tenant, self._wanted.subject)
            if tag is None:
                return
        end_ns = (self._wanted.to_ns or _END_NS) + _SLACK_NS
        end = first_after(self._house, end_ns, self._size) if self._wanted.to_ns else self._size
        selection = Selection(self._tenant, kind=self._wanted.kind or None, tag=tag, since_index=begin)
        while rows := self._house.log.store.select(selection, _PAGE):
            for row in rows:
                if row.idx >= end:
                    return
                yield row
            selection = msgspec.structs.replace(selection, since_index=rows[-1].idx + 1)

    def _fits(self, row: RecordRow, opened: bytes | None) -> bool:
        if not self._wanted.from_ns <= row.time_ns < (self._wanted.to_ns or _END_NS):
            return False
        return not self._wanted.by or actor_of(_object(opened)) == self._wanted.by

    def _line(self, row: RecordRow, opened: bytes | None) -> bytes:
        told: dict[str, Any] = {
            "index": row.idx,
            "entry": row.entry.decode(),
            "path": [base64.b64encode(step).decode() for step in inclusion_proof(row.idx, self._size, self._tile)],
        }
        hidden = row.tag in self._hidden
        self.tally.see(row.record_id, row.kind, row.time_ns, None if opened is None or hidden else opened[SALT_BYTES:])
        if opened is None or hidden:
            told["without"] = "erased" if opened is None else "withheld"
            self.done.erased += opened is None
            self.done.withheld += opened is not None
        else:
            told |= {"opening": base64.b64encode(opened).decode(), "record": _object(opened)}
        return msgspec.json.encode(told) + b"\n"


def _object(opened: bytes | None) -> dict[str, Any] | None:
    if opened is None:
        return None
    try:
        told = msgspec.json.decode(opened[SALT_BYTES:])
    except UNREADABLE:
        return None
    return told if isinstance(told, dict) else None


def _tag(house: House, tenant: str, subject: str) -> bytes | None:
    try:
        return house.vault.tag(tenant, subject)
    except (RefusedError, FaultyInputError):
        return None
