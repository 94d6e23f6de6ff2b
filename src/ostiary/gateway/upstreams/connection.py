"""One HTTP/1.1 connection to a model's server, in the loop, by httptools: heads and lengths checked while they come.

- One request at a time; what comes when nothing was asked for ends the connection, for it would answer the next one.
- Reading stops while nobody takes what came (``HIGH`` bytes): a slow caller makes a slow server, never a full memory.
- Nothing compressed is unpacked, no redirect followed, no cookie kept, no proxy asked.
"""

import asyncio
from collections import deque
from collections.abc import Callable  # noqa: TC003 - no block for one name
from typing import Final

import httptools
from typing_extensions import override

from ostiary.errors import UnavailableError
from ostiary.gateway.upstreams.faults import FAILED

MAX_HEAD: Final = 32_768
MAX_HEADERS: Final = 128
HIGH: Final = 262_144


class Connection(asyncio.Protocol):
    """One connection; at most one question is open."""

    def __init__(self) -> None:
        """Start without anything asked."""
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._pieces: deque[bytes] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._held = self._head = 0
        self._paused = self._headed = self._keeps = False
        self._fault: BaseException | None = None
        self.headers: dict[bytes, bytes] = {}
        self.status = 0
        self.whole = self.lost = self.ending = False
        self.then: Callable[[Connection], None] | None = None

    # What the loop calls.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._parser is not None and not self.whole:
            self._eof()
        self._wake()

    @override
    def eof_received(self) -> bool:
        return False

    @override
    def data_received(self, data: bytes) -> None:
        if self._parser is None or self.whole:
            self.abort()  # nobody asked: it would be read as the answer to the next question
            return
        if not self._headed:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("the model's server wants another protocol")
        except httptools.HttpParserError:
            self._fail("the model's server does not speak HTTP")
        if not self._headed and self._head > MAX_HEAD:
            self._fail("the model's server sends an endless head")
        self._wake()

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header; one that came twice must say the same."""
        name = name.lower()
        if len(self.headers) >= MAX_HEADERS or (self.headers.get(name, value) != value and name in _ONCE):
            self._fail("the model's server sends headers that nobody understands")
        self.headers[name] = value

    def on_headers_complete(self) -> None:
        """Take the end of the head."""
        if self._parser is not None:
            self.status = self._parser.get_status_code()
        if self.status < 200:  # noqa: PLR2004 - an interim answer: the real one follows
            self.headers.clear()
            return
        self._headed = True

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._pieces.append(body)
        self._held += len(body)
        if self._held > HIGH and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """Take the end of the answer."""
        if self.status >= 200:  # noqa: PLR2004
            self.whole = True
            self._keeps = self._parser is not None and self._parser.should_keep_alive()  # it forgets at the next byte
            if self.then is not None:
                then, self.then = self.then, None
                then(self)

    # What the pool calls.

    def ask(self, head: bytes, body: bytes) -> None:
        """Send one question."""
        self._parser = httptools.HttpResponseParser(self)
        self._pieces.clear()
        self.headers, self.status = {}, 0
        self._held = self._head = 0
        self._headed = self._keeps = self.whole = self.ending = False
        self._fault = None
        if self._transport is not None:
            self._transport.write(head + body)

    async def headed(self) -> None:
        """Return when the head is there.

        Raises:
            UnavailableError: it is none.
        """
        while not self._headed:
            self._check()
            await self._wait()

    async def piece(self) -> bytes | None:
        """Return the next piece of the body, or ``None`` at its proper end.

        Raises:
            UnavailableError: it broke off.
        """
        while not self._pieces:
            if self.whole:
                return None
            self._check()
            await self._wait()
        piece = self._pieces.popleft()
        self._held -= len(piece)
        if self._paused and self._held <= HIGH // 2 and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return piece

    def reusable(self) -> bool:
        """Return whether another question may be asked."""
        return self.whole and self._keeps and not self.lost and self._fault is None and not self._paused

    def give_up(self) -> None:
        """End it, if it did not come to its end meanwhile."""
        if self.then is not None:
            self.then = None
            self.abort()

    def abort(self) -> None:
        """End it at once."""
        self.lost = True
        if self._transport is not None:
            self._transport.abort()

    def _eof(self) -> None:
        """Take the end of the connection: of an answer without a length it is the end, too."""
        if self._headed and b"content-length" not in self.headers and b"transfer-encoding" not in self.headers:
            self.whole = True

    def _check(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self.lost:
            raise UnavailableError(FAILED, "the model's server closed the connection")

    def _fail(self, why: str) -> None:
        self._fault = self._fault or UnavailableError(FAILED, why)
        self.abort()

    async def _wait(self) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


_ONCE: Final = frozenset({b"content-length", b"content-type", b"content-encoding", b"transfer-encoding"})
