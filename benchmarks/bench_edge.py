"""What asking at the edge costs: Envoy over HTTP and gRPC, and nginx, beside the same proxies that ask nobody.

    python benchmarks/bench_edge.py [--requests 60] [--clients 8] [--rounds 12] [--json]

All ways stand in one run, over one server with the shipped policy and one fake application, and take turns round by
round, so that a busy machine slows all of them. Of each: ``p50_ms`` of one client over all rounds, ``per_s`` of
``--clients`` at once (median of the rounds). ``added_ms`` is what asking adds to the proxy's own p50. ``authzen`` is a
plain decision over HTTP, ``edge`` the question that a proxy sends, without the proxy. Twice: with each record on disk
before its answer (the default), and without waiting for the disk, which shows the rest. The clients take their share of
the same cores.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from ostiary.server.bench.edge import SITE, envoy, nginx
from ostiary.testing.echo import FakeApplication
from ostiary.testing.issuer import FakeIssuer
from ostiary.testing.proxies import free_port
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock

CATALOGUE: Final = """
subjects: [{type: user, id: ada, groups: [analysts]}]
resources: [{type: dashboard, id: sales, sensitivity: 1}]
actions: [read]
"""
Way = tuple[int, bytes]


def settings_of(issuer: FakeIssuer, keys: Path, grpc_port: int, durability: str) -> dict[str, str]:
    """Return the server's settings as variables."""
    believed = {"issuer": issuer.issuer, "audience": issuer.audience, "jwks_path": str(keys)}
    route = {"name": "read", "methods": ["GET"], "path": "/dashboards/{id}", "action": "read"}
    route |= {"resource_type": "dashboard", "resource_id": "{id}"}
    return {
        "OSTIARY_IDENTITY__ISSUERS": json.dumps([believed]),
        "OSTIARY_EDGE__PROXIES": '["pep-1"]',
        "OSTIARY_EDGE__ROUTES": json.dumps([route]),
        "OSTIARY_EDGE__GRPC_PORT": str(grpc_port),
        "OSTIARY_AUDIT__DURABILITY": durability,
        "OSTIARY_SERVER__DEADLINE_MS": "5000",
        # A thousand equal requests in a row are unusual: the model may say so, and nothing comes of it here.
        **{f"OSTIARY_PHASES__{control}": "shadow" for control in ("STEP_UP", "SESSION_LIFETIME", "REDUCE")},
    }


@contextmanager
def scene(durability: str) -> Iterator[dict[str, Way]]:
    """Serve everything; yield the ways, each a port and the bytes of one request."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "data" / "catalogue").mkdir(parents=True)
        (folder / "data").chmod(0o700)
        (folder / "data" / "catalogue" / "default.yaml").write_text(CATALOGUE)
        issuer, keys = FakeIssuer(), folder / "keys.json"
        keys.write_text(issuer.jwks().inline or "")
        application = FakeApplication()
        stack.callback(application.close)
        ports = {"application": application.port, "grpc": free_port()}
        server = stack.enter_context(
            Served(folder / "data", environ=settings_of(issuer, keys, ports["grpc"], durability))
        )
        ports["http"] = int(server.url.rpartition(":")[2])
        key = server.pep_key
        now_ns = SystemClock().now_ns()
        now = now_ns // 10**9
        proven = {"acr": "urn:ostiary:acr:phishing-resistant", "amr": ["hwk"], "auth_time": now}
        token = issuer.token(now_ns, sub="ada", exp=now + 3600, **proven)
        got = f"GET {{}}/dashboards/sales HTTP/1.1\r\nHost: {SITE}\r\nAuthorization: Bearer {token}\r\n"
        plain, proof = (got.format("") + "\r\n").encode(), f"X-Ostiary-Edge-Authorization: Bearer {key}\r\n\r\n"
        ways = {
            "application": (application.port, plain),
            "authzen": (ports["http"], authzen(key, token)),
            "edge": (ports["http"], (got.format("/edge/envoy") + proof).encode()),
        }
        proxies = {
            "envoy asks nobody": envoy(folder, "envoy-http", key, ports, asks=False),
            "envoy http": envoy(folder, "envoy-http", key, ports),
            "envoy grpc": envoy(folder, "envoy-grpc", key, ports),
            "nginx asks nobody": nginx(folder, key, ports, asks=False),
            "nginx": nginx(folder, key, ports),
        }
        for name, proxy in proxies.items():
            stack.enter_context(proxy)
            ways[name] = (proxy.port, plain)
        yield ways


def authzen(key: str, token: str) -> bytes:
    """Return a plain decision request for the same access."""
    asked = {
        "subject": {"type": "user", "id": "ada"},
        "action": {"name": "read"},
        "resource": {"type": "dashboard", "id": "sales"},
        "context": {"subject_token": token},
    }
    body = json.dumps(asked)
    head = f"POST /access/v1/evaluation HTTP/1.1\r\nHost: pdp\r\nAuthorization: Bearer {key}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def client(way: Way, times: int) -> list[float]:
    """Send a request again and again over one connection; return the seconds of each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", way[0])
    spent = []
    for _ in range(times):
        at = time.perf_counter()
        writer.write(way[1])
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.split(b" ")[1] == b"200", head
        if b"transfer-encoding" in head:
            while int(await reader.readline(), 16):
                await reader.readline()
            await reader.readline()
        else:
            await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        spent.append(time.perf_counter() - at)
    writer.close()
    return spent


async def together(way: Way, times: int, clients: int) -> float:
    """Return requests a second of several clients."""
    at = time.perf_counter()
    await asyncio.gather(*(client(way, times // clients) for _ in range(clients)))
    return times / (time.perf_counter() - at)


def measured(durability: str, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Measure all ways in turns."""
    one: dict[str, list[float]] = {}
    many: dict[str, list[float]] = {}
    with scene(durability) as ways:
        for way in ways.values():
            asyncio.run(client(way, 50))  # nobody is measured cold
        for _ in range(options.rounds):
            for name, way in ways.items():
                one.setdefault(name, []).extend(asyncio.run(client(way, options.requests)))
                many.setdefault(name, []).append(asyncio.run(together(way, options.requests * 2, options.clients)))
    found = {
        name: {"p50_ms": statistics.median(one[name]) * 1e3, "per_s": statistics.median(many[name])} for name in one
    }
    for name, base in (
        ("envoy http", "envoy asks nobody"),
        ("envoy grpc", "envoy asks nobody"),
        ("nginx", "nginx asks nobody"),
    ):
        found[name]["added_ms"] = found[name]["p50_ms"] - found[base]["p50_ms"]
        found[name]["of_authzen"] = found[name]["added_ms"] / found["authzen"]["p50_ms"]
    return found


def show(durability: str, found: dict[str, dict[str, float]], say: Callable[[str], None]) -> None:
    """Print a table."""
    say(f"\naudit.durability = {durability}")
    say(f"{'':20} {'p50 ms':>8} {'added':>8} {'/authzen':>9} {'req/s':>8}")
    for name, row in found.items():
        more = f"{row['added_ms']:8.2f} {row['of_authzen']:9.2f}" if "added_ms" in row else f"{'':8} {'':9}"
        say(f"{name:20} {row['p50_ms']:8.2f} {more} {row['per_s']:8.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    told: dict[str, Any] = {durability: measured(durability, options) for durability in ("before_answer", "async")}
    if options.json:
        print(json.dumps(told))
        return
    for durability, found in told.items():
        show(durability, found, print)


if __name__ == "__main__":
    main()
