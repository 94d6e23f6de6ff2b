"""Baits on the host that nobody in a sandbox may reach: listening sockets, a file, a process.

A probe that is refused shows little if there was nothing to reach. Here there is, and the parent knows who came.
"""

import os
import secrets
import select
import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec


class Canaries(msgspec.Struct):
    """The baits of one start. A context manager: they are gone after it."""

    tcp: list[socket.socket]
    local: socket.socket
    file: str
    name: str

    @classmethod
    def put_out(cls) -> Self:
        """Put the baits out."""
        tcp = _listen_on_loopback()
        name = f"ostiary-canary-{secrets.token_hex(8)}"
        local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        local.bind("\0" + name)
        local.listen(8)
        number, path = tempfile.mkstemp(prefix="ostiary-canary-")
        os.fchmod(number, 0o644)
        os.close(number)
        return cls(tcp, local, path, name)

    def __enter__(self) -> Self:
        """Return the baits."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take them away."""
        for one in (*self.tcp, self.local):
            one.close()
        Path(self.file).unlink()

    def told(self) -> dict[str, Any]:
        """Return what the probes must know to go for them."""
        return {"tcp": self.tcp[0].getsockname()[1], "abstract": self.name, "file": self.file, "pid": os.getpid()}

    def visited(self) -> list[str]:
        """Return which of the sockets somebody reached."""
        look = select.poll()  # `select` itself knows no descriptor beyond 1023, and a server holds many
        for one in (*self.tcp, self.local):
            look.register(one, select.POLLIN)
        local = self.local.fileno()
        return ["abstract" if number == local else "loopback" for number, _ in look.poll(0)]


def _listen_on_loopback() -> list[socket.socket]:
    """Listen on both loopbacks, on one port, where there are both."""
    found = [socket.create_server(("127.0.0.1", 0))]
    try:
        found.append(socket.create_server(("::1", found[0].getsockname()[1]), family=socket.AF_INET6))
    except OSError:  # no IPv6, or that port is somebody's there: the other bait stays
        return found
    return found
