"""Sends many bytes from a thread straight to a socket, with one buffer and without the loop.

- A thread reads a piece and sends it, over and over: no piece waits in Python's memory, and the loop that decides
  does nothing meanwhile.
- A caller that does not take what is sent gives its thread back after a moment, and waits on the loop, for so long as
  it may: slow callers cost a socket, not a thread.
"""

import asyncio
import os
import select
import socket
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

THREADS: Final = 32
EXECUTOR: Final = ThreadPoolExecutor(THREADS, "bulk")
_MOMENT_MS: Final = 20


class Sent:
    """How many bytes have left so far."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        """Begin at none."""
        self.count = 0


Bulk = Callable[[Iterator[memoryview], Sent, float], Awaitable[None]]
"""Sends pieces past the loop; what a connection offers as ``bulk`` in its scope, where it can."""


async def pump(handle: int, pieces: Iterator[memoryview], sent: Sent, stall_s: float) -> None:
    """Send pieces on the socket ``handle``, to which nobody else may write meanwhile.

    Raises:
        TimeoutError: the other side took nothing for ``stall_s``.
        ConnectionError: it went away.
        OstiaryError: a piece could not be had.
    """
    loop = asyncio.get_running_loop()
    one = _Pump(handle, pieces, sent)
    try:
        while not await _in_thread(loop, one):
            await _writable(loop, one.handle, stall_s)
    finally:
        one.close()


class _Pump:
    """Sends from a thread; the thread lets go when the other side is slow."""

    def __init__(self, handle: int, pieces: Iterator[memoryview], sent: Sent) -> None:
        self._socket = socket.socket(fileno=os.dup(handle))
        self._socket.settimeout(0)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLOUT)
        self._pieces = pieces
        self._rest = memoryview(b"")
        self._sent = sent
        self.stopped = False

    @property
    def handle(self) -> int:
        return self._socket.fileno()

    def push(self) -> bool:
        """Send until all is sent or the other side is slow; return whether it is over."""
        while not self.stopped:
            if not self._rest:
                piece = next(self._pieces, None)
                if piece is None:
                    return True
                self._rest = piece
            try:
                count = self._socket.send(self._rest)
            except BlockingIOError:
                if not self._poll.poll(_MOMENT_MS):
                    return False
                continue
            self._sent.count += count
            self._rest = self._rest[count:]
        return True

    def close(self) -> None:
        self._socket.close()


async def _in_thread(loop: asyncio.AbstractEventLoop, one: _Pump) -> bool:
    work = loop.run_in_executor(EXECUTOR, one.push)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        one.stopped = True  # the thread must have let go before the socket is closed
        await asyncio.wait([work])
        raise


def _settle(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


async def _writable(loop: asyncio.AbstractEventLoop, handle: int, stall_s: float) -> None:
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(handle, _settle, ready)
    try:
        async with asyncio.timeout(stall_s):
            await ready
    finally:
        loop.remove_writer(handle)
