"""An open loop over HTTP/1.1: questions leave at a given rate, whether those before were answered or not.

Latency counts from the moment a question was due, so that a server that falls behind cannot hide it. Prints one JSON
object for each slice of time, and writes every answer's status, decision and id to a file, a line each.

    python -m benchmarks.open_loop --port 8181 --rate 300 --seconds 60 --bodies bodies.jsonl --answers answers.tsv
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import statistics
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import IO, Any

import uvloop
from typing_extensions import override

from ostiary.server.bench.load import HOST, build_request

LAST_S = 2.0
PERCENTILES = 99


class Loop:
    """Questions that are due, connections that are free, and what came back."""

    def __init__(self, requests: list[bytes], answers: IO[str] | None) -> None:
        """Ask ``requests`` in turn."""
        self._requests = itertools.cycle(requests)
        self._answers = answers
        self.free: deque[Connection] = deque()
        self.due: deque[float] = deque()
        self.latencies: list[float] = []
        self.counts: Counter[str] = Counter()
        self.open = 0

    def offer(self, at: float) -> None:
        """A question is due at the monotonic second ``at``: ask it now, or when a connection is free."""
        self.due.append(at)
        self.pump()

    def pump(self) -> None:
        """Ask what is due on what is free."""
        while self.due and self.free:
            self.free.popleft().ask(next(self._requests), self.due.popleft())

    def answered(self, status: str, head: bytes, body: bytes, due: float) -> None:
        """Take an answer."""
        self.latencies.append(time.monotonic() - due)
        self.counts[status] += 1
        told: dict[str, Any] = json.loads(body) if body.startswith(b"{") else {}
        allowed = told.get("decision") is True
        self.counts["allowed"] += allowed
        if status != "200":
            self.counts["refused_and_allowed"] += allowed
            self.counts["retry_after"] += b"retry-after:" in head
        if self._answers is not None:
            context = told.get("context", {})
            self._answers.write(f"{status}\t{context.get('effect', '')}\t{context.get('id', '')}\n")


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one question in flight; broken, it is opened anew."""

    def __init__(self, loop: Loop) -> None:
        """Serve ``loop``."""
        self._loop = loop
        self._buffer = bytearray()
        self._due = 0.0
        self._asked = False
        self.gone = asyncio.Event()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be free."""
        self._transport = transport
        self._loop.open += 1
        self._loop.free.append(self)
        self._loop.pump()

    def ask(self, request: bytes, due: float) -> None:
        """Ask one question that was due at ``due``."""
        self._due, self._asked = due, True
        self._transport.write(request)  # type: ignore[attr-defined]

    @override
    def data_received(self, data: bytes) -> None:
        """Take the answer once it is whole, and be free again."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[: end + 2]).lower()
        start = head.index(b"content-length:") + 15
        length = int(head[start : head.index(b"\r\n", start)])
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        self._buffer.clear()
        self._asked = False
        self._loop.answered(head[9:12].decode(), head, body, self._due)
        if b"connection: close" in head:
            self._transport.close()
        else:
            self._loop.free.append(self)
            self._loop.pump()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Count a question that was never answered."""
        self._loop.open -= 1
        if self in self._loop.free:
            self._loop.free.remove(self)
        if self._asked:
            self._loop.counts["broken"] += 1
        self.gone.set()


async def _keep(port: int, loop: Loop, until: float) -> None:
    """Keep one connection open until the end."""
    while time.monotonic() < until:
        try:
            _, made = await asyncio.get_running_loop().create_connection(lambda: Connection(loop), HOST, port)
        except OSError:
            loop.counts["not_connected"] += 1
            await asyncio.sleep(0.2)
            continue
        await made.gone.wait()


async def run(requests: list[bytes], asked: argparse.Namespace, answers: IO[str] | None) -> None:
    """Ask at the rate for the time; print a line for each slice."""
    loop = Loop(requests, answers)
    begin = time.monotonic()
    until = begin + asked.seconds
    keepers = [asyncio.ensure_future(_keep(asked.port, loop, until)) for _ in range(asked.connections)]
    offered, slice_end = 0, begin + asked.slice
    while (now := time.monotonic()) < until:
        owed = int((now - begin) * asked.rate)
        for number in range(offered, owed):
            loop.offer(begin + number / asked.rate)
        offered = owed
        if now >= slice_end:
            _tell(loop, now - begin, asked.slice)
            slice_end += asked.slice
        await asyncio.sleep(0.002)
    asked_of = len(loop.due)
    loop.due.clear()
    await asyncio.sleep(LAST_S)
    for keeper in keepers:
        keeper.cancel()
    loop.counts["never_sent"] += asked_of
    _tell(loop, time.monotonic() - begin, asked.slice)


def _tell(loop: Loop, at: float, slice_s: float) -> None:
    cuts = statistics.quantiles(loop.latencies, n=100) if len(loop.latencies) > 1 else [0.0] * PERCENTILES
    told = {
        "at_s": round(at, 1),
        "per_s": round(len(loop.latencies) / slice_s, 1),
        "p50_ms": round(cuts[49] * 1000, 2),
        "p99_ms": round(cuts[98] * 1000, 2),
        "waiting": len(loop.due),
        **loop.counts,
    }
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    loop.latencies.clear()
    loop.counts.clear()


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/access/v1/evaluation")
    parser.add_argument("--rate", type=float, required=True, help="questions a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--slice", type=float, default=60.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--bodies", type=Path, required=True)
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--header", action="append", default=[])
    asked = parser.parse_args()
    bodies = asked.bodies.read_bytes().splitlines()
    requests = [build_request(asked.path, asked.header, body) for body in bodies]
    with asked.answers.open("w") if asked.answers else contextlib.nullcontext() as answers:
        uvloop.run(run(requests, asked, answers))


if __name__ == "__main__":
    main()
