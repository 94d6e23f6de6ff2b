"""A server under load for long: run ``python -m benchmarks.bench_load [--minutes 10] [--share 0.7] [--backing large]``.

Embedded, or on a PostgreSQL whose commits wait for the disk, and Valkey (``--backing large``).

1. The peak: closed loops of 8, 32 and 64 connections; the best of them counts.
2. The long run: an open loop at ``share`` of the peak. Each minute p50 and p99, from the moment a question was due;
   every five seconds resident memory (and how much of it are pages of files), open files, and how far what follows the
   log is behind it: records on their way to the disk, the columns of the decision index, event tokens that wait,
   decisions to be learned and to be looked at for responses, records of other replicas to be learned.
3. Overload: an open loop at twice the peak over 640 connections. What is refused must be 429 or 503 with
   ``Retry-After`` and must not allow; what was answered with a decision must have its record in the log, looked up
   afterwards.

Memory counts as flat when the slope of the second half, with its 95 % interval from means of half-minutes, holds 0 or
is less than 1 % of what is resident an hour. Beside it stand each half minute the queues that keep decisions in memory
(``each_half_minute``) and the longest that each of them was (``longest``): memory that one of them took stays with the
process, so a step in it that follows a queue is no growth without end. It counts all the same.

Prints one JSON object; exits with 1 when anything does not hold. Server and load share the machine, and the load
average is told beside the figures.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from benchmarks.faults.backing import backing
from typing_extensions import override

from ostiary.server.admins import EVERY_TENANT
from ostiary.server.bench.decide import machine
from ostiary.server.bench.rounds import HOST
from ostiary.server.bench.workload import Workload, register
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.settings.sections import Settings
from ostiary.server.wiring import open_house
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock

SAMPLE_S: Final = 5.0
SPARE_S: Final = 1800
"""How much longer than the long run the callers' tokens live."""
OVERLOAD: Final = 2.0
OVERLOAD_S: Final = 20.0
BLOCK: Final = 6
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
GAUGES: Final = {
    "records_waiting": "ostiary_audit_waiting",
    "tokens_waiting": "ostiary_signals_waiting",
    "learning_waiting": "ostiary_learning_waiting",
    "response_queue": "ostiary_response_queue",
    "log_behind": "ostiary_log_behind",
    "learning_dropped": "ostiary_learning_dropped_total",
    "height": "ostiary_audit_chain_height",
}
KEPT: Final = ("learning_waiting", "response_queue", "log_behind")
"""Which of them keep decisions in memory, or have others read them at once."""


class Sample(msgspec.Struct, frozen=True):
    """What a look at the server showed; ``index_behind`` is how many entries of the log the lists do not show yet."""

    at_s: float
    rss_mib: float
    of_files_mib: float
    files: int
    cpu_s: float
    records_waiting: int
    tokens_waiting: int
    learning_waiting: int
    response_queue: int
    log_behind: int
    learning_dropped: int
    height: int
    index_behind: int


class Watcher(threading.Thread):
    """Looks at a server every few seconds until told to stop."""

    def __init__(self, server: Served, port: int, admin_key: str) -> None:
        """Look at the worker of ``server``, which serves ``port``."""
        super().__init__(daemon=True)
        self._server = server
        self.workers: set[int] = set()
        self._http = httpx.Client(
            base_url=f"http://{HOST}:{port}", headers={"Authorization": f"Bearer {admin_key}"}, timeout=30
        )
        self.samples: list[Sample] = []
        self.missed = 0
        self._begin = time.monotonic()
        self.stop = threading.Event()

    @override
    def run(self) -> None:
        """Look, and look again."""
        while not self.stop.wait(SAMPLE_S):
            try:
                self.samples.append(self._look())
            except (httpx.HTTPError, KeyError, OSError, ValueError):
                self.missed += 1
        self._http.close()

    def _look(self) -> Sample:
        pid = self._server.worker
        self.workers.add(pid)
        proc = Path("/proc") / str(pid)
        told = {}
        for line in self._http.get("/metrics").text.splitlines():
            name, _, value = line.rpartition(" ")
            if name in GAUGES.values():
                told[name] = int(float(value))
        gauges = {key: told.get(name, 0) for key, name in GAUGES.items()}
        resident, of_files = (round(int(n) * PAGE / 2**20, 1) for n in (proc / "statm").read_text().split()[1:3])
        listed = self._http.get("/api/v1/tenants/default/decisions", params={"effect": "TERMINATE", "limit": 1}).json()
        return Sample(
            at_s=round(time.monotonic() - self._begin, 1),
            rss_mib=resident,
            of_files_mib=of_files,
            files=len(list((proc / "fd").iterdir())),
            cpu_s=_cpu_s(pid),
            index_behind=max(0, gauges["height"] - int(listed["indexed"])),
            **gauges,
        )


