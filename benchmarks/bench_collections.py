"""What Go's garbage collections cost the decisions that they fall into, by ``GOGC``.

    python benchmarks/bench_collections.py [--decisions 2000] [--gogc 400 800 1600]

Each value runs in a process of its own, started with it, as a worker is (ADR-0002). A decision here is the two
questions of policy, on the shipped bundle, with a rest after it as there is between the questions of one caller. Go
itself tells of every collection when it ends: one that ended during a decision, or in the rest after it, fell into it.

- ``collections`` in how many decisions, and how many decisions come to one;
- ``plain_ms`` and ``struck_ms``: processor time of the deciding thread, without and with a collection, medians;
- ``peak_mb``: the most memory that the process had.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ostiary.artifacts.shipped import policies_dir
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.policy.opa_library import launch_environment

REST_S = 0.002
WARM_UP = 50
RISK = {"available": True, "reason": "", "score": 0.04, "level": "low", "uncertainty": 0.1, "model": "", "signals": []}


def decide(decisions: int, told: Path) -> dict[str, Any]:
    """Ask both questions so often; Go tells of its collections in the file ``told``."""
    bundle, plain, struck = Bundle.load(policies_dir()), list[int](), list[int]()
    night = bundle.all_data["examples"]["developer_at_night"]
    scored = night | {"guardrails": {"floor": "ALLOW", "rules": ["role-grant"]}, "risk": RISK}
    with OpaEngine(bundle) as engine:
        for number in range(decisions + WARM_UP):
            before, begun = told.stat().st_size, time.thread_time_ns()
            engine.guardrails(night)
            engine.adaptive(scored)
            spent = time.thread_time_ns() - begun
            time.sleep(REST_S)
            if number >= WARM_UP:
                (struck if told.stat().st_size > before else plain).append(spent)
    return {
        "collections": len(struck),
        "decisions_each": round(decisions / len(struck)) if struck else None,
        "plain_ms": round(statistics.median(plain) / 1e6, 2),
        "struck_ms": round(statistics.median(struck) / 1e6, 2) if struck else None,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def in_a_process(gogc: int, decisions: int) -> dict[str, Any]:
    """Measure one value."""
    with tempfile.NamedTemporaryFile(prefix="ostiary-collections-") as told:
        environment = {**os.environ, **launch_environment(), "GOGC": str(gogc), "GODEBUG": "gctrace=1"}
        command = [sys.executable, __file__, "--told", told.name, "--decisions", str(decisions)]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=told, check=True)  # noqa: S603 - itself
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=2000)
    parser.add_argument("--gogc", type=int, nargs="+", default=[400, 800, 1600])
    parser.add_argument("--told", type=Path, help="for the processes that this one starts")
    options = parser.parse_args()
    if options.told is not None:
        found = decide(options.decisions, options.told)
    else:
        found = {str(gogc): in_a_process(gogc, options.decisions) for gogc in options.gogc}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
