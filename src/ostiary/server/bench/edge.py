"""Proxies in front of one application that ask a server of ours, as the shipped configurations say: Envoy and nginx.

The configurations are those of ``deploy/`` with the addresses of this machine put in; ``asks=False`` leaves the
question out and nothing else, for whoever wants to know what a proxy costs that asks nobody.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ostiary.testing.proxies import EnvoyProcess, NginxProcess, free_port

DEPLOY: Final = Path(__file__).parents[4] / "deploy"
SITE: Final = "api.example"


def settings_of(pep: str, grpc_port: int, kind: str, action: str) -> dict[str, str]:
    """Return the variables that let proxies ask a server: whether ``/things/ID`` may be read.

    Args:
        pep: the enforcement point as which the proxies ask.
        grpc_port: where the server answers Envoy by gRPC.
        kind: type of the resource that a path names.
        action: what asking for it is.
    """
    route = {"name": "read", "methods": ["GET"], "path": "/things/{id}", "action": action}
    route |= {"resource_type": kind, "resource_id": "{id}"}
    return {
        "OSTIARY_EDGE__PROXIES": json.dumps([pep]),
        "OSTIARY_EDGE__ROUTES": json.dumps([route]),
        "OSTIARY_EDGE__GRPC_PORT": str(grpc_port),
    }


def envoy(folder: Path, kind: str, key: str, ports: Mapping[str, int], *, asks: bool = True) -> EnvoyProcess:
    """Return Envoy with ``deploy/envoy/KIND.yaml``; ``ports`` are those of ``http``, ``grpc`` and ``application``."""
    config, port = (DEPLOY / "envoy" / f"{kind}.yaml").read_text(), free_port()
    if not asks:
        start = config.index("                  - name: envoy.filters.http.ext_authz")
        config = config[:start] + config[config.index("                  - name: envoy.filters.http.router") :]
    for told, here in (
        ("address: 0.0.0.0, port_value: 8080", f"address: 127.0.0.1, port_value: {port}"),
        ("address: ostiary, port_value: 8181", f"address: 127.0.0.1, port_value: {ports['http']}"),
        ("address: ostiary, port_value: 8182", f"address: 127.0.0.1, port_value: {ports['grpc']}"),
        ("address: application, port_value: 8000", f"address: 127.0.0.1, port_value: {ports['application']}"),
    ):
        config = config.replace(told, here)
    return EnvoyProcess(folder / f"{kind}-{asks}", config, port, OSTIARY_EDGE_KEY=key)


def nginx(folder: Path, key: str, ports: Mapping[str, int], *, asks: bool = True) -> NginxProcess:
    """Return nginx with ``deploy/nginx/ostiary.conf``."""
    http, port = (DEPLOY / "nginx" / "ostiary.conf").read_text(), free_port()
    http = http if asks else http.replace("auth_request /_ostiary;", "")
    for told, here in (
        ("server ostiary:8181;", f"server 127.0.0.1:{ports['http']};"),
        ("server application:8000;", f"server 127.0.0.1:{ports['application']};"),
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
    ):
        http = http.replace(told, here)
    line = f'proxy_set_header X-Ostiary-Edge-Authorization "Bearer {key}";\n'
    return NginxProcess(folder / f"nginx-{asks}", http, port, **{"ostiary-key__conf": line})