def _cpu_s(pid: int) -> float:
    fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def slope(samples: list[Sample]) -> dict[str, float | bool]:
    """Return how memory moves in the second half of a run, in MiB an hour, with a 95 % interval over block means."""
    later = samples[len(samples) // 2 :]
    blocks = [later[at : at + BLOCK] for at in range(0, len(later) - BLOCK + 1, BLOCK)]
    points = [(statistics.mean(s.at_s for s in b) / 3600, statistics.mean(s.rss_mib for s in b)) for b in blocks]
    if len(points) < 4:  # noqa: PLR2004 - a line through fewer says nothing
        return {"blocks": len(points), "flat": False}
    fit = statistics.linear_regression(*zip(*points, strict=True))
    middle = statistics.mean(x for x, _ in points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    off = sum((y - fit.slope * x - fit.intercept) ** 2 for x, y in points)
    error = math.sqrt(off / (len(points) - 2) / spread) * _t95(len(points) - 2)
    resident = statistics.mean(y for _, y in points)
    low, high = fit.slope - error, fit.slope + error
    return {
        "blocks": len(points),
        "mib_an_hour": round(fit.slope, 1),
        "low": round(low, 1),
        "high": round(high, 1),
        "resident_mib": round(resident, 1),
        "flat": low <= 0 or fit.slope < resident / 100,
    }


def half_minutes(samples: list[Sample]) -> dict[str, list[float]]:
    """Return the means of resident MiB and of what keeps decisions: a slope alone does not tell growth from a step.

    A decision that waits is kept in memory, so that may rise and stay up after a queue, and not again.
    """
    blocks = [samples[at : at + BLOCK] for at in range(0, len(samples) - BLOCK + 1, BLOCK)]
    return {
        name: [round(statistics.mean(getattr(one, name) for one in block), 1) for block in blocks]
        for name in ("rss_mib", "of_files_mib", *KEPT)
    }


def _t95(freedom: int) -> float:
    """Return Student's t for a two-sided 95 % interval."""
    table = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 8: 2.31, 10: 2.23, 15: 2.13, 20: 2.09, 30: 2.04}
    return next((value for known, value in sorted(table.items(), reverse=True) if known <= freedom), 12.71)


def _loop(port: int, key: str, bodies: Path, rate: float, seconds: float, **more: Any) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.open_loop", "--port", str(port), "--rate", str(rate)]
    command += ["--seconds", str(seconds), "--bodies", str(bodies), "--header", f"Authorization: Bearer {key}"]
    for name, value in more.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own module
    return [json.loads(line) for line in done.stdout.splitlines()]


def _peak(port: int, key: str, bodies: Path, seconds: float) -> dict[str, float]:
    best: dict[str, float] = {"per_s": 0.0}
    for connections in (8, 32, 64):
        command = [sys.executable, "-m", "ostiary.server.bench.load", "--port", str(port), "--bodies", str(bodies)]
        command += ["--connections", str(connections), "--seconds", str(seconds)]
        command += ["--header", f"Authorization: Bearer {key}"]
        done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own module
        best = max(best, json.loads(done.stdout), key=lambda figures: figures["per_s"])
    return best


def _settings(places: Places, workload: Workload, below: dict[str, str]) -> Settings:
    workload.prepare(places)
    return load(places.settings, environ=below).settings


def _unrecorded(places: Places, settings: Settings, answers: Path) -> dict[str, int]:
    """Look up every decision that was told while there was too much to do."""
    told = [line.split("\t") for line in answers.read_text().splitlines()]
    named = [(effect, name) for _, effect, name in told if name]
    with open_house(places, settings, SystemClock(), print) as house:
        lost = sum(1 for _, name in named if house.log.get("default", name) is None)
    twice = len(named) - len({name for _, name in named})
    return {"answers": len(told), "decisions_told": len(named), "without_a_record": lost, "told_twice": twice}


def main() -> int:
    """Run all three parts and print what they showed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--share", type=float, default=0.7, help="of the peak, in the long run")
    parser.add_argument("--peak-seconds", type=float, default=10.0)
    parser.add_argument("--backing", choices=("embedded", "large"), default="embedded")
    asked = parser.parse_args()
    before = machine()
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-load-"))
        places = Places(Path(folder) / "data")
        below: dict[str, str] = {}
        if asked.backing == "large":
            below = opened.enter_context(backing(Path(folder) / "backing", None, durable=True)).straight()
        life_s = int(asked.minutes * 60) + SPARE_S
        workload = Workload(SystemClock().now_ns(), token_life_s=life_s)
        settings = _settings(places, workload, below)
        with open_house(places, settings, SystemClock(), print) as house:
            key = register(house, house.clock.now_ns())
            admin_key = house.admins.create(EVERY_TENANT)
        bodies = places.root / "bench-bodies.jsonl"
        bodies.write_bytes(b"\n".join(workload.bodies()))
        answers = Path(folder) / "answers.tsv"
        with Served(places.root, environ={"OSTIARY_TELEMETRY__LOG_LEVEL": "error", **below}) as server:
            port = int(server.url.rpartition(":")[2])
            _loop(port, key, bodies, 50, 2)
            peak = _peak(port, key, bodies, asked.peak_seconds)
            rate = peak["per_s"] * asked.share
            watcher = Watcher(server, port, admin_key)
            watcher.start()
            minutes = _loop(port, key, bodies, rate, asked.minutes * 60)
            watcher.stop.set()
            watcher.join()
            over = _loop(
                port, key, bodies, peak["per_s"] * OVERLOAD, OVERLOAD_S, connections=640, answers=answers, slice=5
            )
            after = _loop(port, key, bodies, rate, 5, slice=5)
        recorded = _unrecorded(places, settings, answers)
    report = _report(asked, peak, rate, minutes, watcher, over, after, recorded)
    print(json.dumps({**report, "machine": {**before, "load_after": machine()["load"]}}))
    return 0 if all(report["holds"].values()) else 1


def _report(
    asked: argparse.Namespace,
    peak: dict[str, float],
    rate: float,
    minutes: list[dict[str, Any]],
    watcher: Watcher,
    over: list[dict[str, Any]],
    after: list[dict[str, Any]],
    recorded: dict[str, int],
) -> dict[str, Any]:
    samples = watcher.samples
    counts = {name: sum(one.get(name, 0) for one in over) for name in ("200", "429", "503", "allowed", "broken")}
    refused = counts["429"] + counts["503"]
    told_when = sum(one.get("retry_after", 0) for one in over)
    half = len(samples) // 2
    lags = {
        name: [statistics.mean(getattr(s, name) for s in part) for part in (samples[:half], samples[half:]) if part]
        for name in ("records_waiting", "index_behind", "tokens_waiting", *KEPT, "files")
    }
    memory = slope(samples)
    per_100k = float(memory.get("mib_an_hour", math.nan)) / (rate * 3600) * 100_000
    asked_in_all = sum(one.get("200", 0) for one in minutes)
    spent = samples[-1].cpu_s - samples[0].cpu_s if samples else 0.0
    between = samples[-1].height - samples[0].height if samples else 0
    holds = {
        "one_worker": len(watcher.workers) == 1,
        "memory_flat": bool(memory["flat"]),
        "lag_not_growing": all(len(two) < 2 or two[1] <= two[0] * 1.5 + 50 for two in lags.values()),  # noqa: PLR2004
        "learns_everything": bool(samples) and samples[-1].learning_dropped == 0,
        "sheds_with_retry_after": refused == told_when and not sum(one.get("refused_and_allowed", 0) for one in over),
        "every_answer_recorded": recorded["without_a_record"] == 0 and recorded["told_twice"] == 0,
        "recovers": after[0].get("200", 0) > rate * 5 * 0.8,
    }
    return {
        "minutes": asked.minutes,
        "backing": asked.backing,
        "peak": peak,
        "rate": round(rate, 1),
        "answered": asked_in_all,
        "cpu_us_per_entry": round(spent / between * 1e6) if between and len(watcher.workers) == 1 else 0,
        "each_minute": minutes,
        "memory": {**memory, "mib_per_100k_decisions": round(per_100k, 2) if math.isfinite(per_100k) else None},
        "each_half_minute": half_minutes(samples),
        "longest": {name: max((getattr(one, name) for one in samples), default=0) for name in KEPT},
        "means_of_both_halves": {name: [round(one, 1) for one in two] for name, two in lags.items()},
        "samples": len(samples),
        "samples_missed": watcher.missed,
        "learning_dropped": samples[-1].learning_dropped if samples else 0,
        "overload": {
            **counts,
            "retry_after": told_when,
            "worst_p99_ms": max(one["p99_ms"] for one in over),
            **recorded,
        },
        "after": after[0],
        "holds": holds,
    }


if __name__ == "__main__":
    sys.exit(main())
