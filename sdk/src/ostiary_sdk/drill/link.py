"""A link to a decision point that can be made to fail: it passes bytes both ways, until it is told not to.

It listens on this machine's own address only. Feeds are told from questions by the first line of a connection, which
the SDK gives each of its own. The link itself changes nothing that passes and keeps nothing.
"""

import contextlib
import itertools
import socket
import ssl
import threading
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit

FEED: Final = b"GET "
PIECE: Final = 65_536
Questions = Literal["pass", "hold", "garbage"]
Feeds = Literal["pass", "hold", "cut"]
GARBAGE: Final = (
    b"yes",
    b'{"decision": "true"}',
    b'{"decision": true, "context": {"effect": "DENY"}}',
    b'{"decision": true',
    b'{"decision": true, "context": {"id": "dec_0", "effect": "ALLOW"}}',  # well made, and the answer to nothing
    b"[true]",
    b"",
)


class Link:
    """One faulty link. Use it as a context manager."""

    def __init__(self, url: str, port: int = 0) -> None:
        """Listen on a port of this machine and pass on to ``url``."""
        parts = urlsplit(url)
        self._to = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._garbage = itertools.cycle(GARBAGE)
        self._lock = threading.Lock()
        self._open: dict[socket.socket, bool] = {}
        self._down = False
        self._questions: Questions = "pass"
        self._feeds: Feeds = "pass"
        self._flow = {False: threading.Event(), True: threading.Event()}
        for flow in self._flow.values():
            flow.set()
        self.held = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, name="ostiary-drill", daemon=True).start()

    def __enter__(self) -> Self:
        """Return the link itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def set(self, *, questions: Questions = "pass", feeds: Feeds = "pass", down: bool = False) -> None:
        """Say what happens from now on; what is not named works."""
        self._questions, self._feeds, self._down = questions, feeds, down
        self.held.clear()
        for is_feed, holds in ((False, questions == "hold"), (True, feeds == "hold")):
            (self._flow[is_feed].clear if holds else self._flow[is_feed].set)()
        if down or questions == "garbage":
            self._cut(feeds=False)  # those that are open were promised a working link
        if down or feeds == "cut":
            self._cut(feeds=True)

    def close(self) -> None:
        """End everything."""
        self.set(down=True)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # else a waiting ``accept`` would take one more
        self._listener.close()

    def _cut(self, *, feeds: bool) -> None:
        with self._lock:
            ends = [one for one, is_feed in self._open.items() if is_feed == feeds]
        for one in ends:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), name="ostiary-drill", daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            if self._down:
                return
            first = near.recv(PIECE)
            is_feed = first.startswith(FEED)
            if is_feed and self._feeds == "cut":
                return
            if not is_feed and self._questions == "garbage":
                near.sendall(_answer(next(self._garbage)))
                return
            with self._upstream() as far:
                self._pass(near, far, first, is_feed=is_feed)

    def _upstream(self) -> socket.socket:
        far = socket.create_connection(self._to, timeout=10)
        far.settimeout(None)
        return self._tls.wrap_socket(far, server_hostname=self._to[0]) if self._tls else far

    def _pass(self, near: socket.socket, far: socket.socket, first: bytes, *, is_feed: bool) -> None:
        with self._lock:
            self._open[near] = self._open[far] = is_feed
        back = threading.Thread(target=self._back, args=(far, near, self._flow[is_feed]), daemon=True)
        try:
            far.sendall(first)
            back.start()
            while piece := near.recv(PIECE):
                far.sendall(piece)
        finally:
            with self._lock:
                self._open.pop(near, None)
                self._open.pop(far, None)

    def _back(self, far: socket.socket, near: socket.socket, flow: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while piece := far.recv(PIECE):
                if not flow.is_set():
                    self.held.set()
                flow.wait()
                near.sendall(piece)
            near.shutdown(socket.SHUT_RDWR)


def _answer(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return head + b"content-length: %d\r\n\r\n" % len(body) + body
