"""A token that makes us ask its issuer for keys makes nobody else wait."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

SLOW_S = 1.5


class SlowIssuer(BaseHTTPRequestHandler):
    asked = threading.Event()

    def do_GET(self) -> None:
        self.asked.set()
        time.sleep(SLOW_S)
        self.send_response(503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowIssuer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/jwks"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], issuer: str) -> Any:
    told = {"issuer": "https://idp.example", "audience": "ostiary", "jwks_url": issuer}
    server = start_server(identity={"issuers": [told], "allow_http_loopback": True})
    pep = {"pep_id": "workload", "token_issuer": "https://idp.example", "token_subject": "gateway"}
    server.admin("POST", "/tenants/default/peps", json=pep).raise_for_status()
    return server


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_strangers_token_does_not_stop_the_loop(server: Any) -> None:
    head, body = {"alg": "ES256", "typ": "at+jwt", "kid": "unknown"}, {"iss": "https://idp.example", "sub": "gateway"}
    token = f"{part(head)}.{part(body)}.AAAA"
    ask = lambda: server.post("evaluation", "{}", Authorization=f"Bearer {token}")  # noqa: E731
    stranger = threading.Thread(target=ask)
    stranger.start()
    assert SlowIssuer.asked.wait(5)
    started = time.monotonic()
    assert server.client.get("/healthz").status_code == 200
    assert time.monotonic() - started < SLOW_S / 3
    stranger.join()
