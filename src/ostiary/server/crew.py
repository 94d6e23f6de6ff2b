"""The threads that decide, and the deadline that the event loop keeps over them.

1. The loop never blocks: a decision runs in a thread, its record is written by the log's writer, and the loop only
   hears of both.
2. At the deadline the loop answers: DENY ``policy_timeout`` when a thread was at it, DENY ``overloaded`` when none had
   come to it yet. Whoever takes the call's claim records it, so there is exactly one record.
3. A policy evaluation cannot be cancelled. A late thread gets a stand-in at once; one that has been at it for so much
   of the processor's time is stuck, and ``on_stuck`` asks for a new process. The clock alone does not tell: on a
   starved machine, or while a store is away, everything is late, and a new process would only be later. Who uses no
   processor waits for something that does not come, and is stuck after ``PATIENCE`` times as long.
4. With ``wait_for_record`` an answer waits until its record is on disk; if that takes too long it is no answer. Who has
   something to make of a decision takes it ``ahead`` and waits himself (``settle``).
5. Questions of one request come in lots (``server.lots``): a thread takes one after another, and the loop hears of all
   of them once. Each keeps a deadline, a claim and a record of its own. While others wait a thread takes one and puts
   the rest behind them: nobody waits for more than one question of somebody else's batch.
6. These threads are in a hurry: what they need of a store they wait for no longer than that store's ``answer_s``.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Final

import msgspec

from ostiary.decision.decide import AlreadyAnsweredError, Decided
from ostiary.errors import OstiaryError, UnavailableError
from ostiary.server.lots import Alone, Job, Lot, Question, Refuse, Result, Run, Told, fault_of, next_of
from ostiary.server.meter import Meter
from ostiary.storage.hurry import hurrying
from ostiary.vocabulary.reasons import Reason

MAX_STAND_INS: Final = 16
PATIENCE: Final = 10
LEAST_S: Final = 0.001
"""What a decision takes at least: while the log waits so long for each that is still to be made, no thread is idle."""


class CrewSettings(msgspec.Struct, frozen=True):
    """How many threads, and how long each thing may take, in seconds; ``stuck_s`` is processor time."""

    threads: int = 3
    deadline_s: float = 0.5
    stuck_s: float = 1.0
    record_wait_s: float = 5.0
    wait_for_record: bool = True


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
        self._queue: SimpleQueue[Alone | Lot | None] = SimpleQueue()
        self._lots: set[Lot] = set()
        self._outbox: deque[tuple[asyncio.Future[Any], Any]] = deque()
        self._waking = False
        self._lock = threading.Lock()
        self._threads = 0
        self._stand_ins = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self.late = 0

    def start(self) -> None:
        """Start the threads; answers will come to the running loop."""
        self._loop = asyncio.get_running_loop()
        for _ in range(self._settings.threads):
            self._hire()

    def close(self) -> None:
        """Let every idle thread end; one that is stuck is a daemon and dies with the process."""
        self._closing = True
        for _ in range(self._threads):
            self._queue.put(None)

    async def do(self, run: Run, refuse: Refuse, *, deadline_s: float | None = None, ahead: bool = False) -> Decided:
        """Run one decision in a thread and return it when its record is on disk.

        Args:
            run: decides; it takes the call's claim before it records.
            refuse: denies with a reason and the name of a fault, under the same claim.
            deadline_s: longest time, if it is not the usual one.
            ahead: return it before that; nobody may hear of it until ``settle`` has returned.

        Raises:
            UnavailableError: the record could not be written in time.
            OstiaryError: what ``run`` raised.
        """
        loop = asyncio.get_running_loop()
        job = Alone(run, refuse, loop.create_future(), ahead=ahead)
        job.timer = loop.call_later(deadline_s or self._settings.deadline_s, self._expire, job)
        self._queue.put(job)
        try:
            return await job.answered
        finally:
            job.timer.cancel()

    async def do_all(self, questions: Sequence[Question]) -> list[Result]:
        """Decide some questions of one request in one thread.

        Returns:
            In their order, when all their records are on disk or were waited for long enough: the answer whose record
            is there, or why there is none.
        """
        loop = asyncio.get_running_loop()
        lot = Lot(questions, loop.create_future())
        lot.timer = loop.call_later(self._settings.deadline_s, self._watch, lot)
        self._lots.add(lot)
        self._queue.put(lot)
        try:
            await lot.answered
        except UnavailableError as late:
            return lot.outcomes(late)
        finally:
            lot.timer.cancel()
            self._lots.discard(lot)
        return lot.outcomes()

    @property
    def waiting(self) -> int:
        """How many decisions wait for a thread."""
        return self._queue.qsize() + sum(len(lot.line) for lot in tuple(self._lots))

    async def settle(self, decided: Decided) -> Decided:
        """Wait until the record of something decided elsewhere is on disk.

        Raises:
            UnavailableError: the record could not be written in time.
        """
        if not self._settings.wait_for_record:
            return decided
        if decided.durable.done():
            if (fault := fault_of(decided.durable)) is not None:
                raise fault
            return decided
        loop = asyncio.get_running_loop()
        job = Alone(lambda: decided, lambda _reason, _fault: decided, loop.create_future())
        job.timer = loop.call_later(self._settings.record_wait_s, self._give_up, job.answered)
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
            self._take_one_after_another()

    def _take_one_after_another(self) -> None:
        while (work := self._queue.get()) is not None:
            if isinstance(work, Alone):
                if self._through(work, None):
                    return
                continue
            if self._take_turns(work):
                return

    def _take_turns(self, lot: Lot) -> bool:
        """Take one job of a lot after another, until others wait; return whether this thread is to end."""
        while (job := next_of(lot.line)) is not None:
            if self._through(job, lot):
                return True
            if lot.line and not self._closing and not self._queue.empty():
                self._queue.put(lot)
                return False
        return False

    def _through(self, job: Job, lot: Lot | None) -> bool:
        """Take one job; return whether this thread has been replaced meanwhile, and is to end."""
        job.meter = Meter()
        job.began_s = time.monotonic()
        job.started = True  # said before the other flag is looked at, as in the loop: one of both sees the other
        if not job.expired:
            self._decide(job, lot)
        with self._lock:
            job.finished = True
            self._threads -= job.replaced
            return job.replaced

    def _decide(self, job: Job, lot: Lot | None) -> None:
        try:
            decided = job.run()
        except AlreadyAnsweredError:
            return  # the loop answered and recorded at the deadline: that was the decision
        except OstiaryError as fault:
            self._finish(job, lot, fault)
        except BaseException as fault:  # noqa: BLE001 - a thread must outlive every bug; the caller gets a DENY
            self._break_down(job, lot, fault)
        else:
            self._finish(job, lot, decided)

    def _break_down(self, job: Job, lot: Lot | None, fault: BaseException) -> None:
        self._on_fault(Reason.INTERNAL_ERROR, fault)
        try:
            decided = job.refuse(Reason.INTERNAL_ERROR, type(fault).__name__)
        except AlreadyAnsweredError:
            if not job.expired:  # it broke after it took the claim, and nobody else will answer
                text = "the decision could not be recorded"
                self._finish(job, lot, UnavailableError(Reason.RECORD_FAILED, text))
        except Exception as second:  # noqa: BLE001 - see above
            self._finish(job, lot, second)
        else:
            self._finish(job, lot, decided)

    def _finish(self, job: Job, lot: Lot | None, result: Result) -> None:
        """Hand on what became of a job: by itself, or with the others of its lot when it was the last of them."""
        if lot is not None:
            if lot.take(job, result):
                self._publish_all(lot)
        elif isinstance(job, Alone):
            self._publish(job, result)

    # From the threads to the loop.

    def _publish(self, job: Alone, result: Result) -> None:
        if self._settings.wait_for_record and not job.ahead and isinstance(result, Decided):
            result.durable.add_done_callback(Told(self._written, job, result))
        else:
            self._post(job.answered, result)

    def _written(self, job: Alone, decided: Decided, future: Future[Any]) -> None:
        self._post(job.answered, fault_of(future) or decided)

    def _publish_all(self, lot: Lot, _written: Future[Any] | None = None) -> None:
        """Answer a lot when all its records are on disk; the newest is waited for, since the log writes in order."""
        unrecorded = lot.unrecorded() if self._settings.wait_for_record else None
        if unrecorded is not None:
            unrecorded.durable.add_done_callback(Told(self._publish_all, lot))
        else:
            self._post(lot.answered, None)

    def _post(self, answered: asyncio.Future[Any], result: object) -> None:
        self._outbox.append((answered, result))
        # INVARIANT: one wake-up for a whole batch of records; `_drain` lowers the flag before it empties the box.
        if not self._waking and self._loop is not None:
            self._waking = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._waking = False
        while self._outbox:
            answered, result = self._outbox.popleft()
            if answered.done():
                continue
            if isinstance(result, BaseException):
                answered.set_exception(result)
            else:
                answered.set_result(result)

    # The deadline.

    def _expire(self, job: Alone) -> None:
        if not job.answered.done():
            give_up_s = self._settings.record_wait_s
            job.timer = asyncio.get_running_loop().call_later(give_up_s, self._give_up, job.answered)
            self._refuse(job, None)

    def _watch(self, lot: Lot) -> None:
        """Keep the deadlines of a lot: whoever of it is late is refused, and the others go on without it."""
        if lot.answered.done():
            return
        now_s, deadline_s = time.monotonic(), self._settings.deadline_s
        for job in lot.late(now_s, deadline_s):
            self._refuse(job, lot)
            if job.started and lot.line:
                self._queue.put(lot)
        if lot.over(now_s, self._settings.record_wait_s):
            self._give_up(lot.answered)
            return
        again_s = lot.look_again_s(now_s, deadline_s)
        lot.timer = asyncio.get_running_loop().call_later(again_s, self._watch, lot)

    def _refuse(self, job: Job, lot: Lot | None) -> None:
        """Answer a late job, unless its thread has decided it in time, and take care of that thread."""
        job.expired = True
        try:
            decided = job.refuse(Reason.POLICY_TIMEOUT if job.started else Reason.OVERLOADED, "")
        except AlreadyAnsweredError:
            return  # decided in time, its record is on its way to the disk
        except Exception as fault:  # noqa: BLE001 - no record, no answer but the error itself
            self._finish(job, lot, fault)
        else:
            self._finish(job, lot, decided)
        if job.started:
            self._stand_in(job)

    def _stand_in(self, job: Job) -> None:
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

    def _look_again(self, job: Job, late_since: float) -> None:
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

    def _give_up(self, answered: asyncio.Future[Any]) -> None:
        if not answered.done():
            text = f"the record was not on disk after {self._settings.record_wait_s:g} seconds"
            answered.set_exception(UnavailableError(Reason.RECORD_FAILED, text))
