"""The parent's end of the line to the first process in a sandbox: whole messages, bounded in size and time.

The order goes in as marshalled plain values, which an interpreter reads without importing anything; what comes out is
lines of text. It is from our own code until the command begins, and is still read as if it were not.
"""

import array
import marshal
import os
import socket
import struct
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError

MAX_MESSAGE: Final = 1 << 17
_HANDED: Final = 3
_COLUMNS: Final = 3
_CREDENTIALS: Final = struct.Struct("3i")


class Probe(msgspec.Struct, frozen=True):
    """What became of one attempt: ``held``, ``escaped`` or ``failed``, and in what words."""

    name: str
    verdict: str
    words: str


class Report(msgspec.Struct, frozen=True):
    """What all attempts came to, and when (monotonic nanoseconds)."""

    probes: tuple[Probe, ...]
    begun_ns: int
    ended_ns: int


class Hello(msgspec.Struct):
    """The first message: the sockets to listen on, the folder of outputs, the process, and when it began to run."""

    tcp: socket.socket
    local: socket.socket
    outputs: int
    pid: int
    begun_ns: int


class Line:
    """One line; ``theirs`` is the descriptor to hand down, closed here by ``handed_down``."""

    def __init__(self, timeout_s: float) -> None:
        """Make both ends."""
        self._mine, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._mine.settimeout(timeout_s)
        self._mine.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_MESSAGE)

    @property
    def theirs(self) -> int:
        """The descriptor of the other end."""
        return self._theirs.fileno()

    def handed_down(self) -> None:
        """Close the other end here: it lives in the sandbox now."""
        self._theirs.close()

    def close(self) -> None:
        """Close both ends."""
        self._mine.close()
        self._theirs.close()

    def send_order(self, order: dict[str, Any]) -> None:
        """Send the first message.

        Raises:
            FaultyInputError: ``training_order_too_large``: command and environment are too long.
        """
        data = marshal.dumps(order, 2)  # version 2: every Python 3 reads it
        if len(data) > MAX_MESSAGE:
            raise FaultyInputError("training_order_too_large", "the command and its variables are too long")
        self._mine.send(data)

    def say(self, word: bytes) -> None:
        """Send one word.

        Raises:
            UnavailableError: ``training_sandbox_died``.
        """
        try:
            self._mine.send(word)
        except OSError as fault:
            raise _died() from fault

    def hear_hello(self) -> Hello:
        """Return the first message with what was handed out.

        Raises:
            UnavailableError: ``training_sandbox_died``, ``training_sandbox_late``.
        """
        data, handed, pid = self._receive(_HANDED)
        if not data or len(handed) != _HANDED:
            for number in handed:
                os.close(number)
            raise _died(_rows(data))
        rows = _rows(data)
        begun = _numbers(rows, "hello", 1)[0]
        return Hello(socket.socket(fileno=handed[0]), socket.socket(fileno=handed[1]), handed[2], pid, begun)

    def hear_report(self) -> Report:
        """Return what the probes found.

        Raises:
            UnavailableError: ``training_sandbox_died``, ``training_sandbox_late``.
        """
        rows = _rows(self._receive(0)[0])
        begun, ended = _numbers(rows, "report", 2)
        if any(len(row) != _COLUMNS for row in rows[1:]):
            raise _died([])
        return Report(tuple(Probe(*row) for row in rows[1:]), begun, ended)

    def hear_end(self) -> str:
        """Wait until the command has begun; return why it could not, or nothing."""
        rows = _rows(self._receive(0)[0])
        return " ".join(rows[0][1:]) or "it does not say why" if rows else ""

    def _receive(self, handed: int) -> tuple[bytes, list[int], int]:
        space = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(4 * max(handed, 1))
        try:
            data, told, _, _ = self._mine.recvmsg(MAX_MESSAGE, space, socket.MSG_CMSG_CLOEXEC)
        except TimeoutError:
            raise UnavailableError("training_sandbox_late", "the sandbox did not start in time") from None
        except OSError as fault:
            raise _died() from fault
        numbers, pid = array.array("i"), 0
        for level, kind, value in told:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers.frombytes(value[: len(value) - len(value) % numbers.itemsize])
            elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                pid = _CREDENTIALS.unpack(value)[0]
        return data, list(numbers), pid


def _rows(data: bytes) -> list[list[str]]:
    return [row.split("\t") for row in data.decode("utf-8", "replace").splitlines()]


def _numbers(rows: list[list[str]], word: str, count: int) -> list[int]:
    """Return the numbers of the first row, which begins with ``word``."""
    if not rows or rows[0][0] != word or len(rows[0]) != count + 1 or not all(one.isdecimal() for one in rows[0][1:]):
        raise _died(rows)
    return [int(one) for one in rows[0][1:]]


def _died(rows: list[list[str]] | None = None) -> UnavailableError:
    why = f": {' '.join(rows[0][1:])[:300]}" if rows and rows[0][0] == "fault" else ""
    return UnavailableError("training_sandbox_died", f"the sandbox ended before it was ready{why}")
