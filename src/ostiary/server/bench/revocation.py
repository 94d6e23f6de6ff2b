"""``ostiary bench revocation``: from the signal that ends a session to the last enforcement point refusing it.

1. A real server with records on disk before each answer, and enforcement points that are processes of their own: each
   has its SDK client, its connection, its feed, and grants that nothing but the feed takes away.
2. Every live session was granted by a real decision. Each enforcement point holds its share of them and all those that
   will be ended, and serves them all the while.
3. For each signal: the clock starts before the signal is sent and stops when the last enforcement point has refused.
   What comes between is the signal's way in, its verification and record, the session's end on disk, the feed, and the
   question that is asked anew.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from ostiary.errors import UnavailableError
from ostiary.server.bench.decide import machine, serving
from ostiary.server.bench.rounds import HOST
from ostiary.server.bench.signal import AdminInjector, Injector, SignalInjector, listen_to_us
from ostiary.server.bench.workload import Workload
from ostiary.server.peps import NewPep, register
from ostiary.server.places import DEFAULT_TENANT, Places
from ostiary.server.wiring import open_house
from ostiary.vocabulary.clock import SystemClock

PAUSE_S: Final = 0.05
SDK: Final = "ostiary_sdk"
_MS: Final = 1_000_000
Progress = Callable[[str], None]
Asked = dict[str, Any]


class Options(msgspec.Struct, frozen=True):
    """What to measure: live sessions, enforcement points, signals, and by which way in they come."""

    sessions: int = 10_000
    peps: int = 4
    count: int = 200
    via: Literal["signal", "admin"] = "signal"


class Report(msgspec.Struct, frozen=True):
    """Milliseconds from the signal sent to the last enforcement point refusing.

    Attributes:
        first_p50_ms: the same to the first one.
        answered_p50_ms: the same to the answer to whoever sent the signal.
        grants: held by each enforcement point when the first signal was sent.
        served_per_s: requests that each of them served beside, from its grants.
        undecided: refusals because the decision point could not be asked: these would be quick for a wrong reason.
        slowest_ms: the five slowest.
    """

    p50_ms: float
    p99_ms: float
    max_ms: float
    sessions: int
    peps: int
    signals: int
    injected: str
    first_p50_ms: float
    answered_p50_ms: float
    grants: list[int]
    served_per_s: float
    undecided: int
    slowest_ms: list[float]
    machine: dict[str, str]


class Pep:
    """One enforcement point's process."""

    def __init__(self, url: str, key: str) -> None:
        """Start it."""
        command = [sys.executable, "-m", "ostiary.server.bench.holder", url]
        environment = {**os.environ, "OSTIARY_PEP_KEY": key, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def tell(self, told: dict[str, Any]) -> None:
        """Say what to do."""
        if self._process.stdin is not None:
            self._process.stdin.write(json.dumps(told).encode() + b"\n")
            self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Return what it says next.

        Raises:
            UnavailableError: ``bench_failed``.
        """
        line = self._process.stdout.readline() if self._process.stdout is not None else b""
        told: dict[str, Any] = json.loads(line) if line else {"error": "it ended"}
        if "error" in told:
            raise UnavailableError("bench_failed", f"an enforcement point of the measurement failed: {told['error']}")
        return told

    def close(self) -> None:
        """End it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.terminate()
        self._process.wait(timeout=10)


class _Signal(msgspec.Struct, frozen=True):
    last_ms: float
    first_ms: float
    answered_ms: float
    undecided: int


def run(options: Options, progress: Progress) -> Report:
    """Measure.

    Raises:
        UnavailableError: ``sdk_missing``, or a part of the measurement failed.
    """
    if find_spec(SDK) is None:
        raise UnavailableError("sdk_missing", "the measurement needs the SDK: pip install ostiary-sdk")
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as folder, ExitStack() as opened:
        places = Places(Path(folder) / "data")
        workload = Workload(SystemClock().now_ns())
        admin_key, pep_keys = _prepare(places, workload, options)
        url = f"http://{HOST}:{opened.enter_context(serving(places))}"
        peps = [opened.enter_context(_pep(url, key)) for key in pep_keys]
        targets = workload.sessions(options.sessions)[: options.count]
        grants = _hold(peps, workload.sessions(options.sessions), options, progress)
        progress(f"{options.count} signals")
        begun = time.monotonic()
        injector = AdminInjector(url, admin_key) if options.via == "admin" else SignalInjector(url, workload)
        signals, served = _signals(peps, targets, injector)
        served_per_s = served / (time.monotonic() - begun) / options.peps
        return _report(options, signals, grants, served_per_s, injector.name)


@contextmanager
def _pep(url: str, key: str) -> Iterator[Pep]:
    pep = Pep(url, key)
    try:
        yield pep
    finally:
        pep.close()


def _prepare(places: Places, workload: Workload, options: Options) -> tuple[str, list[str]]:
    """Make the tenant, the enforcement points and an administrator; return the keys."""
    settings = workload.prepare(places)
    listen_to_us(places.settings, workload.keys(places))
    with open_house(places, settings, SystemClock(), lambda _reason, _fault: None) as house:
        made = [register(house, NewPep(pep_id=f"bench-{n}", tenant=DEFAULT_TENANT)) for n in range(options.peps)]
        return house.admins.create(DEFAULT_TENANT), [one.api_key for one in made]


def _hold(peps: list[Pep], sessions: list[Asked], options: Options, progress: Progress) -> list[int]:
    """Let every session be granted by a decision, and each enforcement point keep its share and all targets."""
    progress(f"{len(sessions)} sessions begin")
    heard: list[dict[str, Any]] = []
    for number, pep in enumerate(peps):
        share = sessions[options.count + number :: options.peps]
        pep.tell({"hold": [*sessions[: options.count], *share]})
        heard.append(told := pep.hear())
        if told["refused"] or told["granted"] != told["kept"]:
            raise UnavailableError("bench_failed", f"a session was not granted, or its grant not kept: {told}")
    return [told["kept"] for told in heard]


def _signals(peps: list[Pep], targets: list[Asked], injector: Injector) -> tuple[list[_Signal], int]:
    luck = random.Random(3)  # noqa: S311 - pauses, so that no rhythm of ours meets one of the server's
    signals, served, clock = list[_Signal](), 0, SystemClock()
    for target in targets:
        for pep in peps:
            pep.tell({"watch": target})
        if not all(pep.hear()["watching"] for pep in peps):
            raise UnavailableError("bench_failed", "an enforcement point had lost its grant before the signal")
        time.sleep(PAUSE_S * (0.5 + luck.random()))
        sent = time.monotonic_ns()
        injector.end(target, clock.now_ns())
        answered = time.monotonic_ns()
        heard = [pep.hear() for pep in peps]
        moments = [told["refused_ns"] for told in heard]
        undecided = sum(1 for told in heard if not told["decided"])
        measured = ((max(moments) - sent) / _MS, (min(moments) - sent) / _MS, (answered - sent) / _MS)
        signals.append(_Signal(*measured, undecided))
        served = sum(told["served"] for told in heard)
    return signals, served


def _report(options: Options, signals: list[_Signal], grants: list[int], served_per_s: float, injected: str) -> Report:
    last = sorted(one.last_ms for one in signals)
    return Report(
        p50_ms=round(statistics.median(last), 1),
        p99_ms=round(_quantile(last, 0.99), 1),
        max_ms=round(last[-1], 1),
        sessions=options.sessions,
        peps=options.peps,
        signals=len(signals),
        injected=injected,
        first_p50_ms=round(statistics.median(one.first_ms for one in signals), 1),
        answered_p50_ms=round(statistics.median(one.answered_ms for one in signals), 1),
        grants=grants,
        served_per_s=round(served_per_s, 1),
        undecided=sum(one.undecided for one in signals),
        slowest_ms=[round(one, 1) for one in last[-5:]],
        machine=machine(),
    )


def _quantile(ordered: list[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of all are not above."""
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * int(share * 1000) // 1000) - 1))]
