"""Replies of many bytes, counted to the byte, and cut off when they must not go on.

- Where the connection offers it the bytes go past the loop (``server.pumping``); where nobody may write to the socket
  behind the loop's back (TLS), they go through it like any others.
- ``ended`` is told exactly once how many bytes left, also when the caller broke off or the store failed: what was read
  is what is recorded.
- A reply that cannot be finished is cut off: fewer bytes than were promised, never others.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.server.pumping import EXECUTOR, Bulk, Sent
from ostiary.server.wire import Send

SLOWEST: Final = 65_536  # bytes in a second: whoever is slower for long holds files and sockets for nothing
Header = tuple[bytes, bytes]


class BulkReply(msgspec.Struct, frozen=True):
    """One reply whose bytes come from an iterator that may block.

    Attributes:
        status: of HTTP.
        pieces: a piece is good until the next one is asked for; nothing is asked for HEAD.
        length: how many bytes they are together.
        headers: in addition to those that every reply has.
        head: whether only the head is wanted.
        stall_s: how long the caller may take nothing; all of it may take as long as ``SLOWEST`` allows.
        bulk: the connection's way past the loop.
        abort: cuts the connection off.
        ended: told how many bytes left, and the fault that ended it, if any; must not block.
    """

    status: int
    pieces: Iterator[memoryview]
    length: int
    headers: tuple[Header, ...]
    head: bool = False
    stall_s: float = 30.0
    bulk: Bulk | None = None
    abort: Callable[[], None] = lambda: None
    ended: Callable[[int, BaseException | None], None] = lambda _count, _fault: None

    async def send(self, send: Send, request_id: bytes | None = None) -> None:
        """Write the reply."""
        headers = [*self.headers, (b"content-length", b"%d" % self.length), (b"cache-control", b"no-store")]
        headers.append((b"x-content-type-options", b"nosniff"))
        if request_id is not None:
            headers.append((b"x-request-id", request_id))
        sent = Sent()
        fault: BaseException | None = None
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            if not self.head and self.length:
                async with asyncio.timeout(self.stall_s + self.length / SLOWEST):
                    await self._send(send, sent)
            if self.head or sent.count == self.length:
                await send({"type": "http.response.body", "body": b""})
            else:
                self.abort()
        except (OstiaryError, TimeoutError, ConnectionError) as no:
            fault = no
            self.abort()
        except BaseException as no:
            fault = no
            self.abort()
            raise
        finally:
            self.ended(sent.count, fault)

    async def _send(self, send: Send, sent: Sent) -> None:
        if self.bulk is not None:
            await self.bulk(self.pieces, sent, self.stall_s)
            return
        loop = asyncio.get_running_loop()
        while (piece := await loop.run_in_executor(EXECUTOR, _copied, self.pieces)) is not None:
            # Counted as it is handed over: of a piece that the connection does not get rid of, most may have arrived.
            sent.count += len(piece)
            async with asyncio.timeout(self.stall_s):
                await send({"type": "http.response.body", "body": piece, "more_body": True})


def in_background(work: Callable[[], None], on_fault: Callable[[BaseException], None]) -> None:
    """Do something that may block, after the answer, on the threads that send."""

    def done(future: Future[None]) -> None:
        fault = future.exception()
        if fault is not None:
            on_fault(fault)

    EXECUTOR.submit(work).add_done_callback(done)


def _copied(pieces: Iterator[memoryview]) -> bytes | None:
    piece = next(pieces, None)
    return None if piece is None else bytes(piece)
