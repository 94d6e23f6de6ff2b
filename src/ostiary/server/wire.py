"""One HTTP request read from ASGI, and one reply written to it, without a framework in between.

- A header that decides something may come once only: two different ones would be read differently by two servers.
- A body is read up to its limit and in limited time; beyond either the connection is closed after the answer.
- Every reply says how long it is, forbids caches and sniffing, and echoes ``X-Request-ID`` unchanged.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.server.protocol import EXTENSION
from ostiary.vocabulary.reasons import Reason

if TYPE_CHECKING:
    from ostiary.server.pumping import Bulk

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]

JSON: Final = (b"content-type", b"application/json")
CLOSE: Final = (b"connection", b"close")
BODY_LATE: Final = "body_late"
MAX_QUERY: Final = 32
_MAX_DIGITS: Final = 12
_JWT_DOTS: Final = 2
_READ: Final = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"idempotency-key",
        b"if-match",
        b"if-none-match",
        b"if-range",
        b"range",
        b"repr-digest",
        b"x-request-id",
    }
)
_COMMON: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class Reply(msgspec.Struct, frozen=True):
    """One reply; ``headers`` come in addition to those that every reply has."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)

    async def send(self, send: Send, request_id: bytes | None = None) -> None:
        """Write the reply."""
        headers = [*self.headers, (b"content-length", b"%d" % len(self.body))]
        names = {name for name, _ in self.headers}
        headers += [header for header in _COMMON if header[0] not in names]
        if request_id is not None:
            headers.append((b"x-request-id", request_id))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class StreamReply(msgspec.Struct, frozen=True):
    """A reply whose body comes piece by piece, for as long as the caller stays; ``chunks`` is closed at the end.

    A caller that does not take a piece within ``stall_s`` is cut off by ``abort``: a connection that is merely closed
    would wait for it for ever.
    """

    status: int
    chunks: AsyncIterator[bytes]
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"text/event-stream"),)
    stall_s: float | None = None
    abort: Callable[[], None] = lambda: None

    async def send(self, send: Send, request_id: bytes | None = None) -> None:
        """Write the reply until its pieces end."""
        headers = [*self.headers, *_COMMON]
        if request_id is not None:
            headers.append((b"x-request-id", request_id))
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            async for chunk in self.chunks:
                async with asyncio.timeout(self.stall_s):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            self.abort()
        finally:
            close = getattr(self.chunks, "aclose", None)
            if close is not None:
                await close()


def json_reply(status: int, value: object, *headers: tuple[bytes, bytes]) -> Reply:
    """Return a reply with ``value`` as JSON."""
    return Reply(status, msgspec.json.encode(value), (JSON, *headers))


