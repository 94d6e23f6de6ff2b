"""``ostiary bench decide``: one decision in the process and over HTTP, with durable records, in one report.

1. A data directory of its own, with the invented organisation's history learned; it is removed afterwards.
2. In the process: every stage, the disk wait apart, OPA alone on the same documents right after each decision.
3. Over HTTP: one server, closed loops of 1, 16 and 64 connections, then of bodies that hold many questions
   (`evaluations`); server and client share the same cores. The median round counts (``rounds``).
4. Every answer's record is looked for in the log afterwards: too few of them is an error.
5. Memory: resident size of this process while it decides again and again, when asked for.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ostiary.decision.parts import Call
from ostiary.errors import UnavailableError, VerificationError
from ostiary.policy.engine import ADAPTIVE, GUARDRAILS, Engine, OpaEngine
from ostiary.server.bench.quiet import pinned
from ostiary.server.bench.rounds import Loop, Round, Rules, median_of, rounds, serving_process
from ostiary.server.bench.stages import StageFigures, measure
from ostiary.server.bench.workload import Workload, register
from ostiary.server.places import DEFAULT_TENANT, Places
from ostiary.server.wiring import House, open_house
from ostiary.signals import compiled
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.entities import Receipt

_TRAIN_S: Final = 900.0
_TRAIN_EVENTS: Final = 1500
_MEMORY_POINTS: Final = 20
_BURST: Final = 1000
BATCHES: Final = 4
Progress = Callable[[str], None]


class Options(msgspec.Struct, frozen=True):
    """What to measure.

    Attributes:
        decisions: counted in-process decisions.
        connections: closed loops over HTTP.
        seconds: length of one round over HTTP.
        repeat: rounds of each; the median counts.
        memory_decisions: decisions of the memory run; 0 leaves it out.
        history: past events that the profiles know.
        model: folder of a signed model, or ``None`` to learn one from the newest of the invented history.
        train: whether a model is learned when there is none; without one nothing is scored.
        items: questions in one body of `evaluations`; 0 leaves these out.
        cores: processor cores that server and client share.
        deadline_s: how long rounds are begun over HTTP, in all.
        anyway: count rounds that other programs disturbed.
    """

    decisions: int = 2000
    connections: tuple[int, ...] = (1, 16, 64)
    seconds: float = 10.0
    repeat: int = 3
    memory_decisions: int = 0
    history: int = 20_000
    model: Path | None = None
    train: bool = True
    items: int = 20
    cores: int = 2
    deadline_s: float = 600.0
    anyway: bool = False


class HttpFigures(msgspec.Struct, frozen=True):
    """The median round of one number of connections; ``items`` questions in each body, see ``rounds.Round``."""

    connections: int
    items: int
    per_s: float
    p50_us: float
    p99_us: float
    denied: int
    errors: int
    server_cpu_us: float
    client_cpu_us: float
    threads_us: dict[str, float]
    rounds: list[Round]


class Report(msgspec.Struct, frozen=True):
    """Every figure; microseconds and decisions a second.

    Attributes:
        in_process_p50_us: one whole decision in the process, OPA included, the disk wait not.
        in_process_without_opa_p50_us: the same less OPA alone.
        opa_p50_us: OPA alone, both entrypoints.
        http_durable_per_s: the best of the connection counts, one question a request, each the median of its rounds.
        http_batch_per_s: the same of bodies with many questions.
        client: what asked over HTTP.
        records: decisions in the log after all; never fewer than were answered.
    """

    in_process_p50_us: float
    in_process_p99_us: float
    in_process_without_opa_p50_us: float
    opa_p50_us: float
    http_durable_per_s: float
    http_batch_per_s: float
    in_process: StageFigures
    http: list[HttpFigures]
    client: str
    records: int
    memory_mib: list[float]
    model: str
    machine: dict[str, str]


class RawOpa:
    """OPA's own answers, with nothing of ours around them."""

    def __init__(self, engine: OpaEngine) -> None:
        """Share the engine's OPA."""
        self._evaluate, self._shown = engine.raw, engine.shown

    def shown(self, guardrails: bytes, adaptive: bytes) -> tuple[bytes, bytes]:
        """Return what OPA is shown of the two documents of one decision."""
        return self._shown(GUARDRAILS, guardrails), self._shown(ADAPTIVE, adaptive)

    def guardrails(self, document: bytes) -> bytes:
        """Return OPA's answer to the guardrails."""
        return self._evaluate(GUARDRAILS, document)

    def adaptive(self, document: bytes) -> bytes:
        """Return OPA's answer to the adaptive rules."""
        return self._evaluate(ADAPTIVE, document)


