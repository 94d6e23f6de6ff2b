"""One candidate beside the live one: its own queue, thread, process, deadline and processor time.

1. A decision is offered after its answer; taking it costs a look at the budget and a place in the queue.
2. What is not compared is counted by its cause: over the budget (``sampled_out``), no room (``dropped``), ``late``,
   ``crashed``, ``faulty`` (the candidate could not decide it), ``stale`` (another live bundle than the one at hand) or
   ``down`` (it is not running).
3. A difference gets a record of its own, with both answers, under its subject's key; beyond a number in an hour, or
   while the log is busy with decisions, it is counted as ``unlogged``.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Protocol

import msgspec

from ostiary.decision.counts import score_place
from ostiary.decision.shadow import HOUR_NS, Compared, Flip, Side, cell_of
from ostiary.errors import OstiaryError, VerificationError
from ostiary.server.settings.shadow import ShadowSection
from ostiary.server.shadow.budget import CpuBudget
from ostiary.server.shadow.candidates import Started
from ostiary.server.shadow.orders import Answer, GoneError, LateError
from ostiary.server.shadow.tallies import Tallies
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord

KIND: Final = "shadow"
MOST_WAITING_IN_LOG: Final = 500
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 300.0
_encode: Final = msgspec.json.Encoder().encode


class Running(Protocol):
    """A process that answers."""

    cpu_ns: int

    def ask(self, record: bytes) -> Answer:
        """Answer one encoded record, or raise ``LateError`` or ``GoneError``."""
        ...

    def kill(self) -> None:
        """End it at once; from any thread."""
        ...

    def close(self) -> None:
        """End it and give back what it holds; from the thread that asks."""
        ...


class Log(Protocol):
    """Where differences are recorded."""

    def append(
        self, tenant: str, kind: str, record_id: str, time_ns: int, payload: bytes, subject_key: str
    ) -> Future[Any]:
        """Queue one record."""
        ...


class Lane:
    """Compares one tenant's decisions with one candidate until it is closed."""

    def __init__(
        self,
        tenant: str,
        started: Started,
        settings: ShadowSection,
        tallies: Tallies,
        log: Log,
        *,
        open_runner: Callable[[str], Running],
        busy: Callable[[], bool],
        note: Callable[[str, str], None],
    ) -> None:
        """Start the thread.

        Args:
            tenant: whose decisions.
            started: the candidate.
            settings: what it may cost.
            tallies: where it is counted.
            log: where differences are recorded.
            open_runner: starts a process for decisions under a live bundle (its digest).
            busy: says whether the log has too much to do for records of differences.
            note: told of the candidate's state and the code of why.
        """
        self.tenant, self.started = tenant, started
        self._settings, self._tallies, self._log = settings, tallies, log
        self._open, self._busy, self._note = open_runner, busy, note
        self._queue: queue.Queue[DecisionRecord | None] = queue.Queue(settings.max_waiting)
        self._budget = CpuBudget(settings.cpu_share, settings.cpu_burst_s, time.monotonic_ns())
        self._runner: Running | None = None
        self._bundle = ""
        self._pause_s, self._again_at = _FIRST_PAUSE_S, 0.0
        self._hour, self._logged = 0, 0
        self._state = ("", "")
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"shadow-{tenant}-{started.what}", daemon=True)
        self._thread.start()

    def offer(self, record: DecisionRecord) -> None:
        """Take one decision, or count why not; quick, and it never raises."""
        if not self._budget.may(time.monotonic_ns()):
            self._miss("sampled_out", record)
            return
        try:
            self._queue.put_nowait(record)
        except queue.Full:
            self._miss("dropped", record)

    @property
    def cpu_ns(self) -> int:
        """Processor time of the process that runs now; 0 when none does."""
        return 0 if self._runner is None else self._runner.cpu_ns

    def idle(self) -> bool:
        """Return whether nothing waits."""
        return self._queue.unfinished_tasks == 0

    def close(self) -> None:
        """Stop; what waits is counted as left out, and the process ends at once."""
        self._closed.set()
        if (runner := self._runner) is not None:
            runner.kill()
        try:
            self._queue.put_nowait(None)
        except queue.Full:  # the thread is awake then, and sees that it is over
            return
        finally:
            self._thread.join(2 * self._settings.deadline_ms / 1000 + 5)

    def _run(self) -> None:
        while True:
            record = self._queue.get()
            try:
                if record is not None:
                    self._take(record)
            finally:
                self._queue.task_done()
            if self._closed.is_set() and self._queue.empty():
                break
        if self._runner is not None:
            self._runner.close()

    def _take(self, record: DecisionRecord) -> None:
        began = time.thread_time_ns()
        try:
            self._compare(record)
        except Exception as fault:  # noqa: BLE001 - one odd decision must not end the lane, and nothing else heard of it
            self._miss("faulty", record)
            self._told("running", type(fault).__name__)
        self._budget.spend(time.thread_time_ns() - began)

    def _compare(self, record: DecisionRecord) -> None:
        if self._closed.is_set() or not self._ready(record):
            self._miss("down" if self._closed.is_set() or self._runner is None else "stale", record)
            return
        runner = self._runner
        if runner is None:
            return
        before = runner.cpu_ns
        try:
            answer = runner.ask(_encode(record))
        except (LateError, GoneError) as fault:
            self._runner = None
            why = "late" if isinstance(fault, LateError) else "crashed"
            self._miss(why, record)
            self._told("down", f"candidate_{why}")
            return
        finally:
            self._budget.spend(runner.cpu_ns - before)
        if answer.compared is None or answer.compared.decision_id != record.receipt.decision_id:
            self._miss("faulty", record)
        else:
            self._count(record, answer.compared)

    def _ready(self, record: DecisionRecord) -> bool:
        """Return whether the process is there, for the live bundle of ``record``."""
        needed = record.bundle if self.started.what == "model" else self.started.digest
        if self._runner is not None and self._bundle == needed:
            return True
        if time.monotonic() < self._again_at:
            return False
        began = time.monotonic_ns()
        try:
            fresh = self._open(record.bundle)
        except OstiaryError as fault:
            self._put_off(fault)
            return False
        if self._runner is not None:
            self._runner.close()
        self._budget.spend(min(fresh.cpu_ns, time.monotonic_ns() - began))
        self._runner, self._bundle, self._pause_s = fresh, needed, _FIRST_PAUSE_S
        self._told("running", "")
        return True

    def _put_off(self, fault: OstiaryError) -> None:
        refused = isinstance(fault, VerificationError)
        self._again_at = time.monotonic() + (_LONGEST_PAUSE_S if refused else self._pause_s)
        self._pause_s = min(_LONGEST_PAUSE_S, 2 * self._pause_s)
        if self._runner is None:
            self._told("refused" if refused else "down", fault.code)

    def _count(self, record: DecisionRecord, compared: Compared) -> None:
        at_ns = record.receipt.received_ns
        cell = cell_of(record, record.outcome.effect, compared.after)
        self._tallies.compared(self.tenant, self.started.digest, cell, at_ns)
        flip = compared.flip
        self._tallies.count(self.tenant, self.started.digest, f"flip_{flip.value}", at_ns)
        after = compared.after
        if after.score is not None and after.floor < Effect.STEP_UP:
            self._tallies.count(self.tenant, self.started.digest, score_place(after.score), at_ns)
        if flip is not Flip.MATCH:
            self._record(record, compared)

    def _record(self, record: DecisionRecord, compared: Compared) -> None:
        at_ns = record.receipt.received_ns
        hour = at_ns // HOUR_NS
        if hour > self._hour:
            self._hour, self._logged = hour, 0
        if self._logged >= self._settings.max_logged_per_hour or self._busy():
            self._was_logged(at_ns, kept=False)
            return
        self._logged += 1
        decision, started = record.receipt.decision_id, self.started
        name = f"{decision}/shadow/{started.digest[7:23]}"
        payload = _encode(difference_shown(started, compared))
        future = self._log.append(self.tenant, KIND, name, at_ns, payload, record.subject_key)
        future.add_done_callback(lambda done: self._was_logged(at_ns, kept=done.exception() is None))

    def _was_logged(self, at_ns: int, *, kept: bool) -> None:
        self._tallies.count(self.tenant, self.started.digest, "logged" if kept else "unlogged", at_ns)

    def _told(self, state: str, fault: str) -> None:
        if (state, fault) != self._state:
            self._state = (state, fault)
            self._note(state, fault)

    def _miss(self, why: str, record: DecisionRecord) -> None:
        self._tallies.count(self.tenant, self.started.digest, why, record.receipt.received_ns)


def difference_shown(started: Started, compared: Compared) -> dict[str, Any]:
    """Return what the record of a difference says."""
    return {
        "v": 1,
        "type": KIND,
        "decision_id": compared.decision_id,
        "what": started.what,
        "candidate": started.digest,
        "flip": compared.flip.value,
        "before": side_shown(compared.before),
        "after": side_shown(compared.after),
    }


def side_shown(side: Side) -> dict[str, Any]:
    """Return one answer as it stands in a record: effects by their names."""
    return {
        "effect": side.effect.name.lower(),
        "would": side.would.name.lower(),
        "floor": side.floor.name.lower(),
        "proposal": side.proposal.name.lower(),
        "reach": [control.value for control in side.reach],
        "reasons": list(side.reasons),
        "score": side.score,
        "level": side.level,
    }
