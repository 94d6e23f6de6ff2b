"""What policy costs: run ``python benchmarks/bench_policy.py`` for one JSON object of microseconds.

Every figure is over single calls in one thread, the cases taken in turn so that a busy machine is busy for all of them.
``opa_…`` is the evaluation of the whole document alone, through the library; ``shown_…`` that of what the rules can
read of it, which is what a deciding engine shows OPA, and ``excerpt`` the cutting out; ``ostiary_…`` is the whole
question with its verdict; ``beyond_opa`` is what Ostiary adds: encoding the document, and reading the answer strictly.
``opa_floor`` is a constant asked with the same document: what reading the input and crossing into Go cost before any
rule is looked at.

Start it with the launch environment to measure what a worker sees: ``GOGC=800 GOMAXPROCS=1 python benchmarks/…``.
"""

import argparse
import copy
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec

from ostiary.artifacts.shipped import policies_dir
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import ADAPTIVE, GUARDRAILS, OpaEngine
from ostiary.policy.opa_library import launch_environment

FLOOR = b"ostiary.guardrails.wanted"


def documents() -> dict[str, bytes]:
    """Return the inputs: the article's night, a plain day, a request without a grant, and two scores."""
    bundle = Bundle.load(policies_dir())
    night, day = (copy.deepcopy(bundle.all_data["examples"][name]) for name in ("developer_at_night", "developer"))
    refused = copy.deepcopy(day)
    refused["subject"]["groups"] = ["analysts"]
    found = {"night": night, "day": day, "refused": refused}
    for name, score in (("low", 0.04), ("high", 0.83)):
        risk: dict[str, Any] = {"available": True, "reason": "", "score": score, "level": name, "uncertainty": 0.1}
        risk |= {
            "model": "sha256:" + "0" * 64,
            "signals": ["local_hour_rarity", "network_new"] if name == "high" else [],
        }
        found[f"night_{name}"] = night | {"guardrails": {"floor": "ALLOW", "rules": ["role-grant"]}, "risk": risk}
    return {name: msgspec.json.encode(value) for name, value in found.items()}


def cases(engine: OpaEngine) -> dict[str, Callable[[], object]]:
    """Return what is measured, by name."""
    given = documents()
    night, high = given["night"], given["night_high"]
    as_objects = msgspec.json.decode(night)
    opa = engine._opa  # noqa: SLF001 - the yardstick is the library itself
    answer, proposal = opa.evaluate(GUARDRAILS, night), opa.evaluate(ADAPTIVE, high)
    shown_night, shown_high = engine.shown(GUARDRAILS, night), engine.shown(ADAPTIVE, high)
    return {
        "opa_floor": lambda: opa.evaluate(FLOOR, night),
        "opa_guardrails_night": lambda: opa.evaluate(GUARDRAILS, night),
        "opa_guardrails_day": lambda: opa.evaluate(GUARDRAILS, given["day"]),
        "opa_guardrails_refused": lambda: opa.evaluate(GUARDRAILS, given["refused"]),
        "opa_adaptive_low": lambda: opa.evaluate(ADAPTIVE, given["night_low"]),
        "opa_adaptive_high": lambda: opa.evaluate(ADAPTIVE, high),
        "shown_guardrails_night": lambda: opa.evaluate(GUARDRAILS, shown_night),
        "shown_adaptive_high": lambda: opa.evaluate(ADAPTIVE, shown_high),
        "excerpt": lambda: engine.shown(GUARDRAILS, night),
        "ostiary_guardrails_night": lambda: engine.guardrails(night),
        "ostiary_guardrails_objects": lambda: engine.guardrails(as_objects),
        "ostiary_adaptive_high": lambda: engine.adaptive(high),
        "read_guardrails": lambda: engine.reader.guardrails(answer),
        "read_adaptive": lambda: engine.reader.adaptive(proposal),
        "encode_document": lambda: msgspec.json.encode(as_objects),
    }


def measure(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, float]]:
    """Return p5, p50 and p99 of each case, in microseconds."""
    taken: dict[str, list[int]] = {name: [] for name in calls}
    for number in range(rounds + 100):
        for name, call in calls.items():
            start = time.perf_counter_ns()
            call()
            if number >= 100:  # noqa: PLR2004 - the first rounds warm up
                taken[name].append(time.perf_counter_ns() - start)
    return {name: figures(times) for name, times in taken.items()}


def figures(times: list[int]) -> dict[str, float]:
    """Return percentiles in microseconds."""
    cuts = statistics.quantiles(times, n=100)
    return {"p5_us": round(cuts[4] / 1e3, 1), "p50_us": round(cuts[49] / 1e3, 1), "p99_us": round(cuts[98] / 1e3, 1)}


def cpu_us(call: Callable[[], object], rounds: int) -> float:
    """Return CPU time of the whole process per call, Go's own threads included: the steadiest figure there is."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        for _ in range(rounds):
            call()
        best = min(best, (time.process_time() - start) / rounds * 1e6)
    return round(best, 1)


def reload_ms() -> float:
    """Return what making a new engine costs, ready to answer."""
    bundle = Bundle.load(policies_dir())
    times: list[float] = []
    for _ in range(15):
        start = time.perf_counter()
        OpaEngine(bundle).close()
        times.append((time.perf_counter() - start) * 1e3)
    return round(statistics.median(times), 1)


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3_000)
    rounds = parser.parse_args().rounds
    with OpaEngine(Bundle.load(policies_dir()), sparing=True) as engine:
        calls = cases(engine)
        found: dict[str, Any] = {"latency": measure(calls, rounds)}
        both = [
            f"{what}_{case}" for case in ("guardrails_night", "adaptive_high") for what in ("opa", "shown", "ostiary")
        ]
        found["cpu_us"] = {name: cpu_us(calls[name], rounds) for name in ("opa_floor", *both)}
    parts = found["latency"]
    found["beyond_opa_p50_us"] = {
        "guardrails": round(parts["read_guardrails"]["p50_us"] + parts["encode_document"]["p50_us"], 1),
        "adaptive": round(parts["read_adaptive"]["p50_us"], 1),
    }
    found["new_engine_ms"] = reload_ms()
    found["environment"] = {name: os.environ.get(name) for name in launch_environment()}
    found["load_average"] = os.getloadavg()[0]
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
