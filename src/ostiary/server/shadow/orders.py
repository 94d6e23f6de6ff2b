"""What a candidate's process is told and tells: one order, then records and answers, each a frame with its length.

- The parent reads no more than ``MAX_ANSWER`` bytes of one answer: a candidate cannot fill its memory.
- A process that reads or writes too late is given up; the caller kills it.
"""

import os
import select
import time
from typing import Final

import msgspec

from ostiary.decision.shadow import Compared

MAX_ANSWER: Final = 262_144
MAX_ORDER: Final = 64 << 20
_HEAD: Final = 4
_PIECE: Final = 65_536
_MS: Final = 1_000
_encode: Final = msgspec.msgpack.Encoder().encode


class Key(msgspec.Struct, frozen=True):
    """A public key whose models are believed."""

    kid: str
    pem: bytes


class Order(msgspec.Struct, frozen=True):
    """What a process is to run.

    Attributes:
        files: of the policy bundle, the very bytes that were tried out.
        bundle: the digest that they must have.
        model: folder of a candidate model; empty to keep the recorded scores.
        pinned: the digest that the model must have.
        keys: who may have signed it.
        memory_bytes: how much address space the process gets.
    """

    files: dict[str, bytes]
    bundle: str
    model: str = ""
    pinned: str = ""
    keys: tuple[Key, ...] = ()
    memory_bytes: int = 0


class Ready(msgspec.Struct, frozen=True):
    """That the process can be asked, or the code of why not."""

    fault: str = ""
    cpu_ns: int = 0


class Answer(msgspec.Struct, frozen=True):
    """One comparison, or the code of why there is none; and the processor time of the process so far."""

    compared: Compared | None = None
    fault: str = ""
    cpu_ns: int = 0


class LateError(Exception):
    """The other side did not read or write in time."""


class GoneError(Exception):
    """The other side closed its end, or wrote what is no frame."""


def frame(value: object) -> bytes:
    """Return a value as one frame."""
    body = _encode(value)
    return len(body).to_bytes(_HEAD, "big") + body


class Wire:
    """Both ends of a process's pipes, with a deadline on each frame."""

    def __init__(self, reading: int, writing: int) -> None:
        """Use these file descriptors, which become non-blocking."""
        self._in, self._out = reading, writing
        for one in (reading, writing):
            os.set_blocking(one, False)

    def send(self, value: object, within_s: float) -> None:
        """Write one frame.

        Raises:
            LateError, GoneError: it could not be written.
        """
        left, late = memoryview(frame(value)), time.monotonic() + within_s
        while left:
            _wait(late, writing=self._out)
            try:
                left = left[os.write(self._out, left[:_PIECE]) :]
            except BlockingIOError:
                continue
            except OSError as fault:
                raise GoneError from fault

    def receive(self, within_s: float) -> bytes:
        """Return one frame's body.

        Raises:
            LateError, GoneError: it did not come, or not whole.
        """
        late = time.monotonic() + within_s
        size = int.from_bytes(self._exactly(_HEAD, late), "big")
        if size > MAX_ANSWER:
            raise GoneError
        return self._exactly(size, late)

    def _exactly(self, size: int, late: float) -> bytes:
        found = bytearray()
        while len(found) < size:
            _wait(late, reading=self._in)
            try:
                piece = os.read(self._in, size - len(found))
            except BlockingIOError:
                continue
            except OSError as fault:
                raise GoneError from fault
            if not piece:
                raise GoneError
            found += piece
        return bytes(found)


def _wait(late: float, reading: int | None = None, writing: int | None = None) -> None:
    poll = select.poll()  # `select` itself knows no descriptor above a thousand
    if reading is not None:
        poll.register(reading, select.POLLIN)
    if writing is not None:
        poll.register(writing, select.POLLOUT)
    left = late - time.monotonic()
    if left <= 0 or not poll.poll(left * _MS):
        raise LateError
