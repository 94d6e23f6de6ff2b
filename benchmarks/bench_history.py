"""Measure history over workers: seconds of CPU a million events, and how far more workers carry.

    .venv/bin/python benchmarks/bench_history.py [--events 12000] [--part 1000] [--workers 1,2] [--tenants 1] [--json]

Replays one history by one process without Dask, then by so many workers each, from a folder. ``speed_up`` is against
the one process; ``efficiency`` is that over the workers; ``bound`` is what pass one allows one tenant (ADR-0075).
``work`` is the CPU of all workers against that of the one process, which a busy machine does not change much. With
``--tenants`` so many histories are replayed side by side, which nothing but the workers bounds.
"""

import argparse
import json
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from ostiary.keys import KeyRing
from ostiary.risk.source import Source
from ostiary.server.history.cluster import cluster
from ostiary.server.history.parts import export
from ostiary.server.history.replaying import replay_history
from ostiary.server.history.shelf import Shelf
from ostiary.signals.book import ProfileBook
from ostiary.signals.replay import replay
from ostiary.testing.organisation import Organisation
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.events import AccessEvent


def history(count: int, tenant: str) -> list[AccessEvent]:
    """Return so many events of a simulated organisation."""
    found: list[AccessEvent] = []
    days = 20
    while len(found) < count:
        days *= 2
        found = Organisation(people=80, days=days).history()[:count]
    return [msgspec.structs.replace(event, tenant=tenant) for event in found]


def alone(events: list[AccessEvent]) -> dict[str, float]:
    """Return what learning and what replaying costs one process, in seconds of CPU and of the clock."""
    book, begun = ProfileBook(events[0].tenant), time.thread_time()
    for event in events:
        book.learn(event)
    learned = time.thread_time() - begun
    book, begun, clock = ProfileBook(events[0].tenant), time.thread_time(), time.perf_counter()
    for _ in replay(events, book):
        pass
    return {"learn_cpu_s": learned, "replay_cpu_s": time.thread_time() - begun, "replay_s": time.perf_counter() - clock}


def together(histories: dict[str, list[AccessEvent]], workers: int, part: int) -> tuple[float, float]:
    """Return the seconds that so many workers take for all histories, and their CPU; starting them is not counted."""
    with tempfile.TemporaryDirectory() as place, cluster(workers) as client:
        ring = KeyRing(Path(place) / "keys", SystemClock())
        shelves = {tenant: Shelf(f"{place}/{tenant}") for tenant in histories}
        for tenant, events in histories.items():
            export(shelves[tenant], ring, tenant, events, partial(Source, "simulated", "", len(events)), part)
        before, begun = sum(client.run(_cpu).values()), time.perf_counter()
        with ThreadPoolExecutor(len(histories)) as pool:
            list(pool.map(lambda tenant: replay_history(shelves[tenant], ring, tenant, client), histories))
        return time.perf_counter() - begun, sum(client.run(_cpu).values()) - before


def _cpu() -> float:
    """Load what a worker needs, a second that a long run does not feel; return the CPU that it has used so far."""
    import ostiary.server.history.passes  # noqa: F401, PLC0415

    return time.process_time()


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the figures."""
    histories = {f"t{number}": history(arguments.events, f"t{number}") for number in range(arguments.tenants)}
    one = alone(histories["t0"])
    scale = 1_000_000 / arguments.events
    total = one["replay_s"] * arguments.tenants
    found: dict[str, Any] = {
        "events": arguments.events,
        "part": arguments.part,
        "tenants": arguments.tenants,
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "learn_cpu_s_per_million": round(one["learn_cpu_s"] * scale),
        "replay_cpu_s_per_million": round(one["replay_cpu_s"] * scale),
        "bound": round(one["replay_cpu_s"] / one["learn_cpu_s"], 2),
        "one_process_s": round(total, 1),
        "workers": {},
    }
    for workers in map(int, arguments.workers.split(",")):
        seconds, cpu = together(histories, workers, arguments.part)
        gain = total / seconds
        told = {"seconds": round(seconds, 1), "speed_up": round(gain, 2), "efficiency": round(gain / workers, 2)}
        told["work"] = round(cpu / (one["replay_cpu_s"] * arguments.tenants), 2)
        found["workers"][str(workers)] = told
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=12_000)
    parser.add_argument("--part", type=int, default=1_000)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--tenants", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measured(arguments)
    print(json.dumps(found) if arguments.json else json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
