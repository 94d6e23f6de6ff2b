"""``ostiary bench decide``: one decision in the process and over HTTP, with durable records, in one report.

1. A data directory of its own, with the invented organisation's history learned; it is removed afterwards.
2. In the process: every stage, the disk wait apart, OPA alone on the same documents right after each decision.
3. Over HTTP: a server of its own, closed loops of 1, 16 and 64 connections, each repeated; the median run counts.
4. Memory: resident size of this process while it decides again and again, when asked for.
"""

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import msgspec

from ostiary.decision.parts import Call
from ostiary.errors import UnavailableError
from ostiary.policy.engine import ADAPTIVE, GUARDRAILS, Engine, OpaEngine
from ostiary.server.bench.stages import StageFigures, measure
from ostiary.server.bench.workload import Workload, register
from ostiary.server.places import DEFAULT_TENANT, Places
from ostiary.server.wiring import House, open_house
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.entities import Receipt

HOST: Final = "127.0.0.1"
_READY_S: Final = 60.0
_TRAIN_S: Final = 900.0
_MEMORY_POINTS: Final = 20
_BURST: Final = 1000
Progress = Callable[[str], None]


class Options(msgspec.Struct, frozen=True):
    """What to measure.

    Attributes:
        decisions: counted in-process decisions.
        connections: closed loops over HTTP.
        seconds: length of one run over HTTP.
        repeat: runs of each; the median counts.
        memory_decisions: decisions of the memory run; 0 leaves it out.
        history: past events that the profiles know.
        model: folder of a signed model, or ``None`` to learn one from the invented history.
    """

    decisions: int = 2000
    connections: tuple[int, ...] = (1, 16, 64)
    seconds: float = 10.0
    repeat: int = 3
    memory_decisions: int = 0
    history: int = 20_000
    model: Path | None = None


class HttpFigures(msgspec.Struct, frozen=True):
    """The median run of one number of connections."""

    connections: int
    per_s: float
    p50_us: float
    p99_us: float
    errors: int
    runs_per_s: list[float]


class Report(msgspec.Struct, frozen=True):
    """Every figure; microseconds and decisions a second.

    Attributes:
        in_process_p50_us: one whole decision in the process, OPA included, the disk wait not.
        in_process_without_opa_p50_us: the same less OPA alone.
        opa_p50_us: OPA alone, both entrypoints.
        http_durable_per_s: the best of the connection counts, each the median of its runs.
    """

    in_process_p50_us: float
    in_process_p99_us: float
    in_process_without_opa_p50_us: float
    opa_p50_us: float
    http_durable_per_s: float
    in_process: StageFigures
    http: list[HttpFigures]
    memory_mib: list[float]
    model: str
    machine: dict[str, str]


class RawOpa:
    """OPA's own answers, with nothing of ours around them."""

    def __init__(self, engine: OpaEngine) -> None:
        """Share the engine's OPA."""
        self._evaluate = engine.raw

    def guardrails(self, document: bytes) -> bytes:
        """Return OPA's answer to the guardrails."""
        return self._evaluate(GUARDRAILS, document)

    def adaptive(self, document: bytes) -> bytes:
        """Return OPA's answer to the adaptive rules."""
        return self._evaluate(ADAPTIVE, document)


def run(options: Options, progress: Progress) -> Report:
    """Measure everything that ``options`` ask for."""
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as folder:
        places = Places(Path(folder) / "data")
        workload = Workload(SystemClock().now_ns())
        with _house(places, workload, options) as house:
            api_key = _prepare(house, workload, options, progress)
            progress(f"{options.decisions} decisions in the process")
            figures = _in_process(house, workload, options)
            scorer = house.scorers.scorer(DEFAULT_TENANT)
            memory = _memory(house, workload, options, progress)
        http = [_http(places, workload, api_key, count, options, progress) for count in options.connections]
    return Report(
        in_process_p50_us=figures.whole.p50_us,
        in_process_p99_us=figures.whole.p99_us,
        in_process_without_opa_p50_us=figures.without_opa.p50_us,
        opa_p50_us=figures.opa_alone.p50_us,
        http_durable_per_s=max((one.per_s for one in http), default=0.0),
        in_process=figures,
        http=http,
        memory_mib=memory,
        model=scorer.digest if scorer is not None else "",
        machine=machine(),
    )


def _house(places: Places, workload: Workload, options: Options) -> House:
    settings = workload.prepare(places)
    if options.model is not None:
        risk = settings.risk.model_copy(update={"model": options.model})
        settings = settings.model_copy(update={"risk": risk})
    return open_house(places, settings, SystemClock(), _complain)


def _complain(reason: str, fault: BaseException) -> None:
    sys.stderr.write(f"{reason}: {fault}\n")


