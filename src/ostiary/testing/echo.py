"""An application behind a proxy that answers with what it got, line by line: fake, and fast enough to measure with."""

import asyncio
import json
import threading
from typing import Any, Final

from typing_extensions import override

_END: Final = b"\r\n\r\n"
_MAX: Final = 1_048_576


class FakeApplication:
    """Answers each request with its own request line, headers and body as JSON; ``seen`` keeps them."""

    def __init__(self) -> None:
        """Listen on a free loopback port, in a thread."""
        self.seen: list[dict[str, Any]] = []
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._loop.create_server(lambda: _Line(self), "127.0.0.1", 0))
        self.port: int = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def close(self) -> None:
        """Listen no more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


class _Line(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self, application: FakeApplication) -> None:
        self._application = application
        self._data = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    @override
    def data_received(self, data: bytes) -> None:
        self._data += data
        while self._one():
            continue
        if len(self._data) > _MAX:
            self._transport.close()

    def _one(self) -> bool:
        """Answer one request, if it is here whole."""
        head, end, rest = self._data.partition(_END)
        if not end:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        body, left = _body(dict(pairs), rest)
        if body is None:
            return False
        self._data = left
        told = {"line": first, "headers": pairs, "body": body.decode("latin-1")}
        self._application.seen.append(told)
        answer = json.dumps(told).encode()
        head_out = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer)
        self._transport.write(head_out + answer)
        return bool(self._data)


def _body(headers: dict[str, str], rest: bytes) -> tuple[bytes | None, bytes]:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        length = int(headers.get("content-length", "0"))
        return (rest[:length], rest[length:]) if len(rest) >= length else (None, rest)
    body = b""
    while True:
        size, end, after = rest.partition(b"\r\n")
        if not end or len(after) < int(size, 16) + 2:
            return None, rest
        count = int(size, 16)
        body, rest = body + after[:count], after[count + 2 :]
        if not count:
            return body, rest
