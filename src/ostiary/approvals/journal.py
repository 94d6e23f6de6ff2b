"""Acts and their records: written together, and read from the log alone.

- An act is one effect of the log: its number in the book and its record are there both, or neither.
- Reading asks the log for each act, and then whether it has one that the book does not: rows that were taken out,
  exchanged or invented are refused, not believed.
- Who is late by a number has lost the race, and looks again.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as LateError
from typing import Final

import msgspec

from ostiary.approvals.acts import LAW, Entry, Written
from ostiary.approvals.ports import ApprovalBook, Recorder
from ostiary.approvals.refusing import refusal, tampered
from ostiary.audit.pending import StoredRecord
from ostiary.audit.ports import AuditTransaction
from ostiary.errors import UnavailableError
from ostiary.keys import random_bytes
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.unreadable import UNREADABLE

KIND: Final = "approval"
WAIT_S: Final = 10.0
MAX_ACTS: Final = 1000
_MAX_SEEN: Final = 4096


class Journal:
    """Writes and reads acts; safe for several threads."""

    def __init__(self, log: Recorder, book: ApprovalBook, clock: Clock) -> None:
        """Take the log, the book, the time."""
        self._log = log
        self._book = book
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}

    def write(self, tenant: str, entries: Sequence[Entry], within: Callable[[], None] | None = None) -> str:
        """Write acts, all or none, and ``within`` whatever else must happen with them; return the record's id.

        Raises:
            RefusedError: ``approval_raced``, or what ``within`` raises: nothing happened.
            UnavailableError: it cannot be recorded, so nothing happened.
        """
        now, turn = self._clock.now_ns(), _Turn()
        record_id = make_id("apl", now, random_bytes(RANDOM_BYTES))
        payload = msgspec.json.encode(Written(tuple(entries)))

        def effect(_: AuditTransaction) -> bytes:
            turn.begin()
            for one in entries:
                if one.seq > MAX_ACTS or not self._book.add(tenant, one.topic, one.seq, record_id):
                    raise refusal("approval_raced")
            if within is not None:
                within()
            return payload

        waiting = self._log.append_effect(tenant, KIND, record_id, now, effect)
        try:
            waiting.result(timeout=WAIT_S)
        except LateError:
            if turn.leave():
                raise UnavailableError("record_failed", "the audit log does not answer") from None
            waiting.result()  # it has begun, so it ends; to leave now would be to say no to what happens
        return record_id

    def note(self, tenant: str, event: msgspec.Struct) -> None:
        """Record what changes nothing, and wait until it is on disk.

        Raises:
            UnavailableError: it cannot be recorded.
        """
        now = self._clock.now_ns()
        record_id = make_id("apl", now, random_bytes(RANDOM_BYTES))
        waiting = self._log.append(tenant, KIND, record_id, now, msgspec.json.encode(event), "")
        try:
            waiting.result(timeout=WAIT_S)
        except LateError:
            raise UnavailableError("record_failed", "the audit log does not answer") from None

    def read(self, tenant: str, topic: str) -> list[Entry]:
        """Return all acts of a topic, each as the log has it; empty when there is no such topic.

        Raises:
            VerificationError: ``approval_row_tampered``.
        """
        rows = self._book.acts(tenant, topic)
        while True:
            entries, next_index = self._vouched(tenant, topic, rows)
            if not rows and topic != LAW:
                return []  # unknown is refused by whoever asks; only a law that is missing would open anything
            if not self._beyond(tenant, topic, next_index, len(entries)):
                return entries
            again = self._book.acts(tenant, topic)
            if len(again) <= len(rows):  # it did not come meanwhile: the book is short
                raise tampered()
            rows = again

    def sizes(self, tenant: str, limit: int) -> list[tuple[str, int]]:
        """Return the ids of the newest proposals, newest first, and how many acts the book has of each."""
        return list(self._book.sizes(tenant, limit))

    def topics(self, tenant: str, limit: int) -> list[str]:
        """Return the ids of the newest proposals, newest first."""
        return list(self._book.topics(tenant, limit))

    def forget(self, tenant: str) -> None:
        """Forget what was seen of a tenant that is gone."""
        for key in [key for key in self._seen if key[0] == tenant]:
            self._seen.pop(key, None)

    def _vouched(self, tenant: str, topic: str, rows: Sequence[tuple[int, str]]) -> tuple[list[Entry], int]:
        found: list[Entry] = []
        last = -1
        for number, (seq, record_id) in enumerate(rows, 1):
            record = self._log.get(tenant, record_id)
            entry = next((one for one in _entries(record) if (one.topic, one.seq) == (topic, seq)), None)
            if record is None or entry is None or seq != number or record.index <= last:
                raise tampered()
            last = record.index
            found.append(entry)
        return found, last + 1

    def _beyond(self, tenant: str, topic: str, next_index: int, count: int) -> bool:
        """Return whether the log has an act of this topic after the last one that the book knows."""
        key = (tenant, topic)
        seen_count, seen_index = self._seen.get(key, (0, 0))
        if count < seen_count:
            return True  # it was longer before
        reached = max(next_index, seen_index)
        for record in self._log.iterate(tenant, KIND, reached):
            if any(one.topic == topic and one.seq > count for one in _entries(record)):
                return True
            reached = record.index + 1
        if len(self._seen) >= _MAX_SEEN:
            self._seen.clear()
        self._seen[key] = (count, reached)
        return False


class _Turn:
    """Whether a change has begun or whoever wanted it has left: one comes first, and the other does not happen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = self._left = False

    def begin(self) -> None:
        with self._lock:
            if self._left:
                raise refusal("approval_raced", "nobody waits for this any more")
            self._begun = True

    def leave(self) -> bool:
        with self._lock:
            self._left = not self._begun
            return self._left


def _entries(record: StoredRecord | None) -> tuple[Entry, ...]:
    if record is None or record.kind != KIND or record.payload is None:
        return ()
    try:
        return msgspec.json.decode(record.payload, type=Written).entries
    except UNREADABLE:
        return ()
