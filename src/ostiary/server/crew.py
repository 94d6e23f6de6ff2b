"""The threads that decide, and the deadline that the event loop keeps over them.

1. The loop never blocks: a decision runs in a thread, its record is written by the log's writer, and the loop only
   hears of both.
2. At the deadline the loop answers: DENY ``policy_timeout`` when a thread was at it, DENY ``overloaded`` when none had
   come to it yet. Whoever takes the call's claim records it, so there is exactly one record.
3. A policy evaluation cannot be cancelled. A late thread gets a stand-in at once; one that has been at it for so much
   of the processor's time is stuck, and ``on_stuck`` asks for a new process. The clock alone does not tell: on a
   starved machine, or while a store is away, everything is late, and a new process would only be later. Who uses no
   processor waits for something that does not come, and is stuck after ``PATIENCE`` times as long.
4. These threads are in a hurry: what they need of a store they wait for no longer than that store's ``answer_s``.
5. With ``wait_for_record`` an answer waits until its record is on disk; if that takes too long it is no answer.
"""

import asyncio
import math
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import msgspec

from ostiary.decision.decide import AlreadyAnsweredError, Decided
from ostiary.errors import OstiaryError, UnavailableError
from ostiary.storage.hurry import hurrying
from ostiary.vocabulary.reasons import Reason

MAX_STAND_INS: Final = 16
PATIENCE: Final = 10
FRAMES: Final = 8
Run = Callable[[], Decided]
Refuse = Callable[[str, str], Decided]


class CrewSettings(msgspec.Struct, frozen=True):
    """How many threads, and how long each thing may take, in seconds; ``stuck_s`` is processor time."""

    threads: int = 3
    deadline_s: float = 0.5
    stuck_s: float = 1.0
    record_wait_s: float = 5.0
    wait_for_record: bool = True


class _Job:
    """One decision on its way through a thread."""

    __slots__ = ("answered", "expired", "finished", "meter", "refuse", "replaced", "run", "started", "timer")

    def __init__(self, run: Run, refuse: Refuse, answered: asyncio.Future[Decided]) -> None:
        self.run = run
        self.refuse = refuse
        self.answered = answered
        self.started = False
        self.finished = False
        self.replaced = False
        self.expired = False
        self.timer: asyncio.TimerHandle | None = None
        self.meter: _Meter | None = None


class _Meter:
    """How much processor time a thread has used since it began with something."""

    def __init__(self) -> None:
        self._thread, self._ident = threading.current_thread(), threading.get_ident()
        self._clock = clock_of_thread(self._ident)
        self._begun_s = self._clock()

    def read_s(self) -> float:
        """Return it, or without end for a thread that a bug has ended: it never comes to anything any more."""
        try:
            return self._clock() - self._begun_s if self._thread.is_alive() else math.inf
        except OSError:  # it ended just now, and its clock with it
            return math.inf

    def where(self) -> str:
        """Return in which functions the thread is, the innermost first: names and lines of code, no values."""
        if not self._thread.is_alive():  # another may bear its number by now
            return "the thread has ended"
        frames = traceback.walk_stack(sys._current_frames().get(self._ident))  # noqa: SLF001 - nothing else tells
        told = (f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}" for frame, line in frames)
        return " < ".join(islice(told, FRAMES))


