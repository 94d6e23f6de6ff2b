"""One record on its way to the log, and what the caller gets back."""

from collections.abc import Callable
from concurrent.futures import Future

import msgspec

from ostiary.audit.ports import AuditTransaction

Effect = Callable[[AuditTransaction], bytes]
"""Does its work inside the record's own transaction and returns the payload that tells of it."""


class Appended(msgspec.Struct, frozen=True):
    """Where a record went; ``index`` is -1 when it is queued only (durability ``async``)."""

    index: int
    leaf_hash: bytes


class StoredRecord(msgspec.Struct, frozen=True):
    """A record read back. ``payload`` is ``None`` when it was erased; the proof of its entry stays."""

    index: int
    tenant: str
    kind: str
    record_id: str
    time_ns: int
    payload: bytes | None
    entry: bytes


class Pending:
    """One record in the queue."""

    __slots__ = ("effect", "future", "kind", "payload", "record_id", "subject_key", "tenant", "time_ns")

    def __init__(
        self,
        tenant: str,
        kind: str,
        record_id: str,
        time_ns: int,
        payload: bytes,
        subject_key: str,
        effect: Effect | None = None,
    ) -> None:
        """Hold the record and a fresh future for it."""
        self.tenant = tenant
        self.kind = kind
        self.record_id = record_id
        self.time_ns = time_ns
        self.payload = payload
        self.subject_key = subject_key
        self.effect = effect
        self.future: Future[Appended] = Future()
