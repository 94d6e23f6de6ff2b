"""Decision points that misbehave, and feeds that are told what to say."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

ALLOWED = {"decision": True, "context": {"id": "dec_1", "effect": "ALLOW", "reasons": ["rule:may"]}}
Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


class FakePdp:
    """A decision point on a free port; ``answer`` says what it does with a question."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: Answer = say()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                fake.asked.append(json.loads(body))
                fake.answer(self, body)

            def do_GET(self) -> None:
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def say(
    told: object = ALLOWED,
    status: int = 200,
    kind: str = "application/json",
    *,
    echo: bool = True,
    raw: bytes | None = None,
    **headers: str,
) -> Answer:
    """Return what answers every question with ``told``."""

    def answer(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        content = json.dumps(told).encode() if raw is None else raw
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        if echo:
            handler.send_header("X-Request-ID", handler.headers["x-request-id"])
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@pytest.fixture
def pdp() -> Iterator[FakePdp]:
    fake = FakePdp()
    yield fake
    fake.close()
