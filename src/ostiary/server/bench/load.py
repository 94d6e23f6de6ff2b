"""A small closed-loop HTTP/1.1 load generator: keep-alive connections, one request in flight on each.

Prints one JSON object: requests, errors, permissions, seconds, per second, its own processor time, latency percentiles
in microseconds. It sends the lines of a file in turn and reads the status, the body's length and how many decisions in
it permit, by hand and over bare asyncio protocols: on a machine with few cores most of the time is left to the server
under test. Loopback only.

    OSTIARY_BENCH_KEY=pep.secret python -m ostiary.server.bench.load --port 8181 --connections 16 --bodies bodies.jsonl
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvloop
from typing_extensions import override

HOST = "127.0.0.1"
_PERMITS = b'"decision":true'
_LENGTH = b"\r\ncontent-length: "
_LAST_CHUNK = b"\r\n0\r\n\r\n"


class Connection(asyncio.Protocol):
    """One keep-alive connection that asks again as soon as it is answered."""

    def __init__(self, requests: Iterator[bytes], latencies: list[int], until: float) -> None:
        """Send the next of ``requests`` until the monotonic second ``until``; durations go to ``latencies``."""
        self.requests, self.latencies, self.until = requests, latencies, until
        self.errors, self.permitted, self.buffer, self.sent = 0, 0, b"", 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        self.sent = time.perf_counter_ns()
        self.transport.write(next(self.requests))  # type: ignore[attr-defined]

    @override
    def data_received(self, data: bytes) -> None:
        """Take the answer, once it is whole, and ask again."""
        data = self.buffer + data if self.buffer else data
        if not _whole(data):
            self.buffer = data
            return
        self.latencies.append(time.perf_counter_ns() - self.sent)
        self.errors += data[9:12] != b"200"
        self.permitted += data.count(_PERMITS)
        self.buffer = b""
        if time.perf_counter() < self.until:
            self._ask()
        else:
            self.transport.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that broke before its time."""
        self.errors += exc is not None or time.perf_counter() < self.until
        if not self.done.done():
            self.done.set_result(None)


def _whole(data: bytes) -> bool:
    """Return whether an answer is there to its end; servers write a header's name in small letters or not."""
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0:
        return False
    at = data.find(_LENGTH, 0, head_end)
    if at < 0 and (at := data[:head_end].lower().find(_LENGTH)) < 0:
        return data.endswith(_LAST_CHUNK)
    return len(data) >= head_end + 4 + int(data[at + len(_LENGTH) : data.index(b"\r\n", at + 2)])


async def load(ports: Sequence[int], requests: list[bytes], connections: int, seconds: float) -> dict[str, float]:
    """Run one closed loop and return its figures; connections are shared out evenly among ``ports``."""
    loop, latencies = asyncio.get_running_loop(), list[int]()
    turns = itertools.cycle(requests)
    begin, begin_cpu = time.perf_counter(), time.process_time()
    made = [
        await loop.create_connection(lambda: Connection(turns, latencies, begin + seconds), HOST, port)
        for port in itertools.islice(itertools.cycle(ports), connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    took = time.perf_counter() - begin
    cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [0.0] * 99
    return {
        "connections": connections,
        "requests": len(latencies),
        "errors": sum(protocol.errors for _, protocol in made),
        "permitted": sum(protocol.permitted for _, protocol in made),
        "cpu_s": round(time.process_time() - begin_cpu, 3),
        "seconds": round(took, 3),
        "per_s": round(len(latencies) / took, 1),
        "p50_us": round(cuts[49] / 1000, 1),
        "p99_us": round(cuts[98] / 1000, 1),
    }


def build_request(path: str, headers: list[str], body: bytes) -> bytes:
    """Return the bytes of one POST."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def main() -> None:
    """Parse the command line, run, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, action="append", required=True)
    parser.add_argument("--path", default="/access/v1/evaluation")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    asks = parser.add_mutually_exclusive_group(required=True)
    asks.add_argument("--bodies", type=Path, help="one body a line")
    asks.add_argument("--requests", type=Path, help="a JSON array of whole requests, as text")
    parser.add_argument("--header", action="append", default=[])
    asked = parser.parse_args()
    if asked.requests is not None:
        requests = [one.encode() for one in json.loads(asked.requests.read_bytes())]
    else:
        key = os.environ.get("OSTIARY_BENCH_KEY", "")
        headers = [*asked.header, *([f"Authorization: Bearer {key}"] if key else [])]
        requests = [build_request(asked.path, headers, body) for body in asked.bodies.read_bytes().splitlines()]
    sys.stdout.write(json.dumps(uvloop.run(load(asked.port, requests, asked.connections, asked.seconds))) + "\n")


if __name__ == "__main__":
    main()
