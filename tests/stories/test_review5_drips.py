"""Who answers a byte at a time, headers first, holds nobody: not the pushes, polls, letters and keys of all tenants."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ostiary.errors import UnavailableError
from ostiary.identity.url_source import UrlSource
from ostiary.response.outbox import Letter
from ostiary.response.sinks.webhook import Webhook, WebhookSettings
from ostiary.response.ssf.addresses import AddressRules
from ostiary.response.ssf.sending import Sender

LIMIT_S = 0.5
DRIP_S = 0.05
HEADERS = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(2000))
BODY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + b" " * 4000


@pytest.fixture
def drip() -> Iterator[Callable[[bytes, int], str]]:
    """Serve an answer: so many bytes at once, and then one every now and then."""
    over = threading.Event()
    threads: list[threading.Thread] = []
    with contextlib.ExitStack() as opened:

        def serve(answer: bytes, at_once: int) -> str:
            door = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
            threads.append(threading.Thread(target=_drip, args=(door, answer, at_once, over)))
            threads[-1].start()
            return f"http://127.0.0.1:{door.getsockname()[1]}/x"

        yield serve
        over.set()
        for thread in threads:
            thread.join(5)


def _drip(door: socket.socket, answer: bytes, at_once: int, over: threading.Event) -> None:
    line, _ = door.accept()
    with line, contextlib.suppress(OSError):
        line.recv(65_536)
        line.sendall(answer[:at_once])
        for place in range(at_once, len(answer)):
            if over.wait(DRIP_S):
                return
            line.sendall(answer[place : place + 1])


def deliver(url: str) -> None:
    told = WebhookSettings(tenant="acme", name="soc", url=url, source="urn:x", loopback_http=True, timeout_s=LIMIT_S)
    Webhook(told, b"s" * 32).deliver(Letter("ltr_1", "acme", "soc", "x", "t", {}, 0, 1), 0)


def push(url: str) -> None:
    Sender(AddressRules(loopback_http=True), timeout_s=LIMIT_S)(url, b"{}", {})


def fetch(url: str) -> None:
    UrlSource(url, LIMIT_S, 65_536).fetch()


@pytest.mark.parametrize("ask", [deliver, push, fetch])
def test_headers_that_drip_are_cut_off(drip: Callable[[bytes, int], str], ask: Callable[[str], None]) -> None:
    url, began = drip(HEADERS, 10), time.monotonic()
    with pytest.raises(UnavailableError):
        ask(url)
    assert time.monotonic() - began < 4 * LIMIT_S


@pytest.mark.parametrize("ask", [push, fetch])
def test_a_body_that_was_cut_off_does_not_pass_for_whole(
    drip: Callable[[bytes, int], str], ask: Callable[[str], None]
) -> None:
    url, began = drip(BODY, 70), time.monotonic()
    with pytest.raises(UnavailableError):
        ask(url)
    assert time.monotonic() - began < 4 * LIMIT_S
