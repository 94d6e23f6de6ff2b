"""Rounds of one closed loop against a server of its own: what was answered, how fast, and at what cost.

1. Server and client share the same cores, as many as were asked for.
2. The server is given time: on a busy machine it answers late instead of denying early, and what it denies all the same
   is counted apart. Nothing else of it differs from `ostiary serve`.
3. A round that other programs disturbed is said to be so and done again, until the deadline; then it is an error.
"""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from ostiary.errors import UnavailableError
from ostiary.server.bench.quiet import Watch, cpu_s
from ostiary.server.places import Places

HOST: Final = "127.0.0.1"
BUSY: Final = 0.15  # of the cores: what others may take of a round that counts
WARM_S: Final = 1.0
_READY_S: Final = 120.0
_ROUND_MORE_S: Final = 60.0
_STOP_S: Final = 60.0
_METRICS_S: Final = 10.0
_THREADS: Final = re.compile(r'^ostiary_thread_cpu_seconds_total\{thread="([a-z]+)"\} ([0-9.e+-]+)$', re.MULTILINE)
_PATIENT: Final = {"OSTIARY_SERVER__DEADLINE_MS": "30000", "OSTIARY_TELEMETRY__LOG_LEVEL": "error"}
Progress = Callable[[str], None]


class Loop(msgspec.Struct, frozen=True):
    """What one closed loop asks: so many connections, each with one request in flight that holds ``items`` questions.

    Attributes:
        ports: of the servers, which share the connections.
        bodies: file with one body a line, asked in turn; or, without a path, a JSON array of whole requests.
        api_key: the enforcement point's.
        connections: how many.
        path: where to post the bodies.
        items: questions in each body.
    """

    ports: tuple[int, ...]
    bodies: Path
    api_key: str
    connections: int
    path: str = "/access/v1/evaluation"
    items: int = 1


class Round(msgspec.Struct, frozen=True):
    """One round; times in microseconds, rates in decisions a second.

    Attributes:
        answered: decisions that came back.
        denied: how many of them were no permission.
        errors: answers that were no decision, and connections that broke.
        server_cpu_us: processor time of all that serves, for one decision.
        client_cpu_us: the same of the client.
        others: share of the cores that other programs took meanwhile.
        threads_us: the server's processor time for one decision by what its threads do (``telemetry.threads``), as far
            as those that were asked tell it themselves.
    """

    per_s: float
    p50_us: float
    p99_us: float
    answered: int
    denied: int
    errors: int
    server_cpu_us: float
    client_cpu_us: float
    others: float
    threads_us: dict[str, float] = {}


class Rules(msgspec.Struct, frozen=True):
    """How rounds are run.

    Attributes:
        seconds: length of one.
        repeat: how many count.
        cores: which they run on.
        until: moment of the monotonic clock after which no other is begun.
        anyway: count disturbed rounds too.
    """

    seconds: float
    repeat: int
    cores: tuple[int, ...]
    until: float
    anyway: bool


def rounds(
    loop: Loop,
    pids: tuple[int, ...],
    rules: Rules,
    progress: Progress,
    answers: Callable[[int], object] = lambda _: None,
) -> list[Round]:
    """Run rounds until enough of them count; ``pids`` are the processes that serve.

    ``answers`` is told how many decisions came back each time, of the warming up and of rounds that do not count too:
    whoever looks for their records afterwards must look for all of them.

    Raises:
        UnavailableError: ``machine_busy``: others disturbed every round until the deadline; ``bench_load_failed``.
    """
    answers(int(ask(loop, WARM_S)["requests"] * loop.items))
    kept: list[Round] = []
    worst = 0.0
    while len(kept) < rules.repeat:
        if time.monotonic() > rules.until:
            if kept:
                progress(f"the deadline is over: {len(kept)} of {rules.repeat} rounds count")
                break
            text = f"other programs took {worst:.0%} of the processor until the deadline: try later, or --anyway"
            raise UnavailableError("machine_busy", text)
        progress(f"{loop.connections} connections, round {len(kept) + 1} of {rules.repeat}")
        done = _round(loop, pids, rules)
        answers(done.answered)
        worst = max(worst, done.others)
        if done.others > BUSY and not rules.anyway:
            progress(f"not counted: other programs took {done.others:.0%} of the processor")
            continue
        kept.append(done)
    return kept


