"""Several worker processes that share one stream of records: started anew, bare, confined, and given up after a time.

- Fed by pipes from one queue: whoever is quicker takes more, and what they found adds up all the same.
- Started with a bare environment, never forked (Go would hang), in sessions of their own; killed with what they began.
- A worker that dies, is late or answers something odd is a refusal of the candidate, never an accident of ours.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.policy.opa_library import launch_environment
from ostiary.server.impact.order import Finding, Order, frame, record_frame

_KEPT: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "SYSTEMROOT")
_BATCH: Final = 64
_WAITING: Final = 8
_TICK_S: Final = 0.2
_JOIN_S: Final = 5.0
_COMMAND: Final = ("-P", "-m", "ostiary.server.impact.worker")


class _One:
    """One process, the thread that feeds it and the thread that hears it."""

    def __init__(self, order: bytes, batches: "queue.Queue[list[bytes] | None]", most: int) -> None:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | launch_environment()
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, *_COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as fault:
            raise UnavailableError("impact_unavailable", f"no process can be started: {fault.strerror}") from fault
        self._order, self._batches, self._most = order, batches, most
        self.answer = b""
        self.broken = False
        self._over = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._feed, self._hear)]
        for thread in self._threads:
            thread.start()

    @property
    def busy(self) -> bool:
        """Whether it has not answered yet."""
        return any(thread.is_alive() for thread in self._threads)

    def _feed(self) -> None:
        pipe = self.process.stdin
        if pipe is None:
            return
        try:
            pipe.write(frame(self._order))
            while (batch := self._next()) is not None:
                pipe.write(b"".join(map(frame, batch)))
            pipe.write(frame(b""))
        except (OSError, ValueError):
            self.broken = True
        finally:
            self._close(pipe)

    def _next(self) -> list[bytes] | None:
        """Return the next batch, or ``None`` when there is none any more or nobody wants it."""
        while not self._over.is_set():
            try:
                return self._batches.get(timeout=_TICK_S)
            except queue.Empty:
                continue
        return None

    def _close(self, pipe: IO[bytes]) -> None:
        try:
            pipe.close()
        except OSError:
            self.broken = True  # it died with something still to be said; the pipe is closed all the same

    def _hear(self) -> None:
        pipe: IO[bytes] | None = self.process.stdout
        if pipe is not None:
            self.answer = pipe.read(self._most + 4)
            pipe.close()

    def kill(self) -> None:
        """End it, with all it started."""
        self._over.set()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for thread in self._threads:
            thread.join(_JOIN_S)


Elsewhere = Callable[[Order, Iterable[tuple[int, bytes]]], Finding]
_elsewhere: ContextVar[Elsewhere | None] = ContextVar("elsewhere", default=None)


@contextmanager
def studied_by(elsewhere: Elsewhere) -> Iterator[None]:
    """Let every study within be done by ``elsewhere``, on more machines than this."""
    token = _elsewhere.set(elsewhere)
    try:
        yield
    finally:
        _elsewhere.reset(token)


def study(order: Order, records: Iterable[tuple[int, bytes]]) -> Finding:
    """Let the workers replay ``records`` and return what they found together.

    Raises:
        RefusedError: ``impact_timeout``, ``impact_crashed``, or why the candidate cannot be asked.
        UnavailableError: ``impact_unavailable``.
    """
    elsewhere = _elsewhere.get()
    if elsewhere is not None:
        return elsewhere(order, records)
    limits = order.limits
    ends = time.monotonic() + limits.wall_s
    batches: queue.Queue[list[bytes] | None] = queue.Queue(_WAITING)
    text = msgspec.json.encode(order)
    workers: list[_One] = []
    try:
        workers.extend(_One(text, batches, limits.max_answer_bytes) for _ in range(max(1, limits.workers)))
        _send(records, batches, workers, ends)
        while any(worker.busy for worker in workers):
            _check(workers, ends)
            time.sleep(_TICK_S / 10)
        return _joined(workers)
    finally:
        for worker in workers:
            worker.kill()


def _send(
    records: Iterable[tuple[int, bytes]],
    batches: "queue.Queue[list[bytes] | None]",
    workers: list[_One],
    ends: float,
) -> None:
    batch: list[bytes] = []
    for index, payload in records:
        batch.append(record_frame(index, payload))
        if len(batch) == _BATCH:
            _put(batch, batches, workers, ends)
            batch = []
    if batch:
        _put(batch, batches, workers, ends)
    for _ in workers:
        _put(None, batches, workers, ends)


def _put(
    batch: list[bytes] | None, batches: "queue.Queue[list[bytes] | None]", workers: list[_One], ends: float
) -> None:
    while True:
        try:
            return batches.put(batch, timeout=_TICK_S)
        except queue.Full:
            _check(workers, ends)


def _check(workers: list[_One], ends: float) -> None:
    if any(worker.broken or worker.process.poll() not in {None, 0} for worker in workers):
        raise RefusedError("impact_crashed", "the candidate broke the process that tried it out")
    if time.monotonic() > ends:
        raise RefusedError("impact_timeout", "the study was not done in time: ask for fewer days")


def _joined(workers: list[_One]) -> Finding:
    found: list[Finding] = []
    for worker in workers:
        try:
            found.append(msgspec.json.decode(worker.answer[4:], type=Finding))
        except (msgspec.MsgspecError, ValueError) as fault:
            raise RefusedError("impact_crashed", "a worker gave no answer that can be read") from fault
    return joined(found)


def joined(found: Sequence[Finding]) -> Finding:
    """Return what several workers found as one.

    Raises:
        RefusedError: why the candidate cannot be asked, when one of them says so.
    """
    first = found[0]
    for other in found[1:]:
        first.tally.merge(other.tally)
        first.asked += other.asked
        first.before_us += other.before_us
        first.after_us += other.after_us
        first.later_asked += other.later_asked
        first.later += other.later
        first.mistrusted = first.mistrusted or other.mistrusted
        first.fault = first.fault or other.fault
    if first.fault:
        code, _, text = first.fault.partition(": ")
        raise RefusedError(code, text or "the candidate cannot be asked")
    return first
