"""The link that misbehaves: what it passes on is what was sent, and what it breaks is broken."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ostiary.testing.flaky_link import FlakyLink


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says everything again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(caller,), daemon=True).start()

        def answer(caller: socket.socket) -> None:
            with caller:
                try:
                    while heard := caller.recv(1024):
                        caller.sendall(heard)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def call(link: FlakyLink, timeout_s: float = 5.0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), timeout=timeout_s)


def said(caller: socket.socket, text: bytes) -> bytes:
    caller.sendall(text)
    heard = b""
    while len(heard) < len(text):
        piece = caller.recv(1024)
        if not piece:
            raise ConnectionResetError
        heard += piece
    return heard


def until_broken(caller: socket.socket) -> bytes:
    heard = b""
    try:
        while piece := caller.recv(1024):
            heard += piece
    except ConnectionError:
        return heard
    return heard


def test_a_good_link_passes_everything_on(echo: int) -> None:
    with FlakyLink("127.0.0.1", echo) as link, call(link) as caller:
        assert said(caller, b"all of this") == b"all of this"
        assert link.carried == 2 * len(b"all of this")


def test_a_cut_breaks_what_is_open_and_refusing_what_comes(echo: int) -> None:
    with FlakyLink("127.0.0.1", echo) as link, call(link) as caller:
        said(caller, b"hello")
        assert link.cut() == 1
        with pytest.raises(ConnectionError):
            said(caller, b"again")
        link.behave(refusing=True)
        with pytest.raises(ConnectionError), call(link) as other:
            said(other, b"hello")
        link.behave()
        with call(link) as other:
            assert said(other, b"hello") == b"hello"


def test_a_late_link_is_late_and_a_silent_one_silent(echo: int) -> None:
    with FlakyLink("127.0.0.1", echo) as link, call(link) as caller:
        link.behave(delay_s=0.1)
        begun = time.monotonic()
        assert said(caller, b"slow") == b"slow"
        assert time.monotonic() - begun >= 0.2
        link.behave(held=True)
        caller.settimeout(0.2)
        with pytest.raises(TimeoutError):
            said(caller, b"anybody there")
        link.behave()
        caller.settimeout(5.0)
        assert caller.recv(1024) == b"anybody there"


def test_a_budget_breaks_in_the_middle_of_a_message(echo: int) -> None:
    with FlakyLink("127.0.0.1", echo) as link, call(link) as caller:
        link.behave(budget=10)
        caller.sendall(b"12345678")
        assert until_broken(caller) == b"12"
