"""Rows and their records: written together, and read back only when they still agree.

- A change is one effect of the audit log: the row and the record that holds its digest are there both, or neither.
- A row whose digest is not what its record says was changed behind the log's back: it is refused, not believed.
- A refusal is a record of its own, with its code; it holds no person's name.
"""

import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as LateError
from typing import Final

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.audit.ports import AuditTransaction
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError, VerificationError
from ostiary.keys import random_bytes, sha256_hex
from ostiary.pipeline.registry.model import Event, Kept, Live, Version
from ostiary.pipeline.registry.ports import ModelBook, Recorder
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.unreadable import UNREADABLE

KIND: Final = "model"
WAIT_S: Final = 10.0
_MOST: Final = 2**53
Change = Callable[[str], Event]
"""Writes its rows under the record's id, and returns what the record says."""


class Journal:
    """Writes events and reads rows."""

    def __init__(self, log: Recorder, book: ModelBook, clock: Clock) -> None:
        """Take the log, the rows, the time."""
        self._log = log
        self._book = book
        self._clock = clock
        self._seen: dict[tuple[str, str, str], int] = {}

    def change(self, tenant: str, change: Change, at_ns: int = 0) -> Event:
        """Do ``change`` inside the transaction of its record, as of ``at_ns``; return once both are on disk.

        Raises:
            RefusedError: what ``change`` raises: nothing happened.
            UnavailableError: it cannot be recorded, so nothing happened.
        """
        now, done, turn = at_ns or self._clock.now_ns(), list[Event](), _Turn()
        record_id = make_id("mdl", now, random_bytes(RANDOM_BYTES))

        def effect(_: AuditTransaction) -> bytes:
            turn.begin()
            event = change(record_id)
            done.append(event)
            return msgspec.json.encode(event)

        waiting = self._log.append_effect(tenant, KIND, record_id, now, effect)
        try:
            waiting.result(timeout=WAIT_S)
        except LateError:
            if turn.leave():
                raise UnavailableError("record_failed", "the audit log does not answer") from None
            waiting.result()  # it has begun, so it ends; to leave now would be to say no to what happens
        return done[-1]

    def note(self, tenant: str, event: Event) -> str:
        """Record an event that changes no row, and wait until it is on disk; return its id.

        Raises:
            UnavailableError: it cannot be recorded: whatever it tells of must not count.
        """
        now = self._clock.now_ns()
        record_id = make_id("mdl", now, random_bytes(RANDOM_BYTES))
        waiting = self._log.append(tenant, KIND, record_id, now, msgspec.json.encode(event), "")
        try:
            waiting.result(timeout=WAIT_S)
        except LateError:
            raise UnavailableError("record_failed", "the audit log does not answer") from None
        return record_id

    def refused(self, tenant: str, event: Event, fault: RefusedError | FaultyInputError) -> None:
        """Record that something was refused, and why."""
        self.note(tenant, msgspec.structs.replace(event, action=event.action + ".refused", code=fault.code))

    def version(self, tenant: str, name: str, number: int) -> Version:
        """Return a version that the log vouches for.

        Raises:
            RefusedError: ``model_version_unknown``.
            VerificationError: ``model_row_tampered``.
        """
        return self.read_version(tenant, name, number, self.find(tenant, name, number))

    def find(self, tenant: str, name: str, number: int) -> Kept:
        """Return the row of a version, unread.

        Raises:
            RefusedError: ``model_version_unknown``.
        """
        kept = self._book.find_version(tenant, name, number) if 0 < number <= _MOST else None
        if kept is None:
            raise RefusedError("model_version_unknown", f"there is no version {number} of `{name[:80]}`")
        return kept

    def read_version(self, tenant: str, name: str, number: int, kept: Kept) -> Version:
        """Return the version in a row, as ``version``."""
        self._vouched(tenant, kept)
        found = msgspec.json.decode(kept.body, type=Version)
        if (found.tenant, found.name, found.number) != (tenant, name, number):
            raise _tampered()
        return found

    def live(self, tenant: str, name: str, stage: str) -> Live | None:
        """Return what is live in a stage, ``None`` when nothing ever was.

        Raises:
            VerificationError: ``model_row_tampered``; ``model_rolled_back`` when this process has seen a later one.
        """
        kept, seen = self._book.find_live(tenant, name, stage), self._seen.get((tenant, name, stage), 0)
        if kept is None and not seen:
            return None
        if kept is None:
            raise _older()
        self._vouched(tenant, kept)
        found = msgspec.json.decode(kept.body, type=Live)
        if (found.tenant, found.name, found.stage) != (tenant, name, stage):
            raise _tampered()
        if found.counter < seen:
            raise _older()
        self._seen[tenant, name, stage] = found.counter
        return found

    def versions(self, tenant: str, name: str) -> list[Version]:
        """Return every version of a model, each vouched for by the log."""
        return [self.read_version(tenant, name, row.number, row.kept) for row in self._book.versions(tenant, name)]

    def lives(self, tenant: str, name: str) -> list[Live]:
        """Return what is live in every stage of a model, as ``live``."""
        stages = [msgspec.json.decode(kept.body, type=Live).stage for kept in self._book.lives(tenant, name)]
        return [live for stage in stages if (live := self.live(tenant, name, stage)) is not None]

    def forget(self, tenant: str) -> None:
        """Forget what was seen of a tenant that is gone."""
        for key in [key for key in self._seen if key[0] == tenant]:
            del self._seen[key]

    def _vouched(self, tenant: str, kept: Kept) -> None:
        record = self._log.get(tenant, kept.record_id)
        event = event_of(record) if record else None
        if event is None or event.row != sha256_hex(kept.body):
            raise _tampered()


class _Turn:
    """Whether a change has begun or whoever wanted it has left: one comes first, and the other does not happen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = self._left = False

    def begin(self) -> None:
        with self._lock:
            if self._left:
                raise RefusedError("record_late", "nobody waits for this change any more")
            self._begun = True

    def leave(self) -> bool:
        with self._lock:
            self._left = not self._begun
            return self._left


def event_of(record: StoredRecord) -> Event | None:
    """Return the event in a record of ours, ``None`` for any other or an erased one."""
    if record.kind != KIND or record.payload is None:
        return None
    try:
        return msgspec.json.decode(record.payload, type=Event)
    except UNREADABLE:
        return None


def row_digest(body: bytes) -> str:
    """Return what a record says of a row."""
    return sha256_hex(body)


def _tampered() -> VerificationError:
    return VerificationError("model_row_tampered", "what is stored of the model is not what the log has recorded")


def _older() -> VerificationError:
    return VerificationError("model_rolled_back", "what is stored of the stage is older than what it held before")
