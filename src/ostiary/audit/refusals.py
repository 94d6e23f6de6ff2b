"""Refusals of callers that proved nothing: counted exactly, recorded in full only now and then.

Anyone can knock a million times; a record for each knock would let them fill the disk. So a few a second get a record
of their own, the rest are counted, and the exact counts go into the log as one record (HOUSE.md §1 law 3).

- ``note`` says whether this refusal gets a record of its own; if not, it has been counted.
- ``flush`` writes the counts; call it every few seconds and at the end. ``note`` calls it when it is overdue.
- Counts that could not be written are kept for the next time.
"""

import threading
from collections import Counter
from typing import Final

import msgspec

from ostiary.audit.log import AuditLog
from ostiary.audit.settings import SYSTEM_TENANT
from ostiary.keys import random_bytes
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

_SECOND_NS: Final = 1_000_000_000
_KINDS_LIMIT: Final = 256
OTHER: Final = "other"


class RefusalCounts(msgspec.Struct, frozen=True, tag_field="type", tag="refusals"):
    """Payload of an aggregate: how many refusals for each reason between two moments, beside those recorded singly."""

    v: int
    reasons: dict[str, int]
    since_ns: int
    until_ns: int


class RefusalMeter:
    """Counts refusals; safe for many threads."""

    def __init__(
        self, log: AuditLog, clock: Clock, *, per_s: float = 5.0, burst: int = 20, flush_s: float = 10.0
    ) -> None:
        """Give ``per_s`` refusals a second a record of their own, after an initial ``burst``."""
        self._log = log
        self._clock = clock
        self._per_ns = per_s / _SECOND_NS
        self._burst = float(burst)
        self._flush_ns = round(flush_s * _SECOND_NS)
        self._lock = threading.Lock()
        self._tokens = float(burst)
        self._filled_ns = self._since_ns = clock.now_ns()
        self._counts: Counter[str] = Counter()

    def note(self, reason: str) -> bool:
        """Take note of one refusal; return whether the caller shall record it in full, else it has been counted."""
        now = self._clock.now_ns()
        with self._lock:
            self._tokens = min(self._burst, self._tokens + max(0, now - self._filled_ns) * self._per_ns)
            self._filled_ns = now
            if self._tokens >= 1:
                self._tokens -= 1
                return True
            if not self._counts:
                self._since_ns = now
            known = reason in self._counts or len(self._counts) < _KINDS_LIMIT
            self._counts[reason if known else OTHER] += 1
            overdue = now - self._since_ns >= self._flush_ns
        if overdue:
            self.flush()
        return False

    @property
    def waiting(self) -> int:
        """How many refusals are counted and not yet in the log."""
        return self._counts.total()

    def flush(self) -> None:
        """Write the counts, if there are any; what cannot be written is counted again."""
        now = self._clock.now_ns()
        with self._lock:
            counts, since_ns = self._counts, self._since_ns
            self._counts = Counter()
        if not counts:
            return
        payload = msgspec.json.encode(RefusalCounts(1, dict(counts), since_ns, now))
        record_id = make_id("ref", now, random_bytes(RANDOM_BYTES))
        future = self._log.append(SYSTEM_TENANT, "refusals", record_id, now, payload, "")
        future.add_done_callback(lambda done: self._put_back(counts, since_ns) if done.exception() else None)

    def _put_back(self, counts: Counter[str], since_ns: int) -> None:
        with self._lock:
            self._since_ns = since_ns
            self._counts += counts
