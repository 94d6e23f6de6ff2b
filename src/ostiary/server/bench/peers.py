"""``ostiary bench peers``: our own decisions beside others' engines, on one machine in one run.

1. Ours over HTTP: the whole decision, its record on disk before the answer leaves.
2. OPA alone over the same HTTP stack (``opa_only``): the very documents that our policy saw, both entrypoints, no
   identity, signals, score or record. It is what a policy engine behind a door costs, and a bound for ours.
3. Cedar in the process, where ``cedarpy`` is installed: an authorisation of the same people and things by role, with no
   HTTP and no record either.

The three do different amounts of work, and the report says which. Each figure has the machine's load beside it.
"""

import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.decision.document import adaptive_document
from ostiary.server.bench.decide import machine
from ostiary.server.bench.quiet import pinned
from ostiary.server.bench.rounds import Loop, Rules, free_port, median_of, ready, rounds, serving_process
from ostiary.server.bench.workload import Person, Workload, register
from ostiary.server.places import DEFAULT_TENANT, Places
from ostiary.server.wiring import House, open_house
from ostiary.vocabulary.clock import SystemClock

CEDAR: Final = """
permit (principal in Role::"developer", action in [Action::"read", Action::"query"], resource)
when { resource.sensitivity <= 3 };
forbid (principal, action, resource is Database)
when { resource.production && !(context.mfa && context.managed) };
forbid (principal, action, resource) unless { context.session_living };
"""
DOCUMENTS: Final = 200
Progress = Callable[[str], None]


class Options(msgspec.Struct, frozen=True):
    """What to measure: closed loops, seconds and repeats of each over HTTP; decisions in the process."""

    connections: tuple[int, ...] = (1, 16, 64)
    seconds: float = 5.0
    repeat: int = 3
    decisions: int = 5000
    cores: int = 2
    deadline_s: float = 600.0
    anyway: bool = False


class PeerFigures(msgspec.Struct, frozen=True):
    """One peer with one number of callers.

    Attributes:
        peer: ``ostiary``, ``opa_only`` or ``cedarpy``.
        does: what is done for one answer.
        connections: closed loops over HTTP; 0 in the process.
        cpu_us: processor time of the serving process for one answer.
        others: share of the cores that other programs took in the worst round that counts.
    """

    peer: str
    does: str
    connections: int
    per_s: float
    p50_us: float
    p99_us: float
    cpu_us: float
    errors: int = 0
    others: float = 0.0


class PeersReport(msgspec.Struct, frozen=True):
    """Every figure, what was left out and why, and the machine."""

    figures: list[PeerFigures]
    left_out: dict[str, str]
    machine: dict[str, str]


def run(options: Options, progress: Progress) -> PeersReport:
    """Measure every peer that is here."""
    figures: list[PeerFigures] = []
    left_out: dict[str, str] = {}
    with pinned(options.cores), tempfile.TemporaryDirectory(prefix="ostiary-peers-") as folder:
        places, workload = Places(Path(folder) / "data"), Workload(SystemClock().now_ns())
        settings = workload.prepare(places)
        with open_house(places, settings, SystemClock(), _complain) as house:
            api_key = register(house, house.clock.now_ns())
            house.policies.load(DEFAULT_TENANT)
            documents = places.root / "bench-documents.jsonl"
            documents.write_bytes(b"\n".join(_documents(house, workload)))
        bodies = places.root / "bench-bodies.jsonl"
        bodies.write_bytes(b"\n".join(workload.bodies()))
        with serving_process(places) as server:
            does = "identity, signals, policy, record on disk, HTTP"
            figures += _over_http("ostiary", does, server, bodies, api_key, options, progress)
        with _opa_only(places) as server:
            figures += _over_http("opa_only", "policy, HTTP", server, documents, api_key, options, progress)
    try:
        figures.append(_cedar(workload.people, options.decisions, progress))
    except ImportError:
        left_out["cedarpy"] = "not installed: pip install cedarpy"
    return PeersReport(figures, left_out, machine())


