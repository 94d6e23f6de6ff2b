"""Listeners are judged anew each time: an enforcement point that was switched off hears nothing more."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from ostiary.server.response_parts import PepTokens


class Ear(BaseHTTPRequestHandler):
    """Takes every event token."""

    def do_POST(self) -> None:
        told: list[bytes] = self.server.told  # type: ignore[attr-defined]
        told.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_told: object) -> None:
        """Say nothing."""


@contextmanager
def ear() -> Iterator[tuple[str, list[bytes]]]:
    told: list[bytes] = []
    server = HTTPServer(("127.0.0.1", 0), Ear)
    server.told = told  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/events", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def end_a_session(server: Any, name: str) -> None:
    assert server.ask(context={"session_id": name}).json()["decision"] is True
    (session,) = [one for one in server.house.ledger.of_tenant("default") if one.session_id.endswith(name)]
    server.house.ledger.terminate("default", session.session_id, at_ns=session.seen_ns, reason="administrator")


def until(holds: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < 10
        time.sleep(0.02)


def test_an_enforcement_point_that_was_switched_off_is_pushed_nothing(start_server: Callable[..., Any]) -> None:
    server = start_server(ssf={"allow_http_loopback": True})
    house, pep_id = server.house, server.pep_key.partition(".")[0]
    tokens = PepTokens(house.store, house.clock)
    with ear() as (url, told):
        wanted = {"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": url}}
        headers = {"Authorization": f"Bearer {server.pep_key}"}
        (stream_id,) = [server.client.post("/ssf/v1/streams", json=wanted, headers=headers).json()["stream_id"]]
        end_a_session(server, "s1")
        until(lambda: len(told) == 1)
        assert server.ask(context={"session_id": "s2"}).json()["decision"] is True
        tokens.disable("default", pep_id)
        (session,) = [one for one in house.ledger.of_tenant("default") if one.session_id.endswith("s2")]
        house.ledger.terminate("default", session.session_id, at_ns=session.seen_ns, reason="administrator")
        until(lambda: house.store.signals.count_waiting("default", stream_id) == 1 or len(told) == 2)
        time.sleep(0.6)
        assert len(told) == 1, "a switched-off enforcement point was told of a person's session"
        tokens.enable("default", pep_id)
        until(lambda: len(told) == 2)