def clock_of_thread(ident: int) -> Callable[[], float]:
    """Return what tells a living thread's processor time in seconds, or the time that passes where no system tells."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic
    clock = time.pthread_getcpuclockid(ident)
    return lambda: time.clock_gettime(clock)


Written = Callable[[_Job, Decided, Future[Any]], None]


class _Told:
    """Tells once that a record is on disk, and holds nothing afterwards.

    A future keeps its callbacks for good, and what was decided keeps its future: a function that remembers what was
    decided would close a circle, and every decision with all it knew would wait for the garbage collector.
    """

    __slots__ = ("_told", "_written")

    def __init__(self, written: Written, job: _Job, decided: Decided) -> None:
        self._written = written
        self._told: tuple[_Job, Decided] | None = (job, decided)

    def __call__(self, future: Future[Any]) -> None:
        told, self._told = self._told, None
        if told is not None:
            self._written(*told, future)


class Crew:
    """Decides in threads; every method but the threads' own is called from the loop."""

    def __init__(
        self,
        settings: CrewSettings,
        *,
        on_stuck: Callable[[str], None],
        on_fault: Callable[[str, BaseException], None],
    ) -> None:
        """Take the limits, whom to tell where a thread is stuck, and whom of faults."""
        self._settings = settings
        self._on_stuck = on_stuck
        self._on_fault = on_fault
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._outbox: deque[tuple[_Job, Decided | BaseException]] = deque()
        self._waking = False
        self._lock = threading.Lock()
        self._threads = 0
        self._stand_ins = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self.late = 0

    def start(self) -> None:
        """Start the threads; answers will come to the running loop."""
        self._loop = asyncio.get_running_loop()
        for _ in range(self._settings.threads):
            self._hire()

    def close(self) -> None:
        """Let every idle thread end; one that is stuck is a daemon and dies with the process."""
        for _ in range(self._threads):
            self._queue.put(None)

    async def do(self, run: Run, refuse: Refuse, *, deadline_s: float | None = None) -> Decided:
        """Run one decision in a thread and return it when its record is on disk.

        Args:
            run: decides; it takes the call's claim before it records.
            refuse: denies with a reason and the name of a fault, under the same claim.
            deadline_s: longest time, if it is not the usual one.

        Raises:
            UnavailableError: the record could not be written in time.
            OstiaryError: what ``run`` raised.
        """
        loop = asyncio.get_running_loop()
        job = _Job(run, refuse, loop.create_future())
        job.timer = loop.call_later(deadline_s or self._settings.deadline_s, self._expire, job)
        self._queue.put(job)
        try:
            return await job.answered
        finally:
            job.timer.cancel()

    async def settle(self, decided: Decided) -> Decided:
        """Wait until the record of something decided elsewhere is on disk.

        Raises:
            UnavailableError: the record could not be written in time.
        """
        if not self._settings.wait_for_record:
            return decided
        loop = asyncio.get_running_loop()
        job = _Job(lambda: decided, lambda _reason, _fault: decided, loop.create_future())
        job.timer = loop.call_later(self._settings.record_wait_s, self._give_up, job)
        self._publish(job, decided)
        try:
            return await job.answered
        finally:
            job.timer.cancel()

    # The threads.

    def _hire(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work, name=f"decide-{self._threads}", daemon=True).start()

    def _work(self) -> None:
        with hurrying():
            self._decide_one_after_another()

    def _decide_one_after_another(self) -> None:
        while (job := self._queue.get()) is not None:
            job.meter = _Meter()
            job.started = True  # said before the other flag is looked at, as in the loop: one of both sees the other
            if not job.expired:
                self._decide(job)
            with self._lock:
                job.finished = True
                if job.replaced:
                    self._threads -= 1
                    return

    def _decide(self, job: _Job) -> None:
        try:
            decided = job.run()
        except AlreadyAnsweredError:
            return  # the loop answered and recorded at the deadline: that was the decision
        except OstiaryError as fault:
            self._post(job, fault)
        except BaseException as fault:  # noqa: BLE001 - a thread must outlive every bug; the caller gets a DENY
            self._break_down(job, fault)
        else:
            self._publish(job, decided)

    def _break_down(self, job: _Job, fault: BaseException) -> None:
        self._on_fault(Reason.INTERNAL_ERROR, fault)
        try:
            decided = job.refuse(Reason.INTERNAL_ERROR, type(fault).__name__)
        except AlreadyAnsweredError:
            if not job.expired:  # it broke after it took the claim, and nobody else will answer
                self._post(job, UnavailableError(Reason.RECORD_FAILED, "the decision could not be recorded"))
        except Exception as second:  # noqa: BLE001 - see above
            self._post(job, second)
        else:
            self._publish(job, decided)

    # From the threads to the loop.

    def _publish(self, job: _Job, decided: Decided) -> None:
        if self._settings.wait_for_record:
            decided.durable.add_done_callback(_Told(self._written, job, decided))
        else:
            self._post(job, decided)

    def _written(self, job: _Job, decided: Decided, future: Future[Any]) -> None:
        fault = future.exception() if not future.cancelled() else UnavailableError("log_closed", "the log is closed")
        self._post(job, fault or decided)

    def _post(self, job: _Job, result: Decided | BaseException) -> None:
        self._outbox.append((job, result))
        # INVARIANT: one wake-up for a whole batch of records; `_drain` lowers the flag before it empties the box.
        if not self._waking and self._loop is not None:
            self._waking = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._waking = False
        while self._outbox:
            job, result = self._outbox.popleft()
            if job.answered.done():
                continue
            if isinstance(result, BaseException):
                job.answered.set_exception(result)
            else:
                job.answered.set_result(result)

    # The deadline.

    def _expire(self, job: _Job) -> None:
        if job.answered.done():
            return
        job.expired = True
        job.timer = asyncio.get_running_loop().call_later(self._settings.record_wait_s, self._give_up, job)
        try:
            decided = job.refuse(Reason.POLICY_TIMEOUT if job.started else Reason.OVERLOADED, "")
        except AlreadyAnsweredError:
            return  # decided in time, its record is on its way to the disk
        except Exception as fault:  # noqa: BLE001 - no record, no answer but the error itself
            job.answered.set_exception(fault)
        else:
            self._publish(job, decided)
        if job.started:
            self._stand_in(job)

    def _stand_in(self, job: _Job) -> None:
        """Replace the thread that is still at ``job``, and look again whether it is stuck."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if job.finished:
                return
            self.late += 1
            if self._stand_ins < MAX_STAND_INS:
                self._stand_ins += 1
                job.replaced = True
                self._hire()
        loop.call_later(self._settings.stuck_s, self._look_again, job, loop.time())

    def _look_again(self, job: _Job, late_since: float) -> None:
        with self._lock:  # under it the thread that is not finished cannot end either
            meter = None if job.finished else job.meter
            used_s = meter.read_s() if meter is not None else None
            where = meter.where() if meter is not None else ""
        loop, patience_s = asyncio.get_running_loop(), self._settings.stuck_s
        if used_s is None:
            self._stand_ins -= job.replaced
        elif used_s >= patience_s or loop.time() - late_since >= PATIENCE * patience_s:
            self._on_stuck(where)
        else:
            loop.call_later(patience_s, self._look_again, job, late_since)

    def _give_up(self, job: _Job) -> None:
        if not job.answered.done():
            text = f"the record was not on disk after {self._settings.record_wait_s:g} seconds"
            job.answered.set_exception(UnavailableError(Reason.RECORD_FAILED, text))