def _complain(reason: str, fault: BaseException) -> None:
    sys.stderr.write(f"{reason}: {fault}\n")


def _documents(house: House, workload: Workload) -> Iterator[bytes]:
    """Yield what both entrypoints of the policy saw of some decisions, as one JSON array each."""
    for receipt, call in workload.work(DOCUMENTS):
        decided = house.decider.decide(receipt, call)
        decided.durable.result(timeout=60)
        record = decided.record
        if record.guardrails is None:
            continue
        document = bytes(record.input)
        joined = document if record.risk is None else adaptive_document(document, record.guardrails, record.risk)
        yield b"[" + document + b"," + joined + b"]"


def _over_http(
    peer: str, does: str, server: tuple[int, int], bodies: Path, api_key: str, options: Options, progress: Progress
) -> list[PeerFigures]:
    port, pid = server
    figures = []
    with pinned(options.cores) as cores:
        rules = Rules(options.seconds, options.repeat, cores, time.monotonic() + options.deadline_s, options.anyway)
        for connections in options.connections:
            progress(f"{peer}:")
            kept = rounds(Loop((port,), bodies, api_key, connections), (pid,), rules, progress)
            one, worst = median_of(kept), max(each.others for each in kept)
            told = (one.per_s, one.p50_us, one.p99_us, round(one.server_cpu_us), one.errors, worst)
            figures.append(PeerFigures(peer, does, connections, *told))
    return figures


@contextmanager
def _opa_only(places: Places) -> Iterator[tuple[int, int]]:
    port = free_port()
    command = [sys.executable, "-m", "ostiary.server.bench.opa_only", str(port), str(places.root)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own module
        try:
            ready(port, process)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(timeout=30)


def _cedar(people: list[Person], decisions: int, progress: Progress) -> PeerFigures:
    """Authorise ``decisions`` requests of the same people by role, one after another.

    Raises:
        ImportError: ``cedarpy`` is not installed.
    """
    cedarpy = importlib.import_module("cedarpy")  # a peer: needed by this measurement alone
    progress("cedarpy in the process")
    entities = cedarpy.Entities.from_json_str(json.dumps(_cedar_entities(people)))
    policies = cedarpy.PolicySet.from_str(CEDAR)
    requests = [_cedar_request(person) for person in people]
    took, begin_cpu, begin = [], time.process_time(), time.perf_counter()
    for number in range(decisions):
        at = time.perf_counter_ns()
        result = cedarpy.is_authorized(requests[number % len(requests)], policies, entities)
        took.append(time.perf_counter_ns() - at)
        if not result.allowed:
            raise RuntimeError("the peer's policy denies what ours allows")
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    cuts = statistics.quantiles(took, n=100)
    return PeerFigures(
        peer="cedarpy",
        does="one policy by role, in the process",
        connections=0,
        per_s=round(decisions / seconds, 1),
        p50_us=round(cuts[49] / 1000, 1),
        p99_us=round(cuts[98] / 1000, 1),
        cpu_us=round(cpu / decisions * 1e6),
    )


def _cedar_entities(people: list[Person]) -> list[dict[str, Any]]:
    role = {"type": "Role", "id": "developer"}
    entities: list[dict[str, Any]] = [{"uid": role, "attrs": {}, "parents": []}]
    entities += [{"uid": {"type": "User", "id": one.name}, "attrs": {}, "parents": [role]} for one in people]
    for kind, names, sensitivity in (
        ("Repository", {name for person in people for name in person.repositories}, 2),
        ("Database", {person.database for person in people}, 3),
    ):
        attributes = {"sensitivity": sensitivity, "production": kind == "Database"}
        entities += [{"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": []} for name in sorted(names)]
    return entities


def _cedar_request(person: Person) -> dict[str, Any]:
    return {
        "principal": {"type": "User", "id": person.name},
        "action": {"type": "Action", "id": "query"},
        "resource": {"type": "Database", "id": person.database},
        "context": {"mfa": True, "managed": True, "session_living": True},
    }
