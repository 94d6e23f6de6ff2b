"""A TCP link that misbehaves: what goes through it is passed on, delayed, held back, or cut off.

Rules: it reads nothing of what it carries, and it listens on this machine alone. A change of ``behave`` holds for open
connections too; ``cut`` breaks those that are open.

    with FlakyLink("127.0.0.1", 8181) as link:
        link.behave(delay_s=0.2)
        httpx.get(f"http://127.0.0.1:{link.port}/readyz")
"""

import contextlib
import socket
import struct
import threading
import time
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

_CHUNK: Final = 16_384
_TICK_S: Final = 0.05
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER with no time: the close is a reset


class FlakyLink:
    """A link to one address; safe for many threads. Use it as a context manager."""

    def __init__(self, host: str, port: int, *, listener: socket.socket | None = None) -> None:
        """Listen on a free port of this machine, or by ``listener``; pass everything on to ``host`` and ``port``."""
        self._to = (host, port)
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._dead: set[socket.socket] = set()
        self._delay_s = 0.0
        self._held = False
        self._refusing = False
        self._budget: int | None = None
        self._closed = False
        self.carried = 0
        threading.Thread(target=self._listen, name="flaky-link", daemon=True).start()

    def address(self, url: str) -> str:
        """Return ``url`` with this link in the place of its host and port."""
        parts = urlsplit(url)
        who, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{who}{at}127.0.0.1:{self.port}").geturl()

    def __enter__(self) -> Self:
        """Return the link itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def behave(
        self, *, delay_s: float = 0.0, held: bool = False, refusing: bool = False, budget: int | None = None
    ) -> None:
        """Say how it is from now on; without arguments it is a good link.

        Args:
            delay_s: how long each piece waits before it is passed on.
            held: nothing is passed on; callers see silence.
            refusing: new connections are reset at once.
            budget: bytes that are still carried; then every connection breaks, in the middle of whatever it carries.
        """
        with self._lock:
            self._delay_s, self._held, self._refusing, self._budget = delay_s, held, refusing, budget

    def deaden(self) -> int:
        """Swallow all that open connections carry from now on, and tell nobody; return how many there are."""
        with self._lock:
            self._dead |= self._open
            return len(self._open) // 2

    def turn(self, host: str, port: int) -> None:
        """Pass new connections on to another address; those that are open stay where they are."""
        self._to = (host, port)

    def cut(self) -> int:
        """Break every open connection; return how many there were."""
        with self._lock:
            broken = list(self._open)
        for one in broken:
            _reset(one)
        return len(broken) // 2

    def close(self) -> None:
        """Stop listening and break what is open."""
        self._closed = True
        self._listener.close()
        self.cut()

    def _listen(self) -> None:
        while not self._closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # it was closed
            if self._refusing:
                _reset(near)
                continue
            try:
                far = socket.create_connection(self._to, timeout=10)
            except OSError:
                _reset(near)
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), name="flaky-link", daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):  # one of both ends is gone: so is the other
            while piece := source.recv(_CHUNK):
                self._wait()
                if source in self._dead:
                    continue
                allowed = self._allowed(len(piece))
                sink.sendall(piece[:allowed])
                if allowed < len(piece):
                    break
        with self._lock:
            self._open -= {source, sink}
            self._dead -= {source, sink}
        _reset(source)
        _reset(sink)

    def _wait(self) -> None:
        time.sleep(self._delay_s)
        while self._held and not self._closed:
            time.sleep(_TICK_S)

    def _allowed(self, size: int) -> int:
        """Return how much of a piece is carried."""
        with self._lock:
            if self._budget is not None:
                size = min(size, self._budget)
                self._budget -= size
            self.carried += size
        return size


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed already
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        one.close()
