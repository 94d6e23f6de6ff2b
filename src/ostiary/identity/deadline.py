"""One end for a whole exchange over the network, however slowly the other side drips.

An HTTP client's time-outs are of one wait each: a byte every few seconds never runs into one, and headers may have a
hundred thousand bytes. So a timer cuts the connection itself; whoever waits for it then sees it end.

    with Deadline(5.0) as deadline, httpx.Client(…) as client:
        client.get(url, extensions=deadline.extensions)
"""

import contextlib
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

_CONNECTED: Final = "connection.connect_tcp.complete"


class Deadline:
    """Cuts the connections that it was shown when its time is over; for one exchange."""

    def __init__(self, seconds: float) -> None:
        """Take how long the whole exchange may last; the time runs from ``with`` on."""
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._lines: list[socket.socket] = []
        self.over = False

    def __enter__(self) -> Self:
        """Let the time run."""
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        """Stop the clock."""
        self._timer.cancel()
        with self._lock:
            for line in self._lines:
                line.close()
            self._lines.clear()
            self.over = True

    @property
    def extensions(self) -> dict[str, Any]:
        """What an httpx request takes along, so that its connections are seen."""
        return {"trace": self._traced}

    def watch(self, line: socket.socket) -> None:
        """Cut this connection, too."""
        with self._lock:
            # A second name of the same connection: the first one may be wrapped into TLS, and closed, meanwhile.
            own = line.dup()
            if self.over:
                _shut(own)
                own.close()
            else:
                self._lines.append(own)

    def _traced(self, event: str, told: Mapping[str, Any]) -> None:
        if event == _CONNECTED:
            self.watch(told["return_value"].get_extra_info("socket"))

    def _cut(self) -> None:
        with self._lock:
            self.over = True
            for line in self._lines:
                _shut(line)


def _shut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended already
        line.shutdown(socket.SHUT_RDWR)
