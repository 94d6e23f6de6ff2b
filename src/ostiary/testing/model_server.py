"""A model behind HTTP, in a thread: it answers what a function says, and remembers what it was asked.

with FakeModel(lambda rows: [row["amount"] > 100 for row in rows]) as model:
    httpx.post(model.url, json={"instances": [{"amount": 7}]})
"""

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from typing_extensions import override

Rows = list[dict[str, Any]]
Predict = Callable[[Rows], Sequence[Any]]
_JOIN_S: Final = 10.0


class FakeModel:
    """One model on a free port of this machine."""

    def __init__(self, predict: Predict) -> None:
        """Answer with what ``predict`` says; it may be replaced at any time."""
        self.predict = predict
        self.asked: list[Rows] = []
        self.headers: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1/models/m:predict"

    def __enter__(self) -> Self:
        """Start it."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_JOIN_S)


def _handler(model: FakeModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet for head and body: two would wait for each other's acknowledgement
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            model.headers.append({name.lower(): value for name, value in self.headers.items()})
            rows = json.loads(body)["instances"]
            model.asked.append(rows)
            content = json.dumps({"predictions": list(model.predict(rows)), "model_version": "secret"}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        @override
        def log_message(self, *_: object) -> None:
            """Be silent."""

    return Handler
