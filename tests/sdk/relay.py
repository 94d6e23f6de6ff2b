"""A relay between enforcement point and server that can hold back, cut and let go what passes."""

import socket
import threading
from types import TracebackType
from typing import Self

FEED = b"GET /access/v1/feed"


class Relay:
    """Passes bytes both ways; knows feeds from questions by their first line."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._to = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._answers, self._feeds = threading.Event(), threading.Event()
        self._answers.set()
        self._feeds.set()
        self._shut = False
        self.held = threading.Event()
        self._open: dict[socket.socket, bool] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def hold_answers(self) -> None:
        self._answers.clear()

    def release_answers(self) -> None:
        self._answers.set()

    def hold_feeds(self) -> None:
        self._feeds.clear()

    def cut_feeds(self) -> None:
        self._shut = True
        self._cut(feeds=True)

    def open_feeds(self) -> None:
        self._shut = False

    def close(self) -> None:
        self._answers.set()
        self._feeds.set()
        self._shut_listener()
        self._cut(feeds=False)
        self._cut(feeds=True)

    def _shut_listener(self) -> None:
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # else a waiting `accept` would take one more
        except OSError:  # closed before
            return
        self._listener.close()

    def _cut(self, *, feeds: bool) -> None:
        with self._lock:
            ends = [one for one, is_feed in self._open.items() if is_feed == feeds]
        for one in ends:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(near,), daemon=True).start()

    def _pass(self, near: socket.socket) -> None:
        with near, socket.create_connection(self._to) as far:
            first = near.recv(65_536)
            is_feed = first.startswith(FEED)
            if is_feed and self._shut:
                return
            with self._lock:
                self._open[near] = self._open[far] = is_feed
            try:
                far.sendall(first)
                back = threading.Thread(target=self._back, args=(far, near, is_feed), daemon=True)
                back.start()
                while piece := near.recv(65_536):
                    far.sendall(piece)
            except OSError:
                return
            finally:
                for one in (near, far):
                    with self._lock:
                        self._open.pop(one, None)

    def _back(self, far: socket.socket, near: socket.socket, is_feed: bool) -> None:  # noqa: FBT001 - a thread's target
        gate = self._feeds if is_feed else self._answers
        try:
            while piece := far.recv(65_536):
                if not gate.is_set() and not is_feed:
                    self.held.set()
                gate.wait()
                near.sendall(piece)
            near.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
