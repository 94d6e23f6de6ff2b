"""What an impact study costs: ``python benchmarks/bench_impact.py`` prints one JSON object.

Records are real decisions of the simulated organisation under the shipped policy (``--base`` of them, each with its own
features), repeated up to the number asked for with times, sessions, scores and sign-in ages of their own, so that no
two input documents are alike. They lie sealed in a real log, and the study reads them from there.

- ``guardrails``: one deny rule more. What documents cannot tell apart is shared; the adaptive rules are the same, so
  what they proposed counts wherever they would be told the same.
- ``distinct``: one deny rule more that reads subject, session and exact time of each document: no two are alike to it.
- ``thresholds``: other thresholds of the adaptive rules; the guardrails are the same, their recorded verdicts count.
- ``both``: the rule of ``distinct`` and the thresholds together: nothing recorded counts.
- ``nothing_shared``: the first again with every question asked of OPA whole, on a part of the records: the yardstick.

``cpu_s`` is of all processes together: the steadier figure on a machine that others use as well.
"""

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from ostiary.artifacts.shipped import policies_dir
from ostiary.decision.held import with_session
from ostiary.decision.parts import Call
from ostiary.decision.ports import PolicyEngine
from ostiary.decision.replay import Said, decide_again
from ostiary.identity.extract import extract_presented
from ostiary.identity.types import PepIdentity
from ostiary.policy.bundle import Bundle
from ostiary.server.bootstrap import bootstrap
from ostiary.server.impact.order import ImpactLimits, Order
from ostiary.server.impact.run import Kept, Span, bundle_files, policy_impact
from ostiary.server.impact.workers import study
from ostiary.server.places import Places
from ostiary.server.requests import read_evaluation
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.testing.organisation import Organisation, request_of
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import DecisionRecord

NS = 1_000_000_000
EVER = Span(0, 1 << 62)
COUNTRY = 'deny contains {"rule": "closed-country"} if input.network.country == "KP"\n'
DISTINCT = (
    'deny contains {"rule": "own-time"} if {\n    input.time.unix < 0\n    input.subject.id\n    input.session.id\n}\n'
)


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


def open_at(root: Path) -> House:
    """Open a house whose log does not wait for the disk."""
    places = Places(root)
    settings = load(places.settings, options={"audit": {"durability": "async"}}).settings
    return open_house(places, settings, SystemClock(), lambda reason, fault: say(f"{reason}: {fault}"))


def decided(house: House, base: int) -> list[DecisionRecord]:
    """Return so many real decisions."""
    organisation = Organisation()
    bootstrap(house)
    house.places.catalogue("default").write_text(yaml.safe_dump(organisation.catalogue_document()))
    house.policies.load("default")
    pep = PepIdentity(pep_id="cli", tenant="default", subjects="asserted")
    found: list[DecisionRecord] = []
    for number, event in enumerate(organisation.history()[:base]):
        asked = read_evaluation(request_of(event))
        presented, context = extract_presented(asked.context)
        call = Call(pep, msgspec.structs.replace(asked, context=context), presented)
        found.append(house.decider.decide(Receipt(f"dec_base_{number}", event.time_ns), call).record)
    return found


def repeated(base: list[DecisionRecord], count: int, engine: PolicyEngine) -> Iterator[DecisionRecord]:
    """Yield so many records, each with a document of its own and decided on it."""
    for number in range(count):
        record = base[number % len(base)]
        now = record.receipt.received_ns + number // len(base) * 86_400 * NS + number
        document = msgspec.json.decode(bytes(record.input))
        document["time"] |= {"unix": now / NS}
        document["session"]["id"] = f"{document['session']['id']}-{number // len(base)}"
        document["subject"]["identity"]["auth_age_s"] = 30.0 + number * 0.37
        score = (number * 2_654_435_761 % 1_000_003) / 1_000_003
        level = "high" if score > 0.98 else "medium" if score > 0.9 else "low"  # noqa: PLR2004 - a plain scale
        document_bytes = msgspec.json.encode(document)
        guardrails = with_session(engine.guardrails(document_bytes), document_bytes)
        told = msgspec.structs.replace(
            record,
            receipt=Receipt(f"dec_{number:012d}", now),
            input=msgspec.Raw(document_bytes),
            risk=RiskScore(available=True, score=score**4, level=level, model="sha256:bench", uncertainty=0.1),
            guardrails=guardrails,
        )
        again = decide_again(told, engine, said=Said(guardrails))
        yield msgspec.structs.replace(told, adaptive=again.adaptive, outcome=again.outcome)


