"""What the training sandbox costs: ``python benchmarks/bench_sandbox.py [--json]``; start-up and throughput.

Start-up, medians over single starts of ``/usr/bin/true``, one after another, in one run:

- ``bare``: the program alone. ``interpreter``: ``python3 -I -S -c pass`` alone, which is what the probes run in.
- ``bubblewrap``: bubblewrap alone, as in its own manual (`--unshare-all`, /usr, /proc, /dev): the peer.
- ``total``: our whole start, from the call until the command began, 70 and more probes with it.
- ``probes``: the probes, and ``probes_with_interpreter`` those with the start of the interpreter that they need.
- ``overhead``: total without probes_with_interpreter and bare. The target is below 20 ms.

Throughput of one TLS connection: the same server and client, ``direct`` and ``proxied``, down and up, medians over
alternating transfers. The client runs outside of a sandbox in both, which changes nothing about a socket that is open;
server, client and proxy are three processes.
"""

import argparse
import json
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from typing_extensions import override

from ostiary.pipeline.training.accounts import Budget, ConnectionLog, EgressLimits
from ostiary.pipeline.training.egress import EgressRule
from ostiary.pipeline.training.limits import MIB, SandboxLimits
from ostiary.pipeline.training.pinning import Pins
from ostiary.pipeline.training.proxy import EgressProxy
from ostiary.pipeline.training.trying_out import try_out
from ostiary.vocabulary.clock import SystemClock

NAME = "registry.example"
PLAIN_BWRAP = [
    "/usr/bin/bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib",
    "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin", "--proc", "/proc", "--dev", "/dev",
    "/usr/bin/true",
]  # fmt: skip
BARE = ["/usr/bin/true"]
INTERPRETER = ["/usr/bin/python3", "-I", "-S", "-B", "-c", "pass"]


def taken(command: list[str]) -> float:
    """Return how many milliseconds a program takes."""
    begun = time.perf_counter_ns()
    subprocess.run(command, env={}, check=True)  # noqa: S603 - our own commands
    return (time.perf_counter_ns() - begun) / 1e6


def start_up(rounds: int) -> dict[str, Any]:
    """Measure starts; every round measures everything once, so that a busy moment hits all alike."""
    found: dict[str, list[float]] = {}
    probes = 0
    for _ in range(rounds):
        start = try_out(SandboxLimits())
        row = {
            "bare": taken(BARE),
            "interpreter": taken(INTERPRETER),
            "bubblewrap": taken(PLAIN_BWRAP),
            "total": start.total_ms,
            "probes": start.probes_ms,
        }
        row["probes_with_interpreter"] = row["probes"] + row["interpreter"]
        row["overhead"] = row["total"] - row["probes_with_interpreter"] - row["bare"]
        for name, value in row.items():
            found.setdefault(name, []).append(value)
        probes = len(start.probes)
    medians = {f"{name}_ms": round(statistics.median(values), 2) for name, values in found.items()}
    return {**medians, "least_overhead_ms": round(min(found["overhead"]), 2), "probes": probes, "user": os.getuid()}


def certificate(folder: Path) -> Path:
    """Make a certificate for the server."""
    place = folder / "server.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
    ]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run([*command, *names, "-keyout", place, "-out", folder / "c.pem"], check=True, capture_output=True)  # noqa: S603
    place.write_bytes(place.read_bytes() + (folder / "c.pem").read_bytes())
    return place


class Server(threading.Thread):
    """Sends what it is asked for: ``D<bytes>`` sends so many, ``U<bytes>`` takes so many and answers."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = context

    @override
    def run(self) -> None:
        """Serve one connection after another."""
        while True:
            raw, _ = self.listener.accept()
            with self.context.wrap_socket(raw, server_side=True) as one:
                word = one.recv(16).decode()
                left = int(word[1:])
                if word[0] == "D":
                    block = bytes(MIB)
                    while left:
                        one.sendall(block[: min(MIB, left)])
                        left -= min(MIB, left)
                else:
                    one.sendall(b"go")
                    while left > 0:
                        left -= len(one.recv(256 * 1024))
                    one.sendall(b"ok")


def transfer(connect: Any, context: ssl.SSLContext, word: str, size: int) -> float:
    """Return MiB a second of one transfer."""
    with context.wrap_socket(connect(), server_hostname=NAME) as one:
        one.sendall(f"{word}{size}".encode())
        if word == "U":
            one.recv(2)
        begun = time.perf_counter()
        if word == "D":
            left, buffer = size, bytearray(256 * 1024)
            while left:
                left -= one.recv_into(buffer)
        else:
            block, left = bytes(MIB), size
            while left:
                one.sendall(block[: min(MIB, left)])
                left -= min(MIB, left)
            one.recv(2)
        return size / MIB / (time.perf_counter() - begun)


def serve(folder: str) -> None:
    """Be the server, in a process of its own: one interpreter would share its lock with the client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(folder, "server.pem"))
    server = Server(context)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.run()


def throughput(rounds: int, size: int) -> dict[str, Any]:
    """Measure transfers, direct and through the proxy in turn."""
    with tempfile.TemporaryDirectory() as folder:
        place = certificate(Path(folder))
        context = ssl.create_default_context(cafile=str(place))
        words = [sys.executable, __file__, "--serve", folder]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
            assert server.stdout is not None
            port = int(server.stdout.readline())
            try:
                return _throughput(rounds, size, port, context)
            finally:
                server.kill()


def _throughput(rounds: int, size: int, port: int, context: ssl.SSLContext) -> dict[str, Any]:
    limits = EgressLimits(bytes_up=1 << 50, connections=1 << 30)
    log = ConnectionLog(limits)
    pins = Pins([EgressRule(NAME, port, addresses=("127.0.0.1",))])
    faults: list[Any] = []
    proxy = EgressProxy(pins, Budget(limits.bytes_up), log, limits, SystemClock(), lambda *told: faults.append(told))
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    proxy.serve(listener)

    def direct() -> socket.socket:
        return socket.create_connection(("127.0.0.1", port))

    def proxied() -> socket.socket:
        one = socket.create_connection(address)
        one.sendall(f"CONNECT {NAME}:{port} HTTP/1.1\r\n\r\n".encode())
        assert b" 200 " in one.recv(4096)
        return one

    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, connect in (("direct", direct), ("proxied", proxied)):
            for word, way in (("D", "down"), ("U", "up")):
                found.setdefault(f"{name}_{way}", []).append(transfer(connect, context, word, size))
    proxy.close()
    assert not faults
    medians = {name: statistics.median(values) for name, values in found.items()}
    told = {f"{name}_mib_s": round(value, 1) for name, value in medians.items()}
    ratios = {f"ratio_{way}": round(medians[f"proxied_{way}"] / medians[f"direct_{way}"], 3) for way in ("down", "up")}
    return {**told, **ratios, "mib": size // MIB}


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--transfers", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one line")
    parser.add_argument("--user", type=int, default=0, help="measure starts as this user, when started by root")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.serve:
        serve(told.serve)
        return
    found: dict[str, Any] = {"throughput": throughput(told.transfers, told.mib * MIB)}
    if told.user:
        os.setgroups([])
        os.setgid(told.user)
        os.setuid(told.user)
    found["start_up"] = start_up(told.rounds)
    print(json.dumps(found, indent=None if told.json else 2))


if __name__ == "__main__":
    main()
