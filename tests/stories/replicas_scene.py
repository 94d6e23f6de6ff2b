"""Real `ostiary serve` processes over one store, behind a real Envoy."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from ostiary.server.bootstrap import bootstrap
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock

ASK: Final = "/access/v1/evaluation"
COUNT: Final = 3


class Replicas:
    """Some replicas over one store; each has a data directory of its own, and all one folder of keys."""

    def __init__(self, home: Path, environ: Mapping[str, str], count: int = COUNT) -> None:
        """Lay out ``count`` data directories below ``home``."""
        self.environ = {"OSTIARY_REPLICAS__ENABLED": "true", "OSTIARY_REPLICAS__LEASE_S": "1", **environ}
        self.first = Places(home / "r0")
        self._lay(home, count)
        self.servers = [Served(home / f"r{number}", verb="serve", environ=self.environ) for number in range(count)]
        self._opened = ExitStack()

    def _lay(self, home: Path, count: int) -> None:
        settings = load(None, environ=self.environ).settings
        with open_house(self.first, settings, SystemClock(), print) as house:
            house.policies.load("default")
            made = bootstrap(house)
        assert made is not None
        self.pep_key, self.admin_key = made.pep_key, made.admin_key
        for number in range(1, count):
            data = home / f"r{number}"
            data.mkdir(mode=0o700)
            shutil.copytree(self.first.root / "catalogue", data / "catalogue")
            (data / "keys").symlink_to(self.first.keys)  # one volume, mounted by all

    def __enter__(self) -> Self:
        """Start all of them at once."""
        with ThreadPoolExecutor(len(self.servers)) as pool:
            for server in pool.map(lambda one: one.__enter__(), self.servers):
                self._opened.push(server)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all of them."""
        self._opened.close()

    def ask(self, url: str, session: str = "", subject: str = "alice") -> httpx.Response:
        """Ask one address whether somebody may read."""
        body: dict[str, Any] = {
            "subject": {"type": "user", "id": subject},
            "action": {"name": "read"},
            "resource": {"type": "document", "id": "handbook"},
            "context": {"session_id": session} if session else {},
        }
        return httpx.post(url + ASK, json=body, headers={"Authorization": f"Bearer {self.pep_key}"}, timeout=10)

    def administer(self, server: Served, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the administrators' API of one replica."""
        head = {"Authorization": f"Bearer {self.admin_key}"}
        url = f"{server.url}/api/v1{path}"
        reply = (
            httpx.get(url, headers=head, timeout=10)
            if body is None
            else httpx.post(url, headers=head, json=body, timeout=10)
        )
        assert reply.is_success, reply.text
        return reply.json()


class Envoy:
    """A real Envoy that spreads requests over replicas and asks each whether it is ready."""

    def __init__(self, program: Path, home: Path, ports: list[int], base_id: int) -> None:
        """Write its configuration."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._told = home / "envoy.log"
        config = home / "envoy.json"
        config.write_text(json.dumps(_config(self.port, ports)))
        options = ["--concurrency", "1", "--base-id", str(base_id), "--log-level", "warning"]
        self._command = [str(program), "-c", str(config), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until a request comes through."""
        with self._told.open("wb") as told:
            self._process = subprocess.Popen(self._command, stdout=told, stderr=told)
        end = time.monotonic() + 10
        while True:
            try:
                if httpx.get(self.url + "/readyz", timeout=2).status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            assert time.monotonic() < end, self._told.read_text()
            time.sleep(0.05)

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


def _config(port: int, ports: list[int]) -> dict[str, Any]:
    def address(number: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    }
    # Only what never reached a replica is sent to another: a decision that may have been made is not asked for twice.
    route = {"cluster": "ostiary", "timeout": "10s", "retry_policy": {"retry_on": "connect-failure", "num_retries": 2}}
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "http_filters": [router],
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": route}]}]
        },
    }
    check = {
        "timeout": "1s",
        "interval": "0.5s",
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        "http_health_check": {"path": "/readyz"},
    }
    cluster = {
        "name": "ostiary",
        "connect_timeout": "1s",
        "type": "STATIC",
        "health_checks": [check],
        "load_assignment": {
            "cluster_name": "ostiary",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(one)}} for one in ports]}],
        },
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    listener = {"name": "in", "address": address(port), "filter_chains": [{"filters": filters}]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
