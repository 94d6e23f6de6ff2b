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
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from benchmarks.faults.campaign import EMBEDDED, Plan, Result, run
from benchmarks.faults.report import Report, render

from ostiary.vocabulary.clock import SystemClock

PAGE = Path("docs/explanation/fault-campaign.md")
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
    parser.add_argument("--only", nargs="*", default=[], choices=[one.name for one in EMBEDDED], metavar="KIND")
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
    )
    before = os.getloadavg()
    result = run(plan, lambda text: print(text, file=sys.stderr, flush=True))
    _tell(asked.report, plan, result, (*before, *os.getloadavg()))
    return 1 if result.broken else 0


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
