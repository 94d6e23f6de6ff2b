"""What one decision, one learned event and one remembered subject cost; docs/explanation/scale.md does the sums.

    python benchmarks/unit_costs.py [--decisions 5000] [--json]

- Processor time, not elapsed time, so that a busy machine changes little.
- Disk is measured on the closed database, after everything is in its place.
- The work is that of `ostiary bench decide`: an invented organisation, real tokens, the shipped policy, real records.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from ostiary.server.bench.workload import Workload, register
from ostiary.server.places import DEFAULT_TENANT, Places
from ostiary.server.wiring import House, open_house
from ostiary.vocabulary.clock import SystemClock

HISTORY = 20_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=5_000)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    found = measure(told.decisions)
    if told.json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{value:>12,}  {name}" for name, value in found.items()))


def measure(decisions: int) -> dict[str, Any]:
    """Return every unit cost by name."""
    with tempfile.TemporaryDirectory(prefix="ostiary-units-") as folder:
        places = Places(Path(folder) / "data")
        workload = Workload(SystemClock().now_ns())
        settings = workload.prepare(places)
        with open_house(places, settings, SystemClock(), lambda _reason, _fault: None) as house:
            register(house, house.clock.now_ns())
            found = _learning(house, workload)
            decide(house, workload, 500)
        empty = size(places)
        with open_house(places, settings, SystemClock(), lambda _reason, _fault: None) as house:
            decide(house, workload, 200)
            began = time.process_time()
            decide(house, workload, decisions)
            cpu = time.process_time() - began
        found["cpu_us_per_decision"] = round(cpu / decisions * 1e6)
        found["disk_bytes_per_decision"] = round((size(places) - empty) / (decisions + 200))
        return found


def _learning(house: House, workload: Workload) -> dict[str, Any]:
    enricher = house.knowledge.enricher(DEFAULT_TENANT)
    events = [enricher.enrich(event) for event in workload.history(HISTORY)]
    began = time.process_time()
    for event in events:
        house.knowledge.learn(event)
    cpu = time.process_time() - began
    book = house.knowledge.book(DEFAULT_TENANT)
    return {
        "cpu_us_per_learned_event": round(cpu / len(events) * 1e6),
        "bytes_per_remembered_subject": round(len(book.snapshot()) / len(book)),
    }


def decide(house: House, workload: Workload, count: int) -> None:
    """Decide ``count`` requests; return when every record is on disk."""
    promised = [house.decider.decide(receipt, call).durable for receipt, call in workload.work(count)]
    for record in promised:
        record.result(timeout=600)


def size(places: Places) -> int:
    """Return the bytes of the closed database."""
    return sum(file.stat().st_size for file in places.root.glob("ostiary.db*"))


if __name__ == "__main__":
    main()
