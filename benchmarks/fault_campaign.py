"""Injects faults into a real deployment under load, one after another, and checks after each what must always hold.

    python -m benchmarks.fault_campaign [--faults 500] [--seed 1] [--report FILE]
    python -m benchmarks.fault_campaign --render            # writes the page anew from the committed report

Root sees the faults of full disks as well, and a machine with a C compiler those of failing disks and jumping clocks;
what is left out is said in the report. Ends with 1 at the first broken invariant, with what is needed to come there
again.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from benchmarks.faults.campaign import INJECTIONS, Plan, Result, run
from benchmarks.faults.report import Report, render

from ostiary.vocabulary.clock import SystemClock

PAGE = Path("docs/explanation/fault-campaign.md")
CHILDREN: list[subprocess.Popen[bytes]] = []
REPORT = Path("benchmarks/reports/fault_campaign.json")


def main() -> int:
    """Run, or render."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=500)
    parser.add_argument("--per-deployment", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="deployment to begin with, to come to one place again")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--askers", type=int, default=4, help="enforcement points of each tenant")
    parser.add_argument("--within", type=float, default=30.0, help="seconds in which service must be back")
    parser.add_argument("--only", nargs="*", default=[], choices=[one.name for one in INJECTIONS], metavar="KIND")
    parser.add_argument("--backing", choices=("embedded", "large", "both"), default="embedded")
    parser.add_argument("--at-once", type=int, default=1, help="deployments at the same time")
    parser.add_argument("--report", type=Path, help="write the report here")
    parser.add_argument("--render", action="store_true", help=f"write {PAGE} from {REPORT}")
    asked = parser.parse_args()
    if asked.render:
        PAGE.write_text(render(msgspec.json.decode(REPORT.read_bytes(), type=Report)), "utf-8")
        return 0
    plan = Plan(
        seed=asked.seed,
        faults=asked.faults,
        per_deployment=asked.per_deployment,
        first=asked.first,
        askers=asked.askers,
        within_s=asked.within,
        only=tuple(asked.only),
        backing=asked.backing,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that mounts are taken away
    before = os.getloadavg()
    result = _side_by_side(plan, asked.at_once) if asked.at_once > 1 else run(plan, _progress)
    _tell(asked.report, plan, result, (*before, *os.getloadavg()))
    return 1 if result.broken else 0


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _side_by_side(plan: Plan, at_once: int) -> Result:
    """Run each deployment in a process of its own, some at once; what they draw is what it would be one by one."""
    begun = time.monotonic()
    sizes = [min(plan.per_deployment, plan.faults - start) for start in range(0, plan.faults, plan.per_deployment)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(at_once) as pool:
        parts = [Path(folder) / f"{number}.json" for number in range(len(sizes))]
        works = [
            pool.submit(_one_deployment, plan, plan.first + number, size, parts[number])
            for number, size in enumerate(sizes)
        ]
        try:
            results = [work.result() for work in works]
        except BaseException:  # told to end: nothing more is begun, and what runs takes its mounts away
            pool.shutdown(wait=False, cancel_futures=True)
            for child in CHILDREN:
                child.terminate()
            raise
    counts: Counter[str] = Counter()
    for one in results:
        counts.update(one.counts)
    return Result(
        injected=[fault for one in results for fault in one.injected],
        skipped={kind: why for one in results for kind, why in one.skipped.items()},
        counts=dict(sorted(counts.items())),
        log_entries=sum(one.log_entries for one in results),
        starts=sum(one.starts for one in results),
        seconds=time.monotonic() - begun,
        broken="; ".join(one.broken for one in results if one.broken),
        kept=" ".join(one.kept for one in results if one.kept),
    )


def _one_deployment(plan: Plan, number: int, faults: int, part: Path) -> Result:
    command = [sys.executable, "-m", "benchmarks.fault_campaign", "--seed", str(plan.seed), "--faults", str(faults)]
    command += ["--per-deployment", str(plan.per_deployment), "--first", str(number), "--report", str(part)]
    command += ["--askers", str(plan.askers), "--within", str(plan.within_s)]
    command += ["--backing", plan.backing]
    command += ["--only", *plan.only] if plan.only else []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:  # noqa: S603 - this program itself
        CHILDREN.append(child)
    return msgspec.json.decode(part.read_bytes(), type=Report).result


def _tell(path: Path | None, plan: Plan, result: Result, load: tuple[float, ...]) -> None:
    machine = {
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "load_before_and_after": ", ".join(f"{one:.1f}" for one in (load[0], load[3])),
        "root": "yes" if os.geteuid() == 0 else "no",
    }
    text = msgspec.json.format(
        msgspec.json.encode(
            Report(datetime.fromtimestamp(SystemClock().now_ns() / 1e9, UTC).date(), plan, machine, result)
        ),
        indent=1,
    )
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text + b"\n")
    short = msgspec.to_builtins(result)
    short["injected"] = len(result.injected)
    print(msgspec.json.encode(short).decode())


if __name__ == "__main__":
    sys.exit(main())
