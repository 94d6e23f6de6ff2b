"""Real `ostiary serve` processes over one store, behind a real Envoy."""

import json
import shutil
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from ostiary.server.bootstrap import bootstrap
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.testing.proxies import EnvoyProcess, free_port
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock

ASK: Final = "/access/v1/evaluation"
COUNT: Final = 3
_TYPES: Final = "type.googleapis.com/envoy.extensions.filters"


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
        with self.house() as house:
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

    def question(self, session: str = "", subject: str = "alice") -> dict[str, Any]:
        """Return the question whether somebody may read."""
        return {
            "subject": {"type": "user", "id": subject},
            "action": {"name": "read"},
            "resource": {"type": "document", "id": "handbook"},
            "context": {"session_id": session} if session else {},
        }

    def client(self, url: str) -> httpx.Client:
        """Return a client of an enforcement point."""
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {self.pep_key}"}, timeout=10)

    def ask(self, url: str, session: str = "", subject: str = "alice") -> httpx.Response:
        """Ask one address whether somebody may read."""
        with self.client(url) as client:
            return client.post(ASK, json=self.question(session, subject))

    def handle(self, server: Served, session: str) -> str:
        """Return by which handle administrators know a session; wait until this replica knows it."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for one in self.administer(server, "/tenants/default/sessions"):
                if one["session"] == session:
                    return str(one["handle"])
            time.sleep(0.05)
        msg = f"no session {session} is known"
        raise AssertionError(msg)

    def sequencing(self) -> Served:
        """Return the replica that sequences; wait until one does."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for server in self.servers:
                if "ostiary_audit_sequencer 1.0" in httpx.get(server.url + "/metrics", timeout=10).text:
                    return server
            time.sleep(0.05)
        msg = "nobody sequences"
        raise AssertionError(msg)

    def stop(self, servers: Iterable[Served]) -> None:
        """End some in order, at once."""
        servers = list(servers)
        with ThreadPoolExecutor(len(servers)) as pool:
            list(pool.map(lambda one: one.stop(), servers))

    def house(self) -> House:
        """Open the house beside the replicas, as the command line does."""
        return open_house(self.first, load(None, environ=self.environ).settings, SystemClock(), print)

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


def envoy(folder: Path, servers: Iterable[Served]) -> EnvoyProcess:
    """Return an Envoy that spreads requests over replicas and asks each whether it is ready."""
    port = free_port()
    return EnvoyProcess(folder, json.dumps(_config(port, [int(one.url.rpartition(":")[2]) for one in servers])), port)


def _config(port: int, ports: list[int]) -> dict[str, Any]:
    def address(number: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{_TYPES}.http.router.v3.Router"},
    }
    # Only what never reached a replica is sent to another: a decision that may have been made is not asked for twice.
    route = {"cluster": "ostiary", "timeout": "10s", "retry_policy": {"retry_on": "connect-failure", "num_retries": 2}}
    manager = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
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
