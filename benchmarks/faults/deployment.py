"""One deployment: ``ostiary up``, and a service manager that starts it again when it ends, as systemd does.

The manager is part of what is measured: a supervisor that was killed is back without a person, and a start that fails
is tried again. Nothing else is ever done to help.
"""

import contextlib
import http.client
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.testing.served import Served

RESTART_S: Final = 0.5
ASK_S: Final = 20.0
_STARTED: Final = re.compile(r"started a worker pid=(\d+)")


class Deployment:
    """Keeps one server running. Use it as a context manager."""

    def __init__(self, data: Path, environ: Mapping[str, str], verb: str = "up") -> None:
        """Serve ``data`` on a port of its own by ``ostiary up``, or by another verb."""
        self.data = data
        self._verb = verb
        self._environ = environ
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.said: list[str] = []
        self.starts = 0
        self._served: Served | None = None
        self._ending = threading.Event()
        self._manager = threading.Thread(target=self._manage, name="service-manager", daemon=True)

    def __enter__(self) -> Self:
        """Start it; return when it serves.

        Raises:
            UnavailableError: ``server_not_ready``.
        """
        self._start()
        self._manager.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        """Stop it."""
        self.stop()

    def stop(self) -> int:
        """End it for good, as an operator would; return its exit code."""
        self._ending.set()
        if self._manager.is_alive():
            self._manager.join(100)
        return self._served.stop() if self._served is not None else 0

    @property
    def served(self) -> Served:
        """The running server, or the one that ended last."""
        if self._served is None:
            raise UnavailableError("server_not_ready", "nothing was started yet")
        return self._served

    @property
    def worker(self) -> int:
        """The process id of the newest worker that lives, or 0: one that was started last may be gone already."""
        served = self.served
        started = [int(match[1]) for line in list(served.output) if (match := _STARTED.search(line))]
        return next((pid for pid in reversed(started) if served.is_alive(pid)), 0)

    def heard(self) -> list[str]:
        """Return everything it wrote so far, of all starts."""
        return [*self.said, *(self._served.output if self._served is not None else ())]

    def signal_worker(self, number: signal.Signals) -> int:
        """Send the newest living worker a signal; return its process id."""
        worker = self.worker
        with contextlib.suppress(ProcessLookupError):  # it went this very moment
            if worker:
                os.kill(worker, number)
        return worker

    def signal_parent(self, number: signal.Signals) -> None:
        """Send the supervisor a signal."""
        with contextlib.suppress(ProcessLookupError):
            self.served.signal(number)

    def key(self, name: str) -> str:
        """Return one of the keys that the first start made: ``pep`` or ``admin``."""
        return (self.data / f"{name}.key").read_text("utf-8").strip()

    def _manage(self) -> None:
        while not self._ending.wait(RESTART_S):
            if self._served is None or self._served.wait(0.0) is not None:
                with contextlib.suppress(UnavailableError):  # tried again, as a service manager does
                    self._start()

    def _start(self) -> None:
        if self._served is not None:
            self._served.stop()
            self.said += self._served.output
        self.starts += 1
        fresh = Served(self.data, environ=self._environ, verb=self._verb, port=self.port)
        self._served = fresh
        fresh.start()


class Told(msgspec.Struct, frozen=True):
    """One whole answer over HTTP."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return what the body says; malformed JSON is a ``ValueError``."""
        return msgspec.json.decode(self.body)


class NoAnswerError(OstiaryError):
    """There was no whole answer; what became of the question is unknown."""

    def __init__(self, fault: BaseException) -> None:
        """Keep why."""
        super().__init__("campaign_no_answer", f"no whole answer came: {fault!r}")


class Door:
    """A connection of one caller to a deployment; broken, it is opened anew. Light, so that callers cost little."""

    def __init__(self, port: int, key: str, timeout_s: float = ASK_S) -> None:
        """Call ``port`` of this machine with ``key``."""
        self.port, self._key, self._timeout_s = port, key, timeout_s
        self._http: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: Any = None, request_id: str = "") -> Told:
        """Ask once.

        Raises:
            NoAnswerError: there was no whole answer.
        """
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        if request_id:
            headers["X-Request-ID"] = request_id
        if self._http is None:
            self._http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self._timeout_s)
        try:
            self._http.request(method, path, None if body is None else msgspec.json.encode(body), headers)
            answer = self._http.getresponse()
            told = Told(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as fault:
            self.close()
            raise NoAnswerError(fault) from fault
        if answer.will_close:
            self.close()
        return told

    def close(self) -> None:
        """Hang up."""
        if self._http is not None:
            self._http.close()
            self._http = None


def wait_until(true: Any, within_s: float, step_s: float = 0.02) -> bool:
    """Ask ``true`` again and again; return whether it was so in time."""
    until = time.monotonic() + within_s
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(step_s)
    return True