def run(options: Options, progress: Progress) -> Report:
    """Measure everything that ``options`` ask for.

    Raises:
        UnavailableError: ``machine_busy``, ``bench_load_failed``, ``bench_no_model``, ``server_not_ready``.
        VerificationError: ``bench_records_missing``: something was answered without a record.
    """
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as folder:
        places = Places(Path(folder) / "data")
        workload = Workload(SystemClock().now_ns())
        with _house(places, workload, options) as house:
            api_key = _prepare(house, workload, options, progress)
            progress(f"{options.decisions} decisions in the process")
            figures = _in_process(house, workload, options)
            scorer = house.scorers.scorer(DEFAULT_TENANT)
            memory = _memory(house, workload, options, progress)
            before = house.log.head().size
        http, answered = _over_http(places, workload, api_key, options, progress)
        records = _recorded(places, workload, before, answered)
    return Report(
        in_process_p50_us=figures.whole.p50_us,
        in_process_p99_us=figures.whole.p99_us,
        in_process_without_opa_p50_us=figures.without_opa.p50_us,
        opa_p50_us=figures.opa_alone.p50_us,
        http_durable_per_s=max((one.per_s for one in http if one.items == 1), default=0.0),
        http_batch_per_s=max((one.per_s for one in http if one.items > 1), default=0.0),
        in_process=figures,
        http=http,
        client="a bare asyncio protocol over uvloop, HTTP/1.1 read by hand, on the server's own cores",
        records=records,
        memory_mib=memory,
        model=scorer.digest if scorer is not None else "",
        machine=machine(),
    )


def _over_http(
    places: Places, workload: Workload, api_key: str, options: Options, progress: Progress
) -> tuple[list[HttpFigures], int]:
    """Return the figures and how many decisions came back in all, in rounds that count and in others."""
    single, many = places.root / "bench-bodies.jsonl", places.root / "bench-batches.jsonl"
    single.write_bytes(b"\n".join(workload.bodies()))
    many.write_bytes(b"\n".join(workload.batches(options.items)))
    figures, answered = list[HttpFigures](), list[int]()
    with pinned(options.cores) as cores, serving_process(places, options.model) as (port, pid):
        until = time.monotonic() + options.deadline_s
        rules = Rules(options.seconds, options.repeat, cores, until, options.anyway)
        loops = [Loop((port,), single, api_key, connections) for connections in options.connections]
        if options.items:
            loops.append(Loop((port,), many, api_key, BATCHES, "/access/v1/evaluations", options.items))
        for loop in loops:
            kept = rounds(loop, (pid,), rules, progress, answered.append)
            one = median_of(kept)
            told = (one.per_s, one.p50_us, one.p99_us, one.denied, one.errors, one.server_cpu_us, one.client_cpu_us)
            more = (one.threads_us, kept)
            figures.append(HttpFigures(loop.connections, loop.items, *told, *more))
    return figures, sum(answered)


def _recorded(places: Places, workload: Workload, before: int, answered: int) -> int:
    """Return how many decisions the log holds since it had ``before`` entries.

    Raises:
        VerificationError: ``bench_records_missing``.
    """
    with open_house(places, workload.settings(places), SystemClock(), _complain) as house:
        size = house.log.head().size
        found = sum(1 for row in house.log.store.rows(before, size) if row.kind == "decision")
    if found < answered:
        raise VerificationError("bench_records_missing", f"{answered} answers, and {found} records of them")
    return found


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
    if options.model is None and options.train:
        progress(f"training a model on the newest {_TRAIN_EVENTS} of them: a minute or two")
        newest = house.places.root / "bench-newest.jsonl"
        newest.write_bytes(b"".join(past.read_bytes().splitlines(keepends=True)[-_TRAIN_EVENTS:]))
        _train(house.places, newest)
    return api_key


def _train(places: Places, past: Path) -> None:
    command = [sys.executable, "-m", "ostiary.cli", "risk", "train", "--data", str(places.root)]
    command += ["--events", str(past), "--rounds", "1", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # on a busy machine more threads wait for each other
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, check=False, capture_output=True, timeout=_TRAIN_S, env=environment
        )
    except subprocess.TimeoutExpired:
        text = f"no model was trained within {_TRAIN_S:.0f} s: give one with --model, or --no-train"
        raise UnavailableError("bench_no_model", text) from None
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


@contextmanager
def serving(places: Places, model: Path | None = None) -> Iterator[int]:
    """Start a server of its own and yield its port."""
    with serving_process(places, model) as (port, _):
        yield port


def machine() -> dict[str, str]:
    """Return what the figures were measured on, and how busy it was."""
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    return {
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "load": load,
        "system": platform.system(),
        "signals": "plain" if compiled.PLAIN else "compiled",
    }
