"""One decision on its way through a thread, and lots of them: questions of one request that a thread takes in turn.

- What a lot saves is the way to a thread and back: one hand-over, one wait for records, one wake-up of the loop.
- Each job has its own claim and record all the same, and its own deadline, which runs from when a thread comes to it;
  while nobody does, the deadline of all that wait runs from when the lot last moved.
- ``take`` is the only place where a job gets its result, and it gets one.
- A line is the rest of a lot. Whoever comes next may take from it, so that one late job holds up no other.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, Protocol

from ostiary.decision.parts import Decided
from ostiary.errors import UnavailableError

if TYPE_CHECKING:
    from ostiary.server.meter import Meter

Run = Callable[[], Decided]
Refuse = Callable[[str, str], Decided]
Result = Decided | BaseException
SOON_S: Final = 0.001
"""The least time until a lot is looked at again."""


class Question(Protocol):
    """One decision that is asked for."""

    def run(self) -> Decided:
        """Decide; takes the call's claim before it records."""
        ...

    def refuse(self, reason: str, fault: str) -> Decided:
        """Deny with a reason and the name of a fault, under the same claim."""
        ...


class Job:
    """One decision on its way through a thread."""

    __slots__ = ("began_s", "expired", "finished", "meter", "refuse", "replaced", "run", "started")

    def __init__(self, run: Run, refuse: Refuse) -> None:
        """Wait for a thread."""
        self.run = run
        self.refuse = refuse
        self.began_s = 0.0
        self.started = False
        self.finished = False
        self.replaced = False
        self.expired = False
        self.meter: Meter | None = None


class Alone(Job):
    """A job that is answered by itself: with its record on disk, or ``ahead`` of it."""

    __slots__ = ("ahead", "answered", "timer")

    def __init__(self, run: Run, refuse: Refuse, answered: asyncio.Future[Decided], *, ahead: bool = False) -> None:
        """Wait for a thread."""
        super().__init__(run, refuse)
        self.answered = answered
        self.ahead = ahead
        self.timer: asyncio.TimerHandle | None = None


class Told:
    """Tells once that a record is on disk, and holds nothing afterwards.

    A future keeps its callbacks for good, and what was decided keeps its future: a function that remembers what was
    decided would close a circle, and every decision with all it knew would wait for the garbage collector.
    """

    __slots__ = ("_about", "_tell")

    def __init__(self, tell: Callable[..., None], *about: Any) -> None:
        """Take whom to tell, and about what."""
        self._tell = tell
        self._about: tuple[Any, ...] | None = about

    def __call__(self, future: Future[Any]) -> None:
        """Tell, the first time."""
        about, self._about = self._about, None
        if about is not None:
            self._tell(*about, future)


class Lot:
    """Questions of one request that are decided one after another, and answered together."""

    def __init__(self, questions: Sequence[Question], answered: asyncio.Future[None]) -> None:
        """Wait for a thread."""
        self.answered = answered
        self.jobs = tuple(Job(one.run, one.refuse) for one in questions)
        self.line = deque(self.jobs)
        self.moved_s = time.monotonic()
        self.timer: asyncio.TimerHandle | None = None
        self._results: dict[Job, Result] = {}
        self._lock = threading.Lock()

    def take(self, job: Job, result: Result) -> bool:
        """Keep a job's result, the first that comes; return whether that was the last of the lot."""
        with self._lock:
            if job in self._results:
                return False
            self._results[job] = result
            self.moved_s = time.monotonic()
            return len(self._results) == len(self.jobs)

    @property
    def results(self) -> list[Result]:
        """The results in the order of the questions, when all are there."""
        return [self._results[job] for job in self.jobs]

    def late(self, now_s: float, deadline_s: float) -> list[Job]:
        """Return the jobs whose time is over: what a thread is at for too long, or all, while none comes to any."""
        running = self._running()
        if running or now_s - self.moved_s < deadline_s:
            return [job for job in running if now_s - job.began_s >= deadline_s]
        waiting: list[Job] = []
        while (job := next_of(self.line)) is not None:
            waiting.append(job)
        return waiting

    def over(self, now_s: float, record_wait_s: float) -> bool:
        """Return whether nothing is left to decide, and the records were waited for long enough."""
        return not self.line and not self._running() and now_s - self.moved_s >= record_wait_s

    def look_again_s(self, now_s: float, deadline_s: float) -> float:
        """Return in how many seconds something may be late."""
        since_s = min((job.began_s for job in self._running()), default=self.moved_s if self.line else now_s)
        return max(SOON_S, since_s + deadline_s - now_s)

    def _running(self) -> list[Job]:
        """Return the jobs that a thread is at and that nobody has given up."""
        return [job for job in self.jobs if job.started and not job.expired and job not in self._results]

    def unrecorded(self) -> Decided | None:
        """Return a decision whose record is not on disk yet, the newest of them first; ``None`` when all are."""
        for result in reversed(self.results):
            if isinstance(result, Decided) and not result.durable.done():
                return result
        return None

    def outcomes(self, late: UnavailableError | None = None) -> list[Result]:
        """Return in the order of the questions what became of each; ``late`` is said of those not on disk by now."""
        return [self._outcome(self._results.get(job, late), late) for job in self.jobs]

    def _outcome(self, result: Result | None, late: UnavailableError | None) -> Result:
        if not isinstance(result, Decided):
            return result or UnavailableError("record_failed", "it was not decided")
        missing = late if late is not None and not result.durable.done() else fault_of(result.durable)
        return missing or result


def next_of(line: deque[Job]) -> Job | None:
    """Return the next job, ``None`` when somebody has taken the last."""
    try:
        return line.popleft()
    except IndexError:
        return None


def fault_of(written: Future[Any]) -> BaseException | None:
    """Return why a record is not on disk, ``None`` when it is or is still on its way."""
    if not written.done():
        return None
    return UnavailableError("log_closed", "the log is closed") if written.cancelled() else written.exception()
