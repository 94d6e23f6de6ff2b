"""A fake of OPA's REST API for tests: it answers what it is told to, and is no policy engine.

>>> from urllib.request import Request, urlopen
>>> with FakeOpa() as fake:
...     fake.answers["ostiary/guardrails/decision"] = {"allow": [{"rule": "yes"}]}
...     place = f"{fake.url}/v1/data/ostiary/guardrails/decision"
...     urlopen(Request(place, b'{"input": {}}')).read()
b'{"result":{"allow":[{"rule":"yes"}]}}'
"""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import msgspec
from typing_extensions import override


class _QuietServer(ThreadingHTTPServer):
    """Says nothing of callers that hang up: a caller with a deadline does."""

    daemon_threads = True

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent."""


class FakeOpa:
    """Serves ``/v1/data/<path>`` on loopback from `answers`.

    Attributes:
        answers: path → result; a missing path is answered as undefined, ``{}``.
        raw: when set, every answer is these bytes.
        status: status of every answer.
        delay_s: how long it keeps callers waiting.
        revision: told as the revision of bundle ``fake`` where provenance is asked for; empty tells none.
        seen: (path, parameters, headers in lower case, body) of every request.
    """

    def __init__(self) -> None:
        """Take a free port; `__enter__` starts to serve."""
        self.answers: dict[str, Any] = {}
        self.raw: bytes | None = None
        self.status = 200
        self.delay_s = 0.0
        self.revision = ""
        self.seen: list[tuple[str, dict[str, list[str]], dict[str, str], Any]] = []
        self._server = _QuietServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Start to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, path: str, parameters: dict[str, list[str]]) -> bytes:
        if self.raw is not None:
            return self.raw
        body: dict[str, Any] = {"result": self.answers[path]} if path in self.answers else {}
        if self.revision and parameters.get("provenance") == ["true"]:
            body["provenance"] = {"version": "fake", "bundles": {"fake": {"revision": self.revision}}}
        return msgspec.json.encode(body)

    def _handler(fake) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's below
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                fake.seen.append((parts.path, parse_qs(parts.query), headers, msgspec.json.decode(body)))
                time.sleep(fake.delay_s)
                answer = fake._answer(parts.path.removeprefix("/v1/data/"), parse_qs(parts.query))
                self.send_response(fake.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            @override
            def log_message(self, format: str, *args: Any) -> None:
                """Stay silent."""

        return Handler
