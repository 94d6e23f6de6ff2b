"""The HTTP/1.1 connection: uvicorn's httptools protocol with limits, and with the client's certificate in the scope.

1. Headers have a size limit and a time limit; a body that never ends is the application's to time out, or ours once
   the application has answered without reading it.
2. ``scope["extensions"]["ostiary"]["client_cert_sha256"]`` is the certificate that this very TLS connection proved;
   it never comes from a header; ``abort`` beside it cuts the connection off at once, and ``bulk``, where there is no
   TLS, sends many bytes past the loop (``server.pumping``).
3. A request that is no HTTP is answered in the shape of every other refusal, and never logged line by line:
   whoever sends rubbish must not fill the disk.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

import httptools
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ostiary.keys.hashing import sha256_hex
from ostiary.server.pumping import Sent, pump

if TYPE_CHECKING:
    from ssl import SSLObject

MAX_HEADERS: Final = 128
EXTENSION: Final = "ostiary"
_TICK_S: Final = 0.001
_BODIES: Final = {
    400: b'"this is no HTTP/1.1 request"',
    408: b'"the request did not arrive in time"',
    431: b'"the headers are too large"',
}


class LimitedProtocol(HttpToolsProtocol):
    """One connection; ``limited`` makes a subclass with the limits that were configured."""

    max_header_bytes: int = 32_768
    receive_timeout_s: float = 10.0
    on_rubbish: Callable[[int], None] = staticmethod(lambda _status: None)

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._seen = 0
        self._status = 400
        self._heading = True
        self._closed = False
        tls: SSLObject | None = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls else None
        thumbprint = sha256_hex(certificate) if certificate else None
        extension = {"client_cert_sha256": thumbprint, "abort": transport.abort, "bulk": None if tls else self._bulk}
        self._extensions: dict[str, dict[str, Any]] = {EXTENSION: extension}
        self._timer: asyncio.TimerHandle | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._arm()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._forget_rest()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._closed:
            return
        if self._heading:
            self._seen += len(data)
        super().data_received(data)
        self._watch()

    def _watch(self) -> None:
        """Keep the time limit running while a head is incomplete, and only then."""
        if self._closed or not self._heading or not self._seen:
            self._disarm()
        elif self._seen > self.max_header_bytes:
            self._refuse(431)
        elif self._timer is None:
            self._arm()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._heading = True
        self._size = 0
        cast("dict[str, Any]", self.scope)["extensions"] = self._extensions

    @override
    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)
        if len(self.headers) > MAX_HEADERS:
            self._too_large()

    @override
    def on_headers_complete(self) -> None:
        self._heading = False
        self._seen = 0
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._heading = True
        self._forget_rest()
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._heading and self._rest is None and not self.transport.is_closing():
            self._rest = self.loop.call_later(self.receive_timeout_s, self.transport.close)

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(self._status)

    @override
    def _unsupported_upgrade_warning(self) -> None:
        # Deliberately silent: an upgrade that nobody offers is ignored (RFC 9110 §7.8), and not worth a log line.
        return

    async def _bulk(self, pieces: Iterator[memoryview], sent: Sent, stall_s: float) -> None:
        """Send pieces of the running response's body straight to the socket, after what was written before."""
        cycle: RequestResponseCycle = self.cycle
        before = sent.count
        async with asyncio.timeout(stall_s):
            # The head, which is as a rule gone at once; nobody tells when a transport has nothing left to write.
            while self.transport.get_write_buffer_size() and not cycle.disconnected:  # noqa: ASYNC110
                await asyncio.sleep(_TICK_S)
        if cycle.disconnected:
            raise ConnectionResetError
        try:
            await pump(self.transport.get_extra_info("socket").fileno(), pieces, sent, stall_s)
        finally:
            cycle.expected_content_length -= sent.count - before

    def _count(self, length: int) -> None:
        self._size += length
        if self._size > self.max_header_bytes:
            self._too_large()

    def _too_large(self) -> None:
        self._status = 431
        raise httptools.HttpParserError("headers too large")

    def _refuse(self, status: int) -> None:
        """Answer ``status`` and close; whole requests that came earlier on this connection are answered first."""
        self._closed = True
        self._disarm()
        self.on_rubbish(status)
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False
                return
            cycle.disconnected = True
            cycle.message_event.set()
        if cycle is None or cycle.response_complete or not cycle.response_started:
            body = _BODIES[status]
            head = STATUS_LINE[status] + b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
            self.transport.write(head + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _forget_rest(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _arm(self) -> None:
        self._timer = self.loop.call_later(self.receive_timeout_s, self._late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self._seen:
            self._refuse(408)
        else:
            self.transport.close()


def limited(
    max_header_bytes: int, receive_timeout_s: float, on_rubbish: Callable[[int], None]
) -> type[LimitedProtocol]:
    """Return the protocol with these limits; ``on_rubbish`` is told the status of each request that was no HTTP."""
    members = {
        "max_header_bytes": max_header_bytes,
        "receive_timeout_s": receive_timeout_s,
        "on_rubbish": staticmethod(on_rubbish),
    }
    return type("ServerProtocol", (LimitedProtocol,), members)
