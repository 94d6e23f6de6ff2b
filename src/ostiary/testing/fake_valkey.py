r"""A server that is no Valkey, or a bad one: it greets like one and then answers what a test tells it to.

with FakeValkey(lambda command: b"+OK\r\n") as server:
    Link(read_address(server.url)).ask("PING")
"""

import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, Self

GREETING: Final = b"run_id:%s\r\nloading:0\r\nmaxmemory:0\r\n"
Answer = Callable[[list[bytes]], bytes | Iterator[bytes] | None]


class FakeValkey:
    """Listens on a loopback port; use it as a context manager.

    ``answer`` gets each command and returns the bytes to send, pieces of them one by one, or ``None`` for silence. What
    it answers to ``INFO`` is a greeting of ``run``, unless ``greets`` is off.
    """

    def __init__(self, answer: Answer, *, run: bytes = b"a" * 40, greets: bool = True) -> None:
        """Answer with ``answer``."""
        self._answer, self._run, self._greets = answer, run, greets
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lines: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.commands: list[list[bytes]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"valkey://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Start it."""
        self._begin(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection and end."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in list(self._lines):
            line.close()
        for thread in self._threads:
            thread.join(5)

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return  # it was closed
            line.settimeout(5)
            self._lines.append(line)
            self._begin(lambda line=line: self._serve(line))  # type: ignore[misc]

    def _serve(self, line: socket.socket) -> None:
        kept = b""
        try:
            while piece := line.recv(65_536):
                kept += piece
                while (found := _command(kept)) is not None:
                    command, kept = found
                    self.commands.append(command)
                    self._reply(line, command)
        except OSError:
            return  # whoever asked has gone, or the test has ended
        finally:
            line.close()

    def _reply(self, line: socket.socket, command: list[bytes]) -> None:
        if command[0] == b"INFO" and self._greets:
            told = GREETING % self._run
            line.sendall(b"$%d\r\n%s\r\n" % (len(told), told))
            return
        answer = self._answer(command)
        for piece in [answer] if isinstance(answer, bytes) else answer or ():
            line.sendall(piece)


def _command(data: bytes) -> tuple[list[bytes], bytes] | None:
    """Return the first whole command and what follows it."""
    head, found, rest = data.partition(b"\r\n")
    if not found:
        return None
    parts: list[bytes] = []
    for _ in range(int(head[1:])):
        size, found, rest = rest.partition(b"\r\n")
        if not found or len(rest) < int(size[1:]) + 2:
            return None
        parts.append(rest[: int(size[1:])])
        rest = rest[int(size[1:]) + 2 :]
    return parts, rest
