"""Tells everybody who wants to know of an answer: metrics, traces, the profiles. Quick, and it never raises."""

import queue
import threading
from collections.abc import Callable
from typing import Any, Final

from ostiary.decision.parts import Decided
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.telemetry.traces import Tracer

MAX_WAITING: Final = 10_000


class Learner:
    """Works after the answer, in its own thread: sessions, profiles. What does not fit is counted, not waited for."""

    def __init__(
        self,
        learn: Callable[[Decided], None],
        on_fault: Callable[[str, BaseException], None],
        keep: Callable[[Decided], Decided] = lambda decided: decided,
    ) -> None:
        """Start the thread; ``keep`` makes of a decision what waits."""
        self._learn, self._keep = learn, keep
        self._on_fault = on_fault
        self._queue: queue.SimpleQueue[Decided | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ostiary-learner", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many decisions are handed over and not learned yet; each is kept whole until then."""
        return self._queue.qsize()

    def offer(self, decided: Decided) -> bool:
        """Hand over one decision; return false when too many wait."""
        if self._queue.qsize() >= MAX_WAITING:  # the loop alone offers: nobody comes between the two lines
            return False
        self._queue.put(self._keep(decided))
        return True

    def close(self) -> None:
        """Learn what waits, then end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (decided := self._queue.get()) is not None:
            try:
                self._learn(decided)
            except Exception as fault:  # noqa: BLE001 - one odd decision must not end learning
                self._on_fault("learning_failed", fault)


class Telemetry:
    """The observer of all answers."""

    def __init__(
        self,
        metrics: Metrics,
        log: Any,
        tracer: Tracer | None = None,
        learner: Learner | None = None,
        fail_open: tuple[str, ...] = (),
    ) -> None:
        """Take whom to tell, and the options that let every answer through before what they weaken is done."""
        self.metrics = metrics
        self._log = log
        self._tracer = tracer
        self._learner = learner
        self._fail_open = fail_open
        self._listeners: list[Callable[[Decided], None]] = []

    def listen(self, callback: Callable[[Decided], None]) -> None:
        """Tell ``callback`` of every decision from now on; it must be quick."""
        self._listeners.append(callback)

    def decided(self, decided: Decided) -> None:
        """Tell of a recorded decision."""
        try:
            self.metrics.decided(decided)
            for option in self._fail_open:
                self.metrics.fails_open(option)
            for listener in self._listeners:
                listener(decided)
            if decided.event is not None and self._learner is not None and not self._learner.offer(decided):
                self.metrics.learning_dropped()
            if self._tracer is not None:
                self._tracer.decided(decided)
        except Exception as fault:  # noqa: BLE001 - telling must never change an answer
            self.fault("telemetry_failed", fault)

    def failed_closed(self, reason: str) -> None:
        """Tell of a denial without a decision."""
        self.metrics.failed_closed(reason)

    def fault(self, reason: str, fault: BaseException) -> None:
        """Log a fault that was answered with a denial."""
        self._log.error("fault", reason=reason, exc_info=fault)
