"""A small closed-loop HTTP/1.1 load generator: keep-alive connections, one request in flight on each.

Prints one JSON object: requests, errors, seconds, per second, latency percentiles in microseconds. It sends the
lines of a file in turn and only reads the status line and the body length, so that on a machine with few cores
most of the time is left to the server under test. Loopback only.

    python -m ostiary.server.bench.load --port 8181 --connections 16 --bodies bodies.jsonl --header 'Authorization: …'
"""

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop
from typing_extensions import override

HOST = "127.0.0.1"


class Connection(asyncio.Protocol):
    """One keep-alive connection that asks again as soon as it is answered."""

    def __init__(self, requests: Iterator[bytes], latencies: list[int], until: float) -> None:
        """Send the next of ``requests`` until the monotonic second ``until``; durations go to ``latencies``."""
        self.requests, self.latencies, self.until = requests, latencies, until
        self.errors, self.buffer, self.sent = 0, bytearray(), 0
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
        self.buffer += data
        head_end = self.buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = bytes(self.buffer[:head_end]).lower()
        start = head.index(b"content-length:") + 15
        length = int(head[start : head.index(b"\r\n", start) if b"\r\n" in head[start:] else len(head)])
        if len(self.buffer) < head_end + 4 + length:
            return
        self.latencies.append(time.perf_counter_ns() - self.sent)
        self.errors += head[9:12] != b"200"
        self.buffer.clear()
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


async def load(port: int, requests: list[bytes], connections: int, seconds: float) -> dict[str, float]:
    """Run one closed loop and return its figures."""
    loop, latencies = asyncio.get_running_loop(), list[int]()
    turns = itertools.cycle(requests)
    begin = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Connection(turns, latencies, begin + seconds), HOST, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    took = time.perf_counter() - begin
    cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [0.0] * 99
    return {
        "connections": connections,
        "requests": len(latencies),
        "errors": sum(protocol.errors for _, protocol in made),
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
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/access/v1/evaluation")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--bodies", type=Path, required=True)
    parser.add_argument("--header", action="append", default=[])
    asked = parser.parse_args()
    bodies = asked.bodies.read_bytes().splitlines()
    requests = [build_request(asked.path, asked.header, body) for body in bodies]
    sys.stdout.write(json.dumps(uvloop.run(load(asked.port, requests, asked.connections, asked.seconds))) + "\n")


if __name__ == "__main__":
    main()
