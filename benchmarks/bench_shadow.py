"""What the shadow costs: run ``python -m benchmarks.bench_shadow [--decisions N]`` for one JSON object.

``offer_us`` is what an answer pays on its own thread, without a candidate and with one; ``compared_us`` is the
processor time that one comparison takes, parent and child together, under the shipped bundle;
``share_of_core_per_100_a_second`` follows from it. ``report_s`` is a report over all of them from the log. One access,
many times.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from ostiary.artifacts.shipped import policies_dir
from ostiary.decision.decide import Call
from ostiary.decision.parts import Decided
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.policy.bundle import Bundle
from ostiary.server.admitted import Admitted
from ostiary.server.bootstrap import bootstrap
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.shadow.report.gathering import Asked
from ostiary.server.shadow.report.making import make
from ostiary.server.wiring import House, open_house
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject

_US = 1_000
_WARM = 50


def decided(house: House, count: int) -> list[Decided]:
    """Return that many decisions under the shipped bundle."""
    request = EvaluationRequest(Subject("user", "alice"), Action("read"), Resource("repository", "web"))
    pep = PepIdentity(pep_id="pep-1", tenant="default", subjects="asserted")
    now = house.clock.now_ns()
    made = [
        house.decider.decide(Receipt(f"dec_{n:026d}", now + n), Call(pep, request, PresentedSubject()))
        for n in range(count)
    ]
    for one in made:
        one.durable.result()
    return made


def offered(house: House, made: list[Decided]) -> float:
    """Return microseconds that hearing of a decision takes on the answering thread, the median."""
    taken = []
    for one in made:
        start = time.perf_counter_ns()
        house.shadow.decided(one)
        taken.append(time.perf_counter_ns() - start)
    return statistics.median(taken) / _US


def _settled(house: House) -> None:
    while not house.shadow.idle():
        time.sleep(0.01)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--decisions", type=int, default=800)
    count = asked.parse_args().decisions
    shadow = {"cpu_share": 4, "cpu_burst_s": 600, "deadline_ms": 10_000, "max_waiting": 100_000}
    settings = load(None, environ={}, options={"shadow": shadow}).settings
    with (
        tempfile.TemporaryDirectory() as name,
        open_house(Places(Path(name) / "data"), settings, SystemClock(), lambda _reason, _fault: None) as house,
    ):
        bootstrap(house)
        house.policies.load("default")
        made = decided(house, count)
        found: dict[str, Any] = {"decisions": count, "offer_us": round(offered(house, made), 2)}
        Admitted(house.store, house.clock).remember(Bundle.load(policies_dir()).digest, "")  # tested where it was built
        started = house.shadow.candidates.start("default", "bundle", "bench", lambda _digest: "", policies_dir())
        house.shadow.tend()
        lane = house.shadow.lanes("default")[0]
        offered(house, made[:_WARM])
        _settled(house)
        before = time.process_time_ns() + lane.cpu_ns
        found["start_ms"] = round(lane.cpu_ns / 1e6)
        found["offer_with_candidate_us"] = round(offered(house, made[_WARM:]), 2)
        _settled(house)
        spent = time.process_time_ns() + lane.cpu_ns - before
        house.shadow.settle()
        counts = {what: n for (_, what), n in house.shadow.counts.hourly("default", started.digest, 0, 1 << 40).items()}
        found["counts"] = {what: n for what, n in sorted(counts.items()) if not what.startswith("score_")}
        found["compared_us"] = round(spent / _US / max(1, counts.get("compared", 0) - _WARM), 1)
        found["share_of_core_per_100_a_second"] = round(found["compared_us"] * 100 / 1e6, 4)
        start = time.perf_counter()
        make(house, Asked("default", "step_up", days=1))
        found["report_s"] = round(time.perf_counter() - start, 2)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
