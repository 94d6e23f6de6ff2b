"""How fast the log appends: records of 1 KB, sealed, hashed, group-committed to SQLite with synchronous=FULL.

    python benchmarks/bench_audit.py [--records 40000] [--rounds 3] [--folder DIR] [--json]

Figures: ``append_us`` is what ``append`` costs its caller (median call), ``cpu_us`` what one record costs all threads
together; ``durable_per_s`` counts records whose future is done, that is, on disk; ``serial_p50_ms`` is one record at a
time, waiting for the disk each time.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from ostiary.audit import Appended, AuditLog, AuditSettings
from ostiary.audit.verifier import Verifier
from ostiary.keys import open_keys
from ostiary.storage.sqlite import open_source, open_store
from ostiary.vocabulary.clock import SystemClock

if TYPE_CHECKING:
    from concurrent.futures import Future

PAYLOAD = b"x" * 1024
SUBJECTS = 500


def burst(log: AuditLog, records: int, prefix: str, window: int) -> tuple[float, float, float]:
    """Append with at most ``window`` in flight; return µs a call, CPU µs a record, durable records a second."""
    clock = SystemClock()
    waiting: deque[Future[Appended]] = deque()
    spent: list[int] = []
    began, burnt = time.perf_counter(), time.process_time()
    for number in range(records):
        subject = f"user:{number % SUBJECTS}"
        at = time.perf_counter_ns()
        waiting.append(log.append("default", "decision", f"{prefix}_{number}", clock.now_ns(), PAYLOAD, subject))
        spent.append(time.perf_counter_ns() - at)
        if len(waiting) >= window:
            waiting.popleft().result()
    for future in waiting:
        future.result()
    taken, cpu = time.perf_counter() - began, time.process_time() - burnt
    return statistics.median(spent) / 1000, cpu / records * 1e6, records / taken


def serial(log: AuditLog, records: int) -> float:
    """Append one by one; return the median milliseconds until a record is on disk."""
    taken = []
    for number in range(records):
        at = time.perf_counter()
        log.append("default", "decision", f"serial_{number}", 1, PAYLOAD, "user:1").result()
        taken.append(time.perf_counter() - at)
    return statistics.median(taken) * 1000


def reading(log: AuditLog) -> tuple[float, float]:
    """Return microseconds for one proof and for reading one record back."""
    began = time.perf_counter()
    for number in range(500):
        log.prove("default", f"serial_{number % 50}")
    proved = time.perf_counter()
    for number in range(500):
        log.get("default", f"serial_{number % 50}")
    return (proved - began) / 500 * 1e6, (time.perf_counter() - proved) / 500 * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--window", type=int, default=4096)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    clock = SystemClock()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        home = Path(folder)
        with open_store(home / "ostiary.db", clock) as store:
            ring, vault = open_keys(home / "keys", store, clock)
            with AuditLog(store, vault, ring, clock, AuditSettings()) as log:
                serial_ms = serial(log, 50)
                rounds = [burst(log, options.records, f"r{n}", options.window) for n in range(options.rounds)]
                prove_us, get_us = reading(log)
                batch = log.stats.written / log.stats.batches
        began = time.perf_counter()
        with open_source(home / "ostiary.db", home / "keys") as source:
            verifier = Verifier(source)
            assert verifier.run() is not None
        verified_per_s = verifier.report.size / (time.perf_counter() - began)
    figures = {
        "append_us": round(statistics.median(one[0] for one in rounds), 2),
        "cpu_us": round(statistics.median(one[1] for one in rounds), 2),
        "durable_per_s": round(statistics.median(one[2] for one in rounds)),
        "serial_p50_ms": round(serial_ms, 2),
        "records_per_batch": round(batch, 1),
        "prove_us": round(prove_us),
        "get_us": round(get_us),
        "verified_per_s": round(verified_per_s),
    }
    print(json.dumps(figures) if options.json else "\n".join(f"{name:>18} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
