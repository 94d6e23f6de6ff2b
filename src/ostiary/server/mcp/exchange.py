"""One request of an MCP client, passed on and answered: JSON as JSON, a stream as a stream, every message judged."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

import httpx
import msgspec

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.gateway.mcp.frames import EventReader, write_event
from ostiary.gateway.mcp.guard import Guard
from ostiary.gateway.mcp.message import MAX_BYTES, Message, read_message
from ostiary.gateway.mcp.ports import Passage, Side
from ostiary.gateway.mcp.replies import UNREACHABLE, error
from ostiary.server.mcp.marks import Marks
from ostiary.server.mcp.upstream import Upstream
from ostiary.server.wire import Reply, StreamReply

STREAM: Final = "text/event-stream"
SESSION: Final = "mcp-session-id"
_BACK: Final = ("mcp-session-id", "mcp-protocol-version", "retry-after", "allow")
_OK: Final = 200
_REDIRECT: Final = 300
_CLIENT: Final = 400
_CHECK_S: Final = 0.5
# Of one request alone: an answer to the server's own question is another.
_OF_THE_REQUEST: Final = frozenset({"mcp-method", "mcp-name", "last-event-id"})


class Exchange:
    """One request at one server."""

    def __init__(
        self,
        guard: Guard,
        upstream: Upstream,
        headers: Mapping[str, str],
        side: Callable[[], Side],
        over: Callable[[], bool],
        marks: Marks,
    ) -> None:
        """Judge by ``guard``; ``over`` tells whether the caller's right to a stream has ended."""
        self._marks = marks
        self._guard = guard
        self._upstream = upstream
        self._headers = headers
        self._side = side
        self._over = over

    async def pass_on(
        self, method: str, message: Message | None, decision_id: str, began: Callable[[str], None]
    ) -> Reply | StreamReply:
        """Send a message (or the request for a stream) on, and return what comes back, judged.

        Raises:
            UnavailableError: the server does not answer.
            FaultyInputError: its answer cannot be read.
        """
        body = msgspec.json.encode(message.whole) if message is not None else b""
        opened = self._upstream.ask(method, self._headers, body)
        response = await opened.__aenter__()
        streams = False
        try:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            connection = response.headers.get(SESSION, "")
            if response.status_code < _REDIRECT and connection:
                began(connection)
            streams = response.status_code == _OK and kind == STREAM
            if streams:
                events = self._events(response, connection, message, decision_id)
                chunks = _Closing(events, lambda: opened.__aexit__(None, None, None))
                return StreamReply(_OK, chunks, (*_headers(response), (b"content-type", STREAM.encode())))
            return await self._plain(response, message, decision_id)
        finally:
            if not streams:
                await opened.__aexit__(None, None, None)

    async def _plain(self, response: httpx.Response, asked: Message | None, decision_id: str) -> Reply:
        raw = await _whole(response)
        if _REDIRECT <= response.status_code < _CLIENT:
            raise FaultyInputError("mcp_message_invalid", "the MCP server leads elsewhere")
        if not raw:
            return Reply(response.status_code, b"", _headers(response))
        passage = await self._judged(read_message(raw), asked, decision_id)
        told = passage.forward if passage is not None else None
        if told is None:
            told = error(
                asked.id if asked else None, UNREACHABLE, "the server answered nothing that may pass", "mcp_no_answer"
            )
        return Reply(
            response.status_code,
            msgspec.json.encode(told),
            (*_headers(response), (b"content-type", b"application/json")),
        )

    async def _events(
        self, response: httpx.Response, connection: str, asked: Message | None, decision_id: str
    ) -> AsyncIterator[bytes]:
        reader, side = EventReader(), self._side()
        owner = f"{side.tenant}|{side.subject}|{side.server}|{connection or self._headers.get(SESSION, '')}"
        try:
            async for piece in _watched(response.aiter_raw(), self._over):
                for event in reader.feed(piece):
                    told = await self._one(event.data, asked, decision_id)
                    mark = self._marks.give(owner, event.id)
                    if told or (told is not None and mark):
                        yield write_event(told, mark, event.retry)
        except OstiaryError as fault:
            last = error(asked.id if asked else None, UNREACHABLE, fault.message, fault.code)
            yield write_event(msgspec.json.encode(last))

    async def _one(self, data: str, asked: Message | None, decision_id: str) -> bytes | None:
        """Return what goes on of one event: nothing of one that only primes a stream, ``None`` of what may not."""
        if not data.strip():
            return b""
        passage = await self._judged(read_message(data.encode()), asked, decision_id)
        return None if passage is None or passage.forward is None else msgspec.json.encode(passage.forward)

    async def _judged(self, message: Message, asked: Message | None, decision_id: str) -> Passage | None:
        passage = await self._guard.from_server(self._side(), message, asked, decision_id)
        if passage.reply is not None:  # the server asked for what it may not have: it is told, not the client
            headers = {name: value for name, value in self._headers.items() if name not in _OF_THE_REQUEST}
            async with self._upstream.ask("POST", headers, msgspec.json.encode(passage.reply)):
                pass  # what it says to that is nobody's
        return passage


class _Closing:
    """Pieces of a stream whose connection is closed with them, even if nobody ever asked for the first."""

    def __init__(self, pieces: AsyncIterator[bytes], close: Callable[[], Awaitable[object]]) -> None:
        self._pieces = pieces
        self._close: Callable[[], Awaitable[object]] | None = close

    def __aiter__(self) -> "_Closing":
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        close, self._close = self._close, None
        try:
            await getattr(self._pieces, "aclose")()  # noqa: B009 - an iterator need not have it, a generator has
        finally:
            if close is not None:
                await close()


async def _watched(pieces: AsyncIterator[bytes], over: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Yield pieces until the caller's right ends; it is looked at twice a second, also while nothing comes."""
    waiting: asyncio.Future[bytes] | None = None
    try:
        while True:
            waiting = asyncio.ensure_future(anext(pieces))
            while not (await asyncio.wait({waiting}, timeout=_CHECK_S))[0]:
                _check(over)
            try:
                piece = waiting.result()
            except StopAsyncIteration:
                return
            except httpx.HTTPError as fault:
                raise FaultyInputError(
                    "mcp_stream_broken", f"the MCP server's stream broke: {type(fault).__name__}"
                ) from fault
            _check(over)
            yield piece
    finally:
        if waiting is not None and not waiting.done():
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


def _check(over: Callable[[], bool]) -> None:
    if over():
        raise FaultyInputError("session_over", "the session is over, and with it this stream")


async def _whole(response: httpx.Response) -> bytes:
    raw = bytearray()
    async for piece in response.aiter_raw():
        raw += piece
        if len(raw) > MAX_BYTES:
            raise FaultyInputError("mcp_message_too_large", f"a message has at most {MAX_BYTES} bytes")
    return bytes(raw)


def _headers(response: httpx.Response) -> tuple[tuple[bytes, bytes], ...]:
    found = ((name, response.headers.get(name)) for name in _BACK)
    return tuple((name.encode(), value.encode("latin-1")) for name, value in found if value is not None)
