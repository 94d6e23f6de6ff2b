"""A server that speaks OpenAI's protocol: asked at the one address that is configured, through kept connections.

- Nothing of the caller's goes on but the body that was rebuilt: no header, no token, no address, no query.
- Where it is comes from the settings alone; a name is looked up for each connection, off the loop. ``https``, or plain
  ``http`` to this machine or where the settings say so.
- The key is read from its file when a connection begins, and stands in no record, message or ``repr``.
- A kept connection that was closed meanwhile is replaced once; a question that was begun is never sent twice.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from weakref import WeakSet

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.gateway.openai.events import DONE, MALFORMED, EventReader, decoded
from ostiary.gateway.upstreams.connection import Connection
from ostiary.gateway.upstreams.faults import FAILED, LATE, UpstreamSaidNoError, said_no
from ostiary.gateway.upstreams.ports import ToUpstream
from ostiary.vocabulary.unreadable import UNREADABLE

PATHS: Final = {"chat": "/chat/completions", "responses": "/responses", "embeddings": "/embeddings"}
DECISION_HEADER: Final = "ostiary-decision"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ENDING_S: Final = 1.0
_MAX_ERROR: Final = 65_536
_encode: Final = msgspec.json.Encoder().encode


class HttpSettings(msgspec.Struct, frozen=True):
    """One server.

    Attributes:
        name: in messages to administrators.
        base_url: such as ``https://api.openai.com/v1``.
        key: returns the key, or an empty text.
        ca_file: authorities that are believed; empty takes the system's.
        plain: whether ``http`` to another machine is allowed.
        connect_s, first_s, idle_s: longest time for a connection, for the head of an answer, between two pieces of it.
        connections: most connections at once; further questions wait.
        max_answer: most bytes of a whole answer; of a stream, of one event.
        idle: kept connections at most.
    """

    name: str
    base_url: str
    key: Callable[[], str] = str
    ca_file: str = ""
    plain: bool = False
    connect_s: float = 5.0
    first_s: float = 120.0
    idle_s: float = 60.0
    connections: int = 256
    max_answer: int = 8_388_608
    max_event: int = 1_048_576
    idle: int = 32


class HttpUpstream:
    """One server, from the loop of one worker."""

    def __init__(self, settings: HttpSettings) -> None:
        """Check where it is.

        Raises:
            FaultyInputError: ``upstream_invalid``.
        """
        self._settings = settings
        self._host, self._port, self._tls, self._base = _place(settings)
        self._idle: list[Connection] = []
        self._open: WeakSet[Connection] = WeakSet()
        self._room = asyncio.Semaphore(settings.connections)
        self._context: ssl.SSLContext | None = None
        shown = f"[{self._host}]" if ":" in self._host else self._host
        usual = 443 if self._tls else 80
        self._authority = shown if self._port == usual else f"{shown}:{self._port}"

    async def whole(self, asked: ToUpstream) -> dict[str, Any]:
        """Return the whole answer; see ``LlmUpstream``."""
        body, settings = bytearray(), self._settings
        async with self._asking(asked, "application/json") as connection:
            while (piece := await _within(settings.idle_s, connection.piece())) is not None:
                body += piece
                if len(body) > settings.max_answer:
                    text = f"the answer of the model's server has more than {settings.max_answer} bytes"
                    raise UnavailableError(MALFORMED, text)
        return _object(bytes(body))

    async def events(self, asked: ToUpstream) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the events of an answer; see ``LlmUpstream``."""
        reader, settings = EventReader(self._settings.max_event), self._settings
        async with self._asking(asked, "text/event-stream") as connection:
            while (piece := await _within(settings.idle_s, connection.piece())) is not None:
                for event in reader.feed(piece):
                    if event == DONE:
                        connection.ending = True
                        return
                    yield decoded(event)

    async def close(self) -> None:
        """Close all kept connections."""
        for connection in list(self._open):
            connection.abort()
        self._idle.clear()

    @asynccontextmanager
    async def _asking(self, asked: ToUpstream, kind: str) -> AsyncIterator[Connection]:
        async with self._room:
            connection = await self._asked(asked, kind)
            asked.stop.on(connection.abort)
            try:
                await self._head(connection, kind)
                yield connection
            finally:
                asked.stop.on(_nothing)
                self._keep(connection)

    async def _asked(self, asked: ToUpstream, kind: str) -> Connection:
        body = _encode(asked.body)
        head = self._request(asked, kind, len(body))
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable():
                connection.ask(head, body)
                return connection
            connection.abort()
        connection = await self._connect()
        connection.ask(head, body)
        return connection

    async def _head(self, connection: Connection, kind: str) -> None:
        await _within(self._settings.first_s, connection.headed())
        headers = connection.headers
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise UnavailableError(MALFORMED, "the model's server sent something compressed")
        if connection.status != 200:  # noqa: PLR2004
            raise await self._refused(connection)
        told = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if told != kind.encode():
            raise UnavailableError(MALFORMED, "the model's server sent something else than it was asked for")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or (kind == "application/json" and int(length) > self._settings.max_answer):
            raise UnavailableError(MALFORMED, "the answer of the model's server is too long")

    async def _refused(self, connection: Connection) -> UpstreamSaidNoError:
        body = bytearray()
        while len(body) <= _MAX_ERROR:
            piece = await _within(self._settings.idle_s, connection.piece())
            if piece is None:
                break
            body += piece
        wait = connection.headers.get(b"retry-after", b"").decode("latin-1")
        return said_no(connection.status, bytes(body), wait)

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        context = self._tls_context() if self._tls else None
        name = self._host if self._tls else None
        opening = loop.create_connection(Connection, self._host, self._port, ssl=context, server_hostname=name)
        try:
            async with asyncio.timeout(self._settings.connect_s):
                _, connection = await opening
        except (OSError, TimeoutError, ssl.SSLError) as fault:
            raise UnavailableError(FAILED, "the model's server cannot be reached") from fault
        self._open.add(connection)
        return connection

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context(cafile=self._settings.ca_file or None)
        return self._context

    def _request(self, asked: ToUpstream, kind: str, length: int) -> bytes:
        key = self._settings.key()
        lines = [
            f"POST {self._base}{PATHS[asked.face]} HTTP/1.1",
            f"host: {self._authority}",
            f"accept: {kind}",
            "accept-encoding: identity",
            "content-type: application/json",
            f"content-length: {length}",
            "user-agent: ostiary",
            f"{DECISION_HEADER}: {asked.decision_id}",
            *([f"authorization: Bearer {key}"] if key else []),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _keep(self, connection: Connection) -> None:
        if connection.reusable():
            self._idle_again(connection)
        elif connection.ending:  # only the end of its last chunk is still on its way
            connection.then = self._idle_again
            asyncio.get_running_loop().call_later(_ENDING_S, connection.give_up)
        else:
            connection.abort()

    def _idle_again(self, connection: Connection) -> None:
        if connection.reusable() and len(self._idle) < self._settings.idle:
            self._idle.append(connection)
        else:
            connection.abort()


def key_from(path: Path | None, fixed: str = "") -> Callable[[], str]:
    """Return what reads a key: a file, read again when it changed, or a fixed text.

    Raises:
        UnavailableError: ``upstream_key_unreadable``, when the key is asked for.
    """
    kept: tuple[int, str] = (0, "")

    def read() -> str:
        nonlocal kept
        if path is None:
            return fixed
        try:
            changed = path.stat().st_mtime_ns
            if changed != kept[0]:
                kept = (changed, path.read_text("utf-8").strip())
        except (OSError, UnicodeDecodeError) as fault:
            raise UnavailableError("upstream_key_unreadable", "the key of the model's server cannot be read") from fault
        if not kept[1].isascii() or not kept[1].isprintable():
            raise UnavailableError("upstream_key_unreadable", "the key of the model's server is no key")
        return kept[1]

    return read


def _nothing() -> None:
    """The connection is somebody else's now."""


def _place(settings: HttpSettings) -> tuple[str, int, bool, str]:
    url, parts = settings.base_url, urlsplit(settings.base_url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    fine = bool(host) and not parts.username and not parts.password and not parts.query and not parts.fragment
    if not fine or not url.isascii() or not url.isprintable() or " " in url or parts.scheme not in {"http", "https"}:
        raise _invalid(settings.name, "`base_url` is no address")
    if parts.scheme == "http" and host not in _LOOPBACK and not settings.plain:
        raise _invalid(settings.name, "`base_url` must begin with https, for the key is in every request")
    tls = parts.scheme == "https"
    return str(host), port or (443 if tls else 80), tls, parts.path.rstrip("/")


def _invalid(name: str, why: str) -> FaultyInputError:
    return FaultyInputError("upstream_invalid", f"upstream `{name}`: {why}")


async def _within(seconds: float, work: Any) -> Any:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as late:
        raise UnavailableError(LATE, "the model's server takes too long") from late


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE as fault:
        raise UnavailableError(MALFORMED, "the model's server sent no JSON") from fault
    if not isinstance(value, dict):
        raise UnavailableError(MALFORMED, "the model's server sent no object")
    return value