def fill(house: House, base: int, count: int) -> None:
    """Write the log."""
    records = decided(house, base)
    say(f"{len(records)} real decisions")
    last = None
    for number, record in enumerate(repeated(records, count, house.policies.load("default"))):
        payload, receipt = msgspec.json.encode(record), record.receipt
        last = house.log.append(
            "default", "decision", receipt.decision_id, receipt.received_ns, payload, record.subject_key
        )
        if number % 500 == 499:  # noqa: PLR2004 - the writer's queue is bounded
            while house.log.stats.waiting > 1_000:  # noqa: PLR2004
                time.sleep(0.01)
    if last is not None:
        last.result()


def candidate(root: Path, name: str, rule: str = "", *, thresholds: bool = False) -> Path:
    """Return a copy of the shipped bundle with one change."""
    folder = root / name
    shutil.copytree(policies_dir(), folder)
    if rule:
        file = folder / "guardrails" / "places.rego"
        file.write_text(f"{file.read_text()}\n{rule}")
    if thresholds:
        file = folder / "thresholds" / "data.yaml"
        file.write_text(file.read_text().replace("sensitive_from: 3", "sensitive_from: 2") + "\nbench: 1\n")
    return folder


def cpu_s() -> float:
    """Return the CPU time of this process and all it started that ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measured(house: House, source: Path, workers: int) -> dict[str, Any]:
    """Return what one study cost and found."""
    start, before = time.monotonic(), cpu_s()
    kept: Kept = policy_impact(house, "bench", "default", source, EVER, ImpactLimits(workers=workers))
    report = kept.report
    return {
        "wall_s": round(time.monotonic() - start, 1),
        "cpu_s": round(cpu_s() - before, 1),
        "decisions": report.decisions,
        "replayed": report.replayed,
        "evaluations": report.evaluations,
        "flips": {each.direction: each.count for each in report.flips},
        "policy_us": [report.latency.before_us, report.latency.after_us],
    }


def unshared(house: House, source: Path, count: int, workers: int) -> dict[str, Any]:
    """Return what the same costs when every question is asked of OPA whole."""
    files = bundle_files(Bundle.load(source))
    order = Order(files, files, ImpactLimits(workers=workers), share=False)
    records = [
        (stored.index, stored.payload)
        for stored, _ in zip(house.log.iterate("default", "decision"), range(count), strict=False)
        if stored.payload is not None
    ]
    start, before = time.monotonic(), cpu_s()
    found = study(order, records)
    return {
        "wall_s": round(time.monotonic() - start, 1),
        "cpu_s": round(cpu_s() - before, 1),
        "decisions": found.tally.decisions,
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--base", type=int, default=12_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", type=Path, default=None, help="keep or reuse the log here")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-impact-") as scratch:
        root = told.data or Path(scratch) / "data"
        with open_at(root) as house:
            if house.log.head().size == 0:
                fill(house, told.base, told.records)
            say("the log is written")
            space = Path(scratch)
            found: dict[str, Any] = {}
            for name, source in (
                ("guardrails", candidate(space, "g", COUNTRY)),
                ("distinct", candidate(space, "d", DISTINCT)),
                ("thresholds", candidate(space, "t", thresholds=True)),
                ("both", candidate(space, "b", DISTINCT, thresholds=True)),
            ):
                found[name] = measured(house, source, told.workers)
                say(f"{name}: {found[name]}")
            found["nothing_shared"] = unshared(house, space / "g", min(5_000, told.records), told.workers)
    found |= {"cores": os.cpu_count(), "load_average": os.getloadavg()[0], "workers": told.workers}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
