"""Measures ``ostiary risk score`` on one core and on two: accesses a second, and processor time of each process.

    python benchmarks/bench_score.py --model DIR --events FILE [--mapping devaccess] [--rounds 3] [--json]

Start-up is left out. Each round runs every case once, in turn; told are the least times of all rounds, since a busy
machine only adds. ``here`` reads, looks, learns and writes lines; ``beside`` is the process that judges, if there is
one. ``lines`` names the lines themselves: whatever the cores, it is the same.
"""

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from ostiary.cli.risk.score import SELDOM
from ostiary.cli.risk.shared import book_for, reader_of, scorer_of
from ostiary.risk.stream import event_lines, judge, session_lines, sittings
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir

CASES = [(level, cores) for level in ("event", "session") for cores in (1, 2)]


def spent(who: int) -> float:
    """Return the processor seconds of this process, or of its children that have ended."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def measured(model: Path, events: Path, mapping: str, level: str, cores: int) -> dict[str, Any]:
    """Return what one run takes, in microseconds an access."""
    gc.set_threshold(*SELDOM)
    scorer = scorer_of(model, Places(data_dir(None)), DEFAULT_TENANT)
    sessions = scorer.sessions() if level == "session" else None
    reader, book = reader_of(events, mapping, DEFAULT_TENANT), book_for(DEFAULT_TENANT, scorer)
    begin, here = time.perf_counter(), spent(resource.RUSAGE_SELF)
    judged = judge(reader, scorer, book, sessions, apart=cores > 1)
    encode, digest = msgspec.json.Encoder().encode, sha256()
    for line in event_lines(judged) if level == "event" else session_lines(sittings(judged)):
        digest.update(encode(line))
    taken = {
        "wall": time.perf_counter() - begin,
        "here": spent(resource.RUSAGE_SELF) - here,
        "beside": spent(resource.RUSAGE_CHILDREN),
    }
    return {name: 1e6 * value / reader.events for name, value in taken.items()} | {"lines": digest.hexdigest()[:16]}


def least(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the least of each figure over rounds that said the same."""
    if len({one["lines"] for one in rounds}) != 1:
        raise SystemExit("two runs said different things")
    figures = {f"{name}_us": round(min(one[name] for one in rounds), 1) for name in ("wall", "here", "beside")}
    return figures | {"a_second": round(1e6 / figures["wall_us"]), "lines": rounds[0]["lines"]}


def main() -> None:
    """Run every case in a process of its own, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--mapping", default="devaccess")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        level, cores = args.case
        print(json.dumps(measured(args.model, args.events, args.mapping, level, int(cores))))
        return
    rounds: dict[tuple[str, int], list[dict[str, Any]]] = {case: [] for case in CASES}
    for _ in range(args.rounds):
        for level, cores in CASES:
            command = [sys.executable, __file__, *sys.argv[1:], "--case", level, str(cores)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 - this very program
            rounds[level, cores].append(json.loads(done.stdout))
    told = [{"level": level, "cores": cores, **least(rounds[level, cores])} for level, cores in CASES]
    print(json.dumps(told, indent=None if args.json else 1))


if __name__ == "__main__":
    main()
