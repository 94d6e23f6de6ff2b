"""``ostiary up``: the parent that holds the listening socket and keeps one worker serving on it.

1. The socket is the parent's: while a worker dies and its successor starts, connections wait and none is refused.
2. Workers are started as new programs, never forked: a Go runtime does not survive a fork (ADR-0009).
3. A worker that dies is started again, with a growing pause while it keeps dying young. The very first one is not:
   what keeps it from serving, such as a fault of the configuration, is for a person to mend.
4. A worker that says it is stuck, or a SIGHUP, brings a successor; the old one drains only when that one is ready,
   and is killed when it has not ended in time. Requests in flight are answered by whoever holds them.
5. SIGTERM and SIGINT drain the worker and end with it. A worker whose parent is gone sees its channel close and ends.

The channel is a socket pair on which the worker writes ``ready``, ``stuck`` and what it has to tell, a line each.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Final

import msgspec

from ostiary.policy.opa_library import launch_environment
from ostiary.server.tuning import ALLOCATOR

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_TICK_S: Final = 0.5
_MAX_LINE: Final = 4096


class SupervisorSettings(msgspec.Struct, frozen=True):
    """How patient the supervisor is, in seconds.

    Attributes:
        drain_s: time an old worker has to answer what it holds; afterwards it is killed.
        start_s: time a new worker has to become ready.
        young_s: a worker that dies sooner than this died young.
        first_pause_s: pause after the first young death; it doubles up to ``last_pause_s``.
    """

    drain_s: float = 15.0
    start_s: float = 120.0
    young_s: float = 10.0
    first_pause_s: float = 0.1
    last_pause_s: float = 5.0


class _Worker:
    """One child, its channel and what is known of it."""

    def __init__(self, process: subprocess.Popen[bytes], channel: socket.socket, started: float) -> None:
        self.process = process
        self.channel = channel
        self.started = started
        self.ready = False
        self.told_to_end: float | None = None
        self.heard = b""
        self.listened_to = True

    @property
    def ending(self) -> bool:
        return self.told_to_end is not None

    def end(self, now: float) -> None:
        """Ask it to drain and end; once is enough."""
        if not self.ending:
            self.told_to_end = now
            self.process.send_signal(signal.SIGTERM)


class Supervisor:
    """Keeps one worker serving until it is told to stop."""

    def __init__(
        self,
        command: Callable[[int, int], Sequence[str]],
        listener: socket.socket,
        settings: SupervisorSettings | None = None,
        *,
        log: Callable[..., None] = lambda _event, **_more: None,
        on_ready: Callable[[], None] = lambda: None,
        on_line: Callable[[bytes], None] = lambda _line: None,
        environ: dict[str, str] | None = None,
    ) -> None:
        """Take what starts a worker, the socket it serves, and whom to tell.

        Args:
            command: makes the worker's command line from the numbers of the listening socket and of the channel.
            listener: bound and listening.
            settings: how patient to be.
            log: takes an event and its members.
            on_ready: called once, when the first worker serves.
            on_line: told of every other line that a worker writes.
            environ: the workers' environment, by default this process's own.
        """
        self._command = command
        self._listener = listener
        self._settings = settings or SupervisorSettings()
        self._log = log
        self._on_ready = on_ready
        self._on_line = on_line
        self._environ = environ
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._stopping = False
        self._wanted = ""
        self._code = 0
        self._announced = False
        self._pause_s = 0.0
        self._not_before = 0.0
        self.starts = 0

    def run(self) -> int:
        """Serve until told to stop; return the exit code."""
        wake_in, wake_out = socket.socketpair()
        wake_in.setblocking(False)  # noqa: FBT003 - the socket's own signature
        wake_out.setblocking(False)  # noqa: FBT003
        self._selector.register(wake_in, selectors.EVENT_READ)
        before = {number: signal.signal(number, self._signalled) for number in _SIGNALS}
        old_wake = signal.set_wakeup_fd(wake_out.fileno(), warn_on_full_buffer=False)
        try:
            self._loop(wake_in)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(old_wake)
            for worker in self._workers:
                worker.process.kill()
                worker.process.wait()
            self._selector.close()
            wake_in.close()
            wake_out.close()
        return self._code

    def stop(self) -> None:
        """Drain and end, as SIGTERM does."""
        self._stopping = True

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        if number in {signal.SIGTERM, signal.SIGINT}:
            self._stopping = True
        elif number == signal.SIGHUP:
            self._wanted = "told to"

    def _loop(self, wake: socket.socket) -> None:
        while self._workers or not self._stopping:
            self._bury()
            self._care()
            for key, _ in self._selector.select(_TICK_S):
                if key.fileobj is wake:
                    wake.recv(_MAX_LINE)
                else:
                    self._listen_to(key.data)

    # Looking after the children.

    def _bury(self) -> None:
        """Take note of workers that ended, and of those that must."""
        now = time.monotonic()
        for worker in list(self._workers):
            code = worker.process.poll()
            if code is None:
                self._hurry(worker, now)
                continue
            self._workers.remove(worker)
            self._deafen(worker)
            worker.channel.close()
            if not worker.ending and self._announced:
                self._mourn(worker, code, now)
            elif not worker.ending:
                self._stopping, self._code = True, max(code, 1)

    def _hurry(self, worker: _Worker, now: float) -> None:
        told = worker.told_to_end
        if told is not None and now - told > self._settings.drain_s:
            self._log("killed a worker that did not end", pid=worker.process.pid)
            worker.process.kill()
        elif not worker.ready and not worker.ending and now - worker.started > self._settings.start_s:
            self._log("killed a worker that did not become ready", pid=worker.process.pid)
            worker.process.kill()

    def _mourn(self, worker: _Worker, code: int, now: float) -> None:
        young = now - worker.started < self._settings.young_s
        self._pause_s = max(self._settings.first_pause_s, self._pause_s * 2) if young else 0.0
        self._pause_s = min(self._pause_s, self._settings.last_pause_s)
        self._not_before = now + self._pause_s
        self._log("a worker died", pid=worker.process.pid, code=code, again_in_s=self._pause_s)

    def _care(self) -> None:
        """Start what is missing, end what is too much."""
        now = time.monotonic()
        if self._stopping:
            # INVARIANT: closed here first, so that the worker empties the queue and then refuses: nobody waits in vain.
            self._listener.close()
            for worker in self._workers:
                worker.end(now)
            return
        staying = [worker for worker in self._workers if not worker.ending]
        if not staying and now >= self._not_before:
            self._start(now)
        elif len(staying) > 1 and staying[-1].ready:
            for worker in staying[:-1]:
                worker.end(now)
        elif self._wanted and len(staying) == 1 and staying[0].ready:
            self._log("replacing a worker", pid=staying[0].process.pid, why=self._wanted)
            self._wanted = ""
            self._start(now)

    def _start(self, now: float) -> None:
        ours, theirs = socket.socketpair()
        fds = (self._listener.fileno(), theirs.fileno())
        process = subprocess.Popen(self._command(*fds), pass_fds=fds, env=self._environ)  # noqa: S603 - our own program
        theirs.close()
        ours.setblocking(False)  # noqa: FBT003
        worker = _Worker(process, ours, now)
        self._selector.register(ours, selectors.EVENT_READ, worker)
        self._workers.append(worker)
        self.starts += 1
        self._log("started a worker", pid=process.pid)

    def _listen_to(self, worker: _Worker) -> None:
        try:
            heard = worker.channel.recv(_MAX_LINE)
        except OSError:
            heard = b""
        if not heard:  # it is ending: `_bury` will see to it
            self._deafen(worker)
            return
        *lines, worker.heard = (worker.heard + heard)[-_MAX_LINE:].split(b"\n")
        for line in lines:
            self._heard(worker, line)

    def _deafen(self, worker: _Worker) -> None:
        if worker.listened_to:
            worker.listened_to = False
            self._selector.unregister(worker.channel)

    def _heard(self, worker: _Worker, line: bytes) -> None:
        if line == b"ready":
            worker.ready = True
            self._pause_s = 0.0
            if not self._announced:
                self._announced = True
                self._on_ready()
        elif line == b"stuck" and not worker.ending:
            self._wanted = "a policy evaluation does not end"
        elif line != b"stuck":
            self._on_line(line)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on ``host`` and ``port``.

    Raises:
        OSError: the address is taken or not ours.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def worker_command(options: dict[str, Any]) -> Callable[[int, int], list[str]]:
    """Return what starts Ostiary's own worker with these options."""
    text = msgspec.json.encode(options).decode()

    def command(listener: int, channel: int) -> list[str]:
        return [sys.executable, "-m", "ostiary.server.start", str(listener), str(channel), text]

    return command


def environment() -> dict[str, str]:
    """Return the workers' environment: ours, with what the policy engine and the C library read at a start."""
    return {**launch_environment(), **ALLOCATOR, **os.environ}
