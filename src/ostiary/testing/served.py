"""A real ``ostiary up`` in a process of its own, for tests and demonstrations: started, asked, killed, stopped.

Nothing of the server is imported; it is driven as a person would drive it, by its command line, files and signals.

    with Served(tmp_path / "data") as server:
        httpx.get(server.url + "/readyz")
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ostiary.errors import UnavailableError

START_S: Final = 90.0
STOP_S: Final = 40.0
_PROGRAM: Final = "import sys; from ostiary.cli import main; sys.exit(main())"
_WORKER: Final = re.compile(r"started a worker pid=(\d+)")


class Served:
    """One running server. Use it as a context manager."""

    def __init__(
        self,
        data: Path,
        *,
        environ: Mapping[str, str] | None = None,
        verb: str = "up",
        port: int = 0,
        arguments: tuple[str, ...] = (),
    ) -> None:
        """Take where its data lies; ``environ`` adds variables such as ``OSTIARY_SERVER__DEADLINE_MS``."""
        self.data = data
        self.url = ""
        self.output: list[str] = []
        self._environ = {**{k: v for k, v in os.environ.items() if not k.startswith("OSTIARY_")}, **(environ or {})}
        self._command = [sys.executable, "-c", _PROGRAM, verb, "--data", str(data), "--port", str(port), *arguments]
        self._process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()
        self._readers: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Start it and wait until it serves."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it, by force when it does not want to."""
        self.stop()

    def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
            UnavailableError: ``server_not_ready``, with what it said.
        """
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            self._command, env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )
        reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        reader.start()
        self._readers.append(reader)
        if not self._ready.wait(START_S) or not self.url:
            self.stop()
            raise UnavailableError("server_not_ready", "the server did not start: " + " | ".join(self.output[-5:]))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and return its exit code; kill it when it does not."""
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._kill_all(process)
        for reader in self._readers:
            reader.join(STOP_S)
        if process.stdout is not None:
            process.stdout.close()
        return process.returncode

    def wait(self, within_s: float) -> int | None:
        """Wait until it ends by itself and return its exit code, or ``None`` when it does not."""
        if self._process is None:
            return None
        try:
            return self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return None

    @property
    def worker(self) -> int:
        """The process id of the newest worker."""
        found = [match[1] for line in list(self.output) if (match := _WORKER.search(line))]
        return int(found[-1])

    @property
    def parent(self) -> int:
        """The process id of the supervisor."""
        return self._process.pid if self._process is not None else 0

    def signal(self, number: signal.Signals) -> None:
        """Send the supervisor a signal."""
        os.kill(self.parent, number)

    @staticmethod
    def is_alive(pid: int) -> bool:
        """Return whether a process is there."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill_worker(self) -> None:
        """Kill the newest worker without a warning."""
        with contextlib.suppress(ProcessLookupError):  # it was dead already: somebody was quicker
            os.kill(self.worker, signal.SIGKILL)

    @property
    def pep_key(self) -> str:
        """The first enforcement point's API key."""
        return (self.data / "pep.key").read_text("utf-8").strip()

    @property
    def admin_key(self) -> str:
        """The first administrator's key."""
        return (self.data / "admin.key").read_text("utf-8").strip()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        if process.stdout is None:
            return
        for line in process.stdout:
            self.output.append(line.rstrip("\n"))
            if line.startswith("Ostiary serves "):
                self.url = line.split()[2]
                self._ready.set()
        self._ready.set()

    def _kill_all(self, process: "subprocess.Popen[str]") -> None:
        process.kill()
        process.wait()
        if any(_WORKER.search(line) for line in self.output):
            self.kill_worker()