def _prepare(house: House, workload: Workload, options: Options, progress: Progress) -> str:
    progress(f"learning {options.history} past events")
    api_key = register(house, house.clock.now_ns())
    enricher = house.knowledge.enricher(DEFAULT_TENANT)
    past = house.places.root / "bench-history.jsonl"
    with past.open("wb") as file:
        for event in workload.history(options.history):
            known = enricher.enrich(event)
            house.knowledge.learn(known)
            file.write(msgspec.json.encode(known) + b"\n")
    house.knowledge.save(DEFAULT_TENANT, house.store.snapshots, 0)
    if options.model is None:
        progress("training a model on them")
        _train(house.places, past)
    return api_key


def _train(places: Places, past: Path) -> None:
    command = [sys.executable, "-m", "ostiary.cli", "risk", "train", "--data", str(places.root)]
    command += ["--events", str(past), "--rounds", "1", "--json"]
    done = subprocess.run(command, check=False, capture_output=True, timeout=_TRAIN_S)  # noqa: S603 - our own command
    if done.returncode:
        raise UnavailableError("bench_no_model", f"no model could be trained: {done.stderr.decode()[-300:]}")


def _in_process(house: House, workload: Workload, options: Options) -> StageFigures:
    engine = house.policies.load(DEFAULT_TENANT)
    warm_up = max(50, options.decisions // 10)
    return measure(house.decider, workload.work(options.decisions + warm_up), _raw(engine), warm_up)


def _raw(engine: Engine) -> RawOpa:
    if not isinstance(engine, OpaEngine):
        raise UnavailableError("engine_missing", "the measurement needs the embedded engine")
    return RawOpa(engine)


def _memory(house: House, workload: Workload, options: Options, progress: Progress) -> list[float]:
    """Return the resident size at even steps of a long run, profiles learning all the while."""
    sizes: list[float] = []
    step = options.memory_decisions // _MEMORY_POINTS
    for point in range(_MEMORY_POINTS if step else 0):
        for begin in range(0, step, _BURST):
            _burst(house, workload.work(min(_BURST, step - begin)))
        sizes.append(_resident_mib())
        progress(f"{(point + 1) * step} decisions, {sizes[-1]} MiB")
    return sizes


def _burst(house: House, work: list[tuple[Receipt, Call]]) -> None:
    """Decide and learn; return when the last record is on disk."""
    last = None
    for receipt, call in work:
        last = house.decider.decide(receipt, call)
        if last.event is not None:
            house.knowledge.learn(last.event)
    if last is not None:
        last.durable.result(timeout=600)


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def _http(
    places: Places, workload: Workload, api_key: str, connections: int, options: Options, progress: Progress
) -> HttpFigures:
    bodies = places.root / "bench-bodies.jsonl"
    bodies.write_bytes(b"\n".join(workload.bodies()))
    runs = []
    with serving(places, options.model) as port:
        loaded(port, bodies, api_key, connections, 1.0)
        for number in range(options.repeat):
            progress(f"{connections} connections, run {number + 1} of {options.repeat}")
            runs.append(loaded(port, bodies, api_key, connections, options.seconds))
    middle = sorted(runs, key=lambda one: one["per_s"])[len(runs) // 2]
    return HttpFigures(
        connections=connections,
        per_s=statistics.median(one["per_s"] for one in runs),
        p50_us=middle["p50_us"],
        p99_us=middle["p99_us"],
        errors=int(sum(one["errors"] for one in runs)),
        runs_per_s=[one["per_s"] for one in runs],
    )


@contextmanager
def serving(places: Places, model: Path | None = None) -> Iterator[int]:
    """Start a server of its own and yield its port."""
    with serving_process(places, model) as (port, _):
        yield port


@contextmanager
def serving_process(places: Places, model: Path | None = None) -> Iterator[tuple[int, int]]:
    """Start a server of its own and yield its port and its process id."""
    port = free_port()
    command = [sys.executable, "-m", "ostiary.cli", "serve", "--data", str(places.root), "--port", str(port)]
    environment = {**os.environ, "OSTIARY_TELEMETRY__LOG_LEVEL": "error"}
    if model is not None:
        environment["OSTIARY_RISK__MODEL"] = str(model)
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own command
        try:
            ready(port, process)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(timeout=30)


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
            if httpx.get(f"http://{HOST}:{port}/readyz", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise UnavailableError("server_not_ready", "the server of the measurement did not become ready")


def loaded(port: int, bodies: Path, api_key: str, connections: int, seconds: float) -> dict[str, float]:
    """Run one closed loop in a process of its own and return its figures."""
    command = [sys.executable, "-m", "ostiary.server.bench.load", "--port", str(port), "--bodies", str(bodies)]
    command += ["--connections", str(connections), "--seconds", str(seconds)]
    command += ["--header", f"Authorization: Bearer {api_key}"]
    done = subprocess.run(command, check=True, capture_output=True, timeout=seconds + 120)  # noqa: S603 - our own module
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def machine() -> dict[str, str]:
    """Return what the figures were measured on, and how busy it was."""
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    return {
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "load": load,
        "system": platform.system(),
    }
