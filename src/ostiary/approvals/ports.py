"""What approvals need of others: numbers in a book, and the log that says what they stand for.

The contract of ``ApprovalBook``, held by ``tests/conformance/test_store_approvals.py``:

- ``add`` happens inside the transaction of the act's own record (``AuditLog.append_effect``): both or neither.
- A number of a topic is given once: of two that want it, in whichever process, one gets it.
- The book holds no truth: acts are read from the log, and a book that says less than the log is refused.
- Every row belongs to a tenant; another tenant's is as unknown as one that never was.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Protocol

from ostiary.audit.pending import Appended, Effect, StoredRecord


class ApprovalBook(Protocol):
    """Which record holds which act."""

    def add(self, tenant: str, topic: str, seq: int, record_id: str) -> bool:
        """Give a number of a topic to a record; return false when it is taken."""
        ...

    def acts(self, tenant: str, topic: str) -> Sequence[tuple[int, str]]:
        """Return numbers and records of a topic, in order."""
        ...

    def topics(self, tenant: str, limit: int) -> Sequence[str]:
        """Return the newest topics whose names begin as proposals' do, newest first."""
        ...

    def count(self, tenant: str) -> int:
        """Return how many numbers a tenant's topics have together."""
        ...


class Recorder(Protocol):
    """The part of the audit log that approvals use."""

    def append_effect(self, tenant: str, kind: str, record_id: str, time_ns: int, effect: Effect) -> Future[Appended]:
        """Do something inside the record's own transaction."""
        ...

    def append(
        self, tenant: str, kind: str, record_id: str, time_ns: int, payload: bytes, subject_key: str
    ) -> Future[Appended]:
        """Queue one record."""
        ...

    def get(self, tenant: str, record_id: str) -> StoredRecord | None:
        """Return one record."""
        ...

    def iterate(
        self, tenant: str, kind: str | None = None, since_index: int = 0, subject_key: str | None = None
    ) -> Iterator[StoredRecord]:
        """Yield a tenant's records, oldest first."""
        ...
