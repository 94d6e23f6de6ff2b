"""The writer thread: takes what is queued, writes it in one transaction, then tells everyone at once.

- While one batch is on its way to the disk the next one gathers, so the disk sets the pace and nobody waits twice.
- Where the disk is quick it would set a pace of one record at a time, and a transaction costs what ten records do: so
  while others are still to be decided the writer waits for them a little (``be_patient``). Who is alone never waits.
- The queue is bounded; what does not fit fails at once as ``overloaded``. Every future ends: written, refused, failed.
- What was lost (overload, full disk, broken disk) is counted, and the exact counts are the first record written when
  writing works again: no answer without a record (HOUSE.md §1).
- While writing fails it says so, once each reason in the process's own log and always in ``stats.failing``, and tries
  again by itself, whether anybody asks or not.
"""

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import InvalidStateError
from typing import Final, Protocol

import msgspec

from ostiary.audit.batch import Result
from ostiary.audit.pending import Appended, Pending
from ostiary.audit.reserve import MIB, DiskReserve
from ostiary.audit.settings import SYSTEM_TENANT, AuditSettings
from ostiary.errors import OstiaryError, UnavailableError
from ostiary.keys import random_bytes
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

_log: Final = logging.getLogger(__name__)
_RETRY_S: Final = 0.5
PATIENCE_S: Final = 0.03
"""The longest wait for records that are still to come."""
STEP_S: Final = 0.004
"""When none came for so long, no more are waited for."""


class Batches(Protocol):
    """Writes many records at once."""

    def write(self, batch: Sequence[Pending]) -> list[Result]:
        """Write a batch; return for each record where it went, or why it alone failed.

        Raises:
            UnavailableError: nothing of the batch may be relied on.
        """
        ...


class WriterStats(msgspec.Struct, frozen=True):
    """What the writer has done since it started; ``failing`` is the code of why nothing can be written, or empty."""

    written: int
    batches: int
    failed: int
    waiting: int
    failing: str = ""