class Request:
    """The parts of one request that decide something."""

    __slots__ = (
        "_headers",
        "_query",
        "_raw",
        "_receive",
        "abort",
        "bulk",
        "certificate",
        "method",
        "path",
        "peer",
        "raw_path",
        "twice",
    )

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Read the head; a header that came twice is remembered as ``twice``."""
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: str = scope.get("raw_path", b"").decode("latin-1") or self.path
        client = scope.get("client")
        self.peer: str | None = client[0] if client else None
        extension = scope.get("extensions", {}).get(EXTENSION, {})
        self.certificate: str | None = extension.get("client_cert_sha256")
        self.abort: Callable[[], None] = extension.get("abort", _nothing)
        self.bulk: Bulk | None = extension.get("bulk")
        self.twice: str = ""
        self._raw: RawHeaders = scope["headers"]
        self._receive = receive
        self._query: bytes = scope.get("query_string", b"")
        self._headers: dict[bytes, bytes] = {}
        for name, value in self._raw:
            if name in _READ:
                if name in self._headers:
                    self.twice = name.decode()
                self._headers[name] = value

    @property
    def target(self) -> str:
        """Path and query as they were sent."""
        return self.raw_path + (f"?{self._query.decode('latin-1')}" if self._query else "")

    @property
    def query(self) -> dict[str, str]:
        """The members of the query string, at most ``MAX_QUERY`` of them.

        Raises:
            FaultyInputError: ``request_invalid``: one came twice, there are too many, or it is no UTF-8.
        """
        return query_of(self._query)

    async def gone(self) -> None:
        """Return when the caller has left; to be awaited only after the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            continue

    @property
    def raw_headers(self) -> RawHeaders:
        """All headers as they came."""
        return self._raw

    @property
    def request_id(self) -> bytes | None:
        """The caller's ``X-Request-ID``, unchanged."""
        return self._headers.get(b"x-request-id")

    def header(self, name: bytes) -> str | None:
        """Return one of the headers that decide something."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    def bears_jwt(self) -> bool:
        """Return whether the caller presents a JWT: three parts, where an API key has two."""
        return self._headers.get(b"authorization", b"").count(b".") >= _JWT_DOTS

    def is_json(self) -> bool:
        """Return whether the content type is JSON, with or without parameters."""
        kind = self._headers.get(b"content-type", b"")
        return kind == b"application/json" or kind.partition(b";")[0].strip().lower() == b"application/json"

    async def body(self, max_bytes: int, timeout_s: float) -> bytes:
        """Read the whole body.

        Raises:
            FaultyInputError: ``body_too_large``, ``body_late``, or ``body_malformed`` when it ended early.
        """
        declared = self._headers.get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > _MAX_DIGITS or int(declared) > max_bytes:
            raise _too_large(max_bytes)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._whole(max_bytes)
        except TimeoutError:
            raise FaultyInputError(BODY_LATE, "the body did not arrive in time") from None

    async def chunks(self, max_bytes: int, timeout_s: float) -> AsyncIterator[bytes]:
        """Yield the body as it comes; ``timeout_s`` is for each piece.

        Raises:
            FaultyInputError: ``body_too_large``, ``body_late``, or ``body_malformed`` when it ended early.
        """
        declared = self._headers.get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > _MAX_DIGITS or int(declared) > max_bytes:
            raise _too_large(max_bytes)
        length, more = 0, True
        while more:
            try:
                async with asyncio.timeout(timeout_s):
                    message = await self._receive()
            except TimeoutError:
                raise FaultyInputError(BODY_LATE, "the body did not arrive in time") from None
            if message["type"] == "http.disconnect":
                raise FaultyInputError(Reason.BODY_MALFORMED.value, "the body ended early")
            part: bytes = message.get("body", b"")
            length, more = length + len(part), bool(message.get("more_body", False))
            if length > max_bytes:
                raise _too_large(max_bytes)
            if part:
                yield part

    async def _whole(self, max_bytes: int) -> bytes:
        parts: list[bytes] = []
        length = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise FaultyInputError(Reason.BODY_MALFORMED.value, "the body ended early")
            part: bytes = message.get("body", b"")
            length += len(part)
            if length > max_bytes:
                raise _too_large(max_bytes)
            parts.append(part)
            if not message.get("more_body", False):
                return part if len(parts) == 1 else b"".join(parts)


def _nothing() -> None:
    """Cut off nobody: this connection is not ours."""


def _too_large(max_bytes: int) -> FaultyInputError:
    return FaultyInputError(Reason.BODY_TOO_LARGE.value, f"the body is longer than the {max_bytes} bytes allowed")


def query_of(raw: bytes) -> dict[str, str]:
    """Return the members of a query string.

    Raises:
        FaultyInputError: ``request_invalid``.
    """
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_QUERY, errors="strict")
    except ValueError:
        raise FaultyInputError(Reason.REQUEST_INVALID.value, "the query string is malformed") from None
    members = dict(pairs)
    if len(members) != len(pairs):
        raise FaultyInputError(Reason.REQUEST_INVALID.value, "a member of the query string came twice")
    return members
