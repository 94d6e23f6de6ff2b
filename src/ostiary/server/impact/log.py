"""The decisions of a time as the log keeps them, each held against its entry: what was altered is an error, not a flip.

- The digest of a range is over the entries of its records in order: entries are public, hold no personal data, survive
  an erasure, and commit to every record's bytes. Whoever relies on a report asks ``still_stands``.
- A record that was erased is told as such; its entry still counts.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.audit.entry import SALT_BYTES, commitment
from ostiary.audit.log import open_row
from ostiary.audit.ports import RecordRow, Selection, pages
from ostiary.errors import VerificationError

KIND: Final = "decision"


class LogRange(msgspec.Struct, frozen=True):
    """Which records a report is about.

    Attributes:
        from_ns, to_ns: decisions received in ``[from_ns, to_ns)``.
        first, last: places of the first and the last record in the log, -1 when there is none.
        records: how many.
        entries: SHA-256 over their entries.
        origin, size, root: the log's name, its number of entries and the root hash of its tree at the time.
        last_of_subjects: only the last record of each subject counted.
    """

    from_ns: int
    to_ns: int
    first: int = -1
    last: int = -1
    records: int = 0
    entries: str = ""
    origin: str = ""
    size: int = 0
    root: str = ""
    last_of_subjects: bool = False


class _Committed(msgspec.Struct):
    commit: str


class _Whose(msgspec.Struct):
    subject_key: str = ""
    kind: str = "evaluation"


_entry = msgspec.json.Decoder(_Committed).decode
_whose = msgspec.json.Decoder(_Whose).decode


class RangeReader:
    """Reads the decisions of a tenant in a time, once; afterwards ``told`` says what was read."""

    def __init__(self, log: AuditLog, tenant: str, from_ns: int, to_ns: int, *, last_of_subjects: bool = False) -> None:
        """Take the log, whose records, and the time."""
        head = log.head()
        self._log, self._tenant, self._size = log, tenant, head.size
        self._hash = hashlib.sha256()
        self._range = LogRange(
            from_ns, to_ns, origin=head.origin, size=head.size, root=head.root.hex(), last_of_subjects=last_of_subjects
        )
        self._first, self._last, self._count = -1, -1, 0

    @property
    def told(self) -> LogRange:
        """The range as it was read."""
        digest = f"sha256:{self._hash.hexdigest()}"
        found = self._range
        return msgspec.structs.replace(found, first=self._first, last=self._last, records=self._count, entries=digest)

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield each record's place and payload, ``None`` when it was erased.

        Raises:
            VerificationError: ``record_altered``, or ``sealed_data_refused``: the log is not what it was.
        """
        chosen = self._last_places() if self._range.last_of_subjects else None
        for row in self._rows():
            if chosen is not None and row.idx not in chosen:
                continue
            self._first = row.idx if self._first < 0 else self._first
            self._last = row.idx
            self._count += 1
            self._hash.update(len(row.entry).to_bytes(4, "big") + row.entry)
            yield row.idx, self._payload(row)

    def _rows(self) -> Iterator[RecordRow]:
        told = self._range
        for row in pages(self._log.store, Selection(self._tenant, KIND)):
            if row.idx >= self._size:
                return  # what came while we were reading is for the next time
            if told.from_ns <= row.time_ns < told.to_ns:
                yield row

    def _last_places(self) -> frozenset[int]:
        places: dict[str, int] = {}
        for row in self._rows():
            payload = self._payload(row)
            whose = None if payload is None else _whose(payload)
            if whose is not None and whose.subject_key and whose.kind == "evaluation":
                places[whose.subject_key] = row.idx
        return frozenset(places.values())

    def _payload(self, row: RecordRow) -> bytes | None:
        opening = open_row(self._log.vault, row)
        if opening is None:
            return None
        if commitment(opening) != _entry(row.entry).commit:
            raise VerificationError("record_altered", f"the record at {row.idx} is not what its log entry commits to")
        return opening[SALT_BYTES:]


def still_stands(log: AuditLog, tenant: str, told: LogRange) -> None:
    """Check that the records a report is about are the ones that the log has now.

    Raises:
        VerificationError: ``impact_log_changed``.
    """
    reader = RangeReader(log, tenant, told.from_ns, told.to_ns, last_of_subjects=told.last_of_subjects)
    reader._size = min(reader._size, told.size)  # noqa: SLF001 - the same class: what came later is not in the report
    for _ in reader:
        continue
    now = reader.told
    if (now.records, now.entries, now.origin) != (
        told.records,
        told.entries,
        told.origin,
    ) or log.head().size < told.size:
        raise VerificationError("impact_log_changed", "the log is not the one that this report was made from")
