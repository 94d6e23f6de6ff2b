"""Carries bytes between two sockets inside the kernel (``splice``), with a budget on one way and a clock on both.

- What came from the run lies in our pipe first, is taken from the budget, and only then goes out: never one byte more.
- A way on which nothing moves is closed, unless the other way moves; an end of one way is passed on (half-close).
"""

import fcntl
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

from ostiary.pipeline.training.accounts import Budget

CHUNK: Final = 1 << 20
_F_SETPIPE_SZ: Final = 1031
BUDGET_SPENT: Final = "egress_budget_spent"
IDLE: Final = "egress_idle"


class Relay:
    """One connection's two ways."""

    def __init__(self, inside: socket.socket, outside: socket.socket, budget: Budget, idle_s: float) -> None:
        """Carry between ``inside``, the run, and ``outside``, whom it calls."""
        self._inside = inside
        self._outside = outside
        self._budget = budget
        self._idle_s = idle_s
        self._moved = time.monotonic()
        self.up = 0
        self.down = 0
        self.stopped = ""

    def run(self) -> None:
        """Carry until both ways have ended."""
        for one in (self._inside, self._outside):
            set_timeouts(one, self._idle_s)
        up = threading.Thread(target=self._carry_up, name="egress-up", daemon=True)
        up.start()
        self._carry(self._outside, self._inside, self._account_down)
        up.join()

    def _carry_up(self) -> None:
        self._carry(self._inside, self._outside, self._account_up)

    def _account_up(self, count: int) -> int:
        granted = self._budget.take(count)
        self.up += granted
        return granted

    def _account_down(self, count: int) -> int:
        self.down += count
        return count

    def _carry(self, source: socket.socket, sink: socket.socket, account: Callable[[int], int]) -> None:
        out, into = os.pipe()
        try:
            _widen(into)
            while (count := self._fill(source, into)) > 0:
                granted = account(count)
                self._empty(out, sink, granted)
                if granted < count:
                    self._stop(BUDGET_SPENT)
                    return
            _end_of(sink)
        except OSError:
            self._stop("")
        finally:
            os.close(out)
            os.close(into)

    def _fill(self, source: socket.socket, into: int) -> int:
        while True:
            try:
                count = os.splice(source.fileno(), into, CHUNK)
            except BlockingIOError:
                if time.monotonic() - self._moved < self._idle_s:
                    continue
                self._stop(IDLE)
                return 0
            self._moved = time.monotonic()
            return count

    def _empty(self, out: int, sink: socket.socket, count: int) -> None:
        while count:
            count -= os.splice(out, sink.fileno(), count)
            self._moved = time.monotonic()

    def _stop(self, why: str) -> None:
        self.stopped = self.stopped or why
        for one in (self._inside, self._outside):
            shut(one)


def set_timeouts(one: socket.socket, seconds: float) -> None:
    """Let the kernel's own waits on a socket end after ``seconds``."""
    one.settimeout(None)
    value = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000) or (0 if seconds >= 1 else 1))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)


def shut(one: socket.socket) -> None:
    """End both ways of a socket; one that has ended already stays so."""
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _end_of(sink: socket.socket) -> None:
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _widen(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, _F_SETPIPE_SZ, CHUNK)
    except OSError:  # this user's pipes hold enough already: it goes on in smaller steps
        return