class GroupWriter:
    """Owns the only thread that appends in this process."""

    def __init__(self, batches: Batches, clock: Clock, reserve: DiskReserve | None, settings: AuditSettings) -> None:
        """Start the thread."""
        self._batches = batches
        self._clock = clock
        self._reserve = reserve
        self._queue_limit = settings.queue_limit
        self._queue_bytes = settings.queue_mib * MIB
        self._batch_limit = settings.batch_limit
        self._waiting_bytes = 0
        self._queue: queue.SimpleQueue[Pending | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._lost: Counter[str] = Counter()
        self._lost_since_ns = 0
        self._held_back: Pending | None = None
        self._noted_full = False
        self._failing = ""
        self._written = self._batch_count = self._failed = 0
        self._patience: Callable[[], float] = float
        self._thread = threading.Thread(target=self._run, name="ostiary-audit-writer", daemon=True)
        self._thread.start()

    @property
    def stats(self) -> WriterStats:
        """What was done so far."""
        return WriterStats(self._written, self._batch_count, self._failed, self._queue.qsize(), self._failing)

    def submit(self, pending: Pending) -> None:
        """Queue a record, or fail its future at once."""
        with self._lock:
            waiting = self._queue.qsize()
            full = waiting >= self._queue_limit or self._waiting_bytes > self._queue_bytes
            if not full and not self._closed:
                self._waiting_bytes += len(pending.payload)
                self._queue.put(pending)
                return
        if self._closed:
            pending.future.set_exception(UnavailableError("log_closed", "the audit log is closed"))
        else:
            self._fail([pending], UnavailableError("overloaded", f"{waiting} records are waiting for the disk"))

    def be_patient(self, patience: Callable[[], float]) -> None:
        """Ask before each transaction how many seconds to wait for records that are still to come; it must be quick."""
        self._patience = patience

    def close(self) -> None:
        """Write what is queued, then end the thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        more = True
        while more:
            batch, more = self._gather()
            if batch or self._lost or self._failing:
                self._write(batch)
                with self._lock:
                    self._waiting_bytes -= sum(len(pending.payload) for pending in batch)

    def _gather(self) -> tuple[list[Pending], bool]:
        """Wait for one record, and a little for others; take all that are there; one with an effect goes alone."""
        batch: list[Pending] = []
        while len(batch) < self._batch_limit:
            try:
                pending = self._held_back or self._next(wait=not batch)
            except queue.Empty:
                break
            if pending is None:
                return batch, False
            self._held_back = pending if pending.effect and batch else None
            if self._held_back:
                break
            batch.append(pending)
            if pending.effect:
                break
            if len(batch) == 1:
                self._wait_for_more()
        return batch, True

    def _wait_for_more(self) -> None:
        """Wait while others come: whoever they wait for may itself wait for the record that we hold."""
        left_s, seen = min(PATIENCE_S, self._asked_patience_s()), self._queue.qsize()
        while left_s > 0 and not self._closed and seen < self._batch_limit:
            time.sleep(min(STEP_S, left_s))
            left_s, before, seen = left_s - STEP_S, seen, self._queue.qsize()
            if seen <= before:
                return

    def _asked_patience_s(self) -> float:
        try:
            return self._patience()
        except Exception:  # noqa: BLE001 - it is not ours, and a bug in it must not end the only writer
            _log.exception("how long to wait for more records could not be told")
            return 0.0

    def _next(self, *, wait: bool) -> Pending | None:
        if not wait:
            return self._queue.get_nowait()
        return self._queue.get(timeout=_RETRY_S if self._lost or self._failing else None)

    def _write(self, batch: list[Pending]) -> None:
        lost = self._lost_record()
        try:
            if self._reserve:
                self._reserve.check()
            results = self._batches.write([*lost, *batch])
        except OstiaryError as fault:
            self._fail(batch, fault)
            if isinstance(fault, UnavailableError):
                self._tell_failing(fault)
            if self._reserve and fault.code == "disk_full" and not self._noted_full:
                self._note_full(self._reserve)
        except Exception:  # noqa: BLE001 - a bug must not end the only writer: its batch fails, closed and loud
            _log.exception("a batch of records could not be written")
            self._failing = "record_failed"
            self._fail(batch, UnavailableError("record_failed", "the audit log could not write"))
        else:
            self._done(batch, lost, results)

    def _done(self, batch: list[Pending], lost: list[Pending], results: list[Result]) -> None:
        if lost:
            with self._lock:
                self._lost -= Counter(msgspec.json.decode(lost[0].payload)["reasons"])
        self._noted_full = False
        if self._failing:
            _log.warning("records are written again, after `%s`", self._failing)
            self._failing = ""
        self._written += len(results)
        self._batch_count += 1
        for pending, result in zip(batch, results[len(lost) :], strict=True):
            _resolve(pending, result)

    def _tell_failing(self, fault: UnavailableError) -> None:
        if self._failing != fault.code:
            self._failing = fault.code
            _log.error("records cannot be written, every answer is a denial: %s (%s)", fault.message, fault.code)

    def _note_full(self, reserve: DiskReserve) -> None:
        """Spend the reserve on one record that says the disk is full and how many records that has cost so far."""
        self._noted_full = True
        reserve.release()
        lost = self._lost_record()
        if not lost:
            return
        try:
            self._batches.write(lost)
        except OstiaryError as fault:
            _log.error("the full disk could not even be noted down: %s", fault)
        else:
            with self._lock:
                self._lost -= Counter(msgspec.json.decode(lost[0].payload)["reasons"])

    def _lost_record(self) -> list[Pending]:
        with self._lock:
            if not self._lost:
                return []
            reasons, since_ns = dict(self._lost), self._lost_since_ns
        now = self._clock.now_ns()
        told = {"v": 1, "reasons": reasons, "since_ns": since_ns, "until_ns": now}
        name = make_id("ref", now, random_bytes(RANDOM_BYTES))
        return [Pending(SYSTEM_TENANT, "refusals", name, now, msgspec.json.encode(told), "")]

    def _fail(self, batch: list[Pending], fault: OstiaryError) -> None:
        with self._lock:
            self._failed += len(batch)
            if isinstance(fault, UnavailableError):  # a refused effect is its caller's answer, nothing was lost
                self._lost_since_ns = self._lost_since_ns if self._lost else self._clock.now_ns()
                self._lost[fault.code] += len(batch)
        for pending in batch:
            _resolve(pending, fault)


def _resolve(pending: Pending, result: Result) -> None:
    try:
        if isinstance(result, Appended):
            pending.future.set_result(result)
        else:
            pending.future.set_exception(result)
    except InvalidStateError:  # whoever waited has gone; the record is written all the same
        _log.debug("nobody waits for record %s", pending.record_id)