def median_of(kept: list[Round]) -> Round:
    """Return the round in the middle by its rate; the rate itself is the median's, faults are those of all rounds."""
    middle = sorted(kept, key=lambda one: one.per_s)[len(kept) // 2]
    return msgspec.structs.replace(
        middle,
        per_s=round(statistics.median(one.per_s for one in kept), 1),
        answered=sum(one.answered for one in kept),
        denied=sum(one.denied for one in kept),
        errors=sum(one.errors for one in kept),
    )


def _round(loop: Loop, pids: tuple[int, ...], rules: Rules) -> Round:
    threads = threads_s(loop.ports)
    watch, before, here = Watch(rules.cores), cpu_s(pids), time.process_time()
    told = ask(loop, rules.seconds)
    served = cpu_s(pids) - before
    used = {kind: after - threads.get(kind, 0.0) for kind, after in threads_s(loop.ports).items()}
    answered = max(1, told["requests"] * loop.items)
    return Round(
        per_s=round(told["per_s"] * loop.items, 1),
        p50_us=told["p50_us"],
        p99_us=told["p99_us"],
        answered=int(told["requests"] * loop.items),
        denied=int(told["requests"] * loop.items - told["permitted"]),
        errors=int(told["errors"]),
        server_cpu_us=round(served / answered * 1e6, 1),
        client_cpu_us=round(told["cpu_s"] / answered * 1e6, 1),
        others=watch.others(served + told["cpu_s"] + time.process_time() - here),
        threads_us={kind: round(seconds / answered * 1e6, 1) for kind, seconds in used.items() if seconds > 0},
    )


def threads_s(ports: tuple[int, ...]) -> dict[str, float]:
    """Return the processor time of servers by what their threads do, empty where nobody tells it."""
    found: dict[str, float] = {}
    for port in ports:
        try:
            text = httpx.get(f"http://{HOST}:{port}/metrics", timeout=_METRICS_S).text
        except httpx.HTTPError:  # a proxy, or no server of ours
            continue
        for kind, seconds in _THREADS.findall(text):
            found[kind] = found.get(kind, 0.0) + float(seconds)
    return found


def ask(loop: Loop, seconds: float) -> dict[str, Any]:
    """Run one closed loop in a process of its own and return its figures.

    Raises:
        UnavailableError: ``bench_load_failed``: the client ended early or never, with what it said.
    """
    command = [sys.executable, "-m", "ostiary.server.bench.load"]
    command += [part for port in loop.ports for part in ("--port", str(port))]
    asked = ["--bodies", str(loop.bodies), "--path", loop.path] if loop.path else ["--requests", str(loop.bodies)]
    command += [*asked, "--connections", str(loop.connections), "--seconds", str(seconds)]
    environment = {**os.environ, "OSTIARY_BENCH_KEY": loop.api_key}  # not on a command line, which anybody can read
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, check=False, capture_output=True, timeout=seconds + _ROUND_MORE_S, env=environment
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError("bench_load_failed", "the server stopped answering, and the round never ended") from None
    if done.returncode:
        text = f"the round broke off: {done.stderr.decode()[-300:]}"
        raise UnavailableError("bench_load_failed", text)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@contextmanager
def serving_process(
    places: Places, model: Path | None = None, more: dict[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """Start a server of its own and yield its port and its process id; ``more`` are variables for it.

    Raises:
        UnavailableError: ``server_not_ready``.
    """
    port = free_port()
    command = [sys.executable, "-m", "ostiary.cli", "serve", "--data", str(places.root), "--port", str(port)]
    environment = {**os.environ, **_PATIENT, **(more or {})}
    if model is not None:
        environment["OSTIARY_RISK__MODEL"] = str(model)
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own command
        try:
            ready(port, process)
            yield port, process.pid
        finally:
            process.terminate()
            try:
                process.wait(timeout=_STOP_S)
            except subprocess.TimeoutExpired:  # it writes down what it learned, which a busy machine makes long
                process.kill()


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def ready(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server that was just started is ready.

    Raises:
        UnavailableError: ``server_not_ready``.
    """
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"http://{HOST}:{port}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise UnavailableError("server_not_ready", "the server of the measurement did not become ready")
