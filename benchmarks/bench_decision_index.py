"""What lists of decisions cost: run ``python -m benchmarks.bench_decision_index [--decisions N]`` for one JSON object.

N decisions (100,000 unless told otherwise) of 500 subjects over 30 days go through the real log: real records under the
shipped bundle, made by the decider once a kind and then copied with other names and times. ``projector_per_s`` is how
many the projector takes in a second of its own. Each ``…_ms`` is the median of several asks; ``log_walk_ms`` finds the
decisions of one effect as it had to be done before, from the log, and ``log_walk_page_without_filter_ms`` is the list
that is still answered from the log, in the same run. ``http_…`` are whole answers of the application, without a
socket. ``append_…`` is how long a record is on its way to the disk, alone and while the projector follows a backlog.
"""

import argparse
import json
import random
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from ostiary.audit.retention import RetentionPolicy, prune
from ostiary.decision.decide import Call
from ostiary.decision.index.ports import HOUR_NS, Field
from ostiary.decision.index.query import DecisionQuery
from ostiary.decision.index.words import parse
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.server.bootstrap import bootstrap
from ostiary.server.decision_index.erasing import follow_erasures
from ostiary.server.decision_index.opening import projector_of
from ostiary.server.decision_index.projector import ROUND
from ostiary.server.decision_index.shown import walk
from ostiary.server.forgetting import forget
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import DecisionRecord

_DAY_NS = 86_400 * 10**9
_DAYS = 30
_TIMES = 15
_BATCH = 2_000
_FILTERS = {
    "effect_one_in_a_hundred": "effect=TERMINATE",
    "effects_two": "effect=STEP_UP,TERMINATE",
    "subject": "subject=user:person-7",
    "session": "session=s-77",
    "action": "action=read",
    "resource_type": "resource_type=repository",
    "resource_id": "resource_id=web-7",
    "pep": "pep=pep-2",
    "ip": "ip=198.51.100.7",
    "rule_that_never_was": "rule=none-such",
    "risk_at_least": "risk_at_least=0.95",
    "risk_at_least_low": "risk_at_least=0.2",
    "text_of_many": "text=person-7",
    "text_of_nobody": "text=zzz",
    "subject_and_effect": "subject=user:person-7&effect=DENY,TERMINATE",
}


def templates(house: House) -> list[DecisionRecord]:
    """Return real records, one a kind of access."""
    pep = PepIdentity(pep_id="pep-1", tenant="default", subjects="asserted")
    made: list[DecisionRecord] = []
    for action, kind in (("read", "repository"), ("write", "repository"), ("read", "document"), ("delete", "database")):
        asked = EvaluationRequest(Subject("user", "alice"), Action(action), Resource(kind, "web"))
        receipt = Receipt(f"dec_template_{house.log.head().size}", house.clock.now_ns())
        decided = house.decider.decide(receipt, Call(pep, asked, PresentedSubject()))
        decided.durable.result()
        made.append(decided.record)
    return made


def records(made: list[DecisionRecord], count: int, now_ns: int) -> Iterator[DecisionRecord]:
    """Yield copies with other names, times, effects and scores, oldest first."""
    luck = random.Random(9)  # noqa: S311 - a made-up month
    harsh = [Effect.ALLOW] * 90 + [Effect.DENY] * 6 + [Effect.STEP_UP] * 2 + [Effect.REDUCE, Effect.TERMINATE]
    for number in range(count):
        record = luck.choice(made)
        who, at_ns = luck.randrange(500), now_ns - (count - number) * _DAYS * _DAY_NS // count
        assert record.event is not None
        told = {"time_ns": at_ns, "subject_id": f"person-{who}", "resource_id": f"web-{luck.randrange(2_000)}"}
        event = msgspec.structs.replace(
            record.event, session_id=f"s-{number // 40}", ip=f"198.51.100.{luck.randrange(250)}", **told
        )
        yield msgspec.structs.replace(
            record,
            receipt=Receipt(f"dec_{number:026d}", at_ns),
            subject_key=f"user:person-{who}",
            pep=f"pep-{number % 4}",
            event=event,
            outcome=msgspec.structs.replace(record.outcome, effect=luck.choice(harsh)),
            risk=RiskScore(available=True, score=round(luck.random() ** 3, 4)),
        )


def fill(house: House, count: int) -> int:
    """Write that many through the log; return how large one is."""
    waiting: list[Any] = []
    size = 0
    for record in records(templates(house), count, house.clock.now_ns()):
        payload = msgspec.json.encode(record)
        size = len(payload)
        name, at_ns = record.receipt.decision_id, record.receipt.received_ns
        waiting.append(house.log.append("default", "decision", name, at_ns, payload, record.subject_key))
        if len(waiting) >= _BATCH:
            for one in waiting:
                one.result()
            waiting = []
    for one in waiting:
        one.result()
    return size


def pages(house: House) -> int:
    """Return how many bytes the database's pages take."""
    with closing(sqlite3.connect(house.places.database)) as looking:
        return int(looking.execute("PRAGMA page_count").fetchone()[0]) * int(
            looking.execute("PRAGMA page_size").fetchone()[0]
        )


def timed(ask: Callable[[], object], times: int = _TIMES) -> float:
    """Return milliseconds, the median."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - start) * 1_000)
    return round(statistics.median(taken), 2)


def projected(house: House) -> dict[str, Any]:
    """Follow the log from its beginning; return how fast that went, and how long one round takes."""
    follower = projector_of(house, print)
    rounds: list[float] = []
    start = time.perf_counter()
    while True:
        begun = time.perf_counter()
        if not follower.catch_up():
            break
        rounds.append((time.perf_counter() - begun) * 1_000)
    taken = time.perf_counter() - start
    count = house.store.decisions.count("default", DecisionQuery(), 2**40)
    return {
        "projector_per_s": round(count / taken),
        "projector_round": ROUND,
        "projector_round_ms": round(statistics.median(rounds), 1),
        "projector_idle_round_ms": timed(follower.catch_up),
    }


class Client:
    """Calls the application as a server would, without a socket."""

    def __init__(self, house: House) -> None:
        from fastapi.testclient import TestClient  # noqa: PLC0415 - half a second

        from ostiary.server.admin.api import build_admin  # noqa: PLC0415 - as above
        from ostiary.server.admin.context import Office  # noqa: PLC0415 - as above

        class _Nobody:
            def count(self, reason: str, peer: str | None) -> None:
                """Count nothing."""

        self._client = TestClient(build_admin(Office(house, _Nobody())))
        self._headers = {"Authorization": f"Bearer {house.places.admin_key.read_text().strip()}"}

    def get(self, path: str) -> int:
        """Return how long an answer is."""
        answer = self._client.get(f"/api/v1/tenants/default/decisions{path}", headers=self._headers)
        assert answer.status_code == 200, answer.text  # noqa: PLR2004 - it must be a good one
        return len(answer.content)


def appended(house: House, made: list[DecisionRecord], while_: Callable[[int], bool]) -> dict[str, float]:
    """Return how long a record of a decision is on its way to the disk, one at a time, while something holds."""
    taken: list[float] = []
    while while_(len(taken)):
        name, now = f"dec_beside_{house.log.head().size}", house.clock.now_ns()
        payload = msgspec.json.encode(made[0])
        start = time.perf_counter()
        house.log.append("default", "decision", name, now, payload, "user:alice").result()
        taken.append((time.perf_counter() - start) * 1_000)
        time.sleep(0.002)
    cuts = statistics.quantiles(taken, n=100)
    return {"median_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2), "times": len(taken)}


def beside(house: House, made: list[DecisionRecord], count: int) -> dict[str, Any]:
    """Return what an append waits alone, and while the projector follows ``count`` more without a pause."""
    follower = projector_of(house, print)
    alone = appended(house, made, lambda times: times < _BATCH // 4)
    follower.catch_up_all()
    fill(house, count)
    thread = threading.Thread(target=follower.catch_up_all)
    thread.start()
    found = appended(house, made, lambda _times: thread.is_alive())
    thread.join()
    return {"append_alone": alone, "append_beside_the_projector": found}


def asked(house: House) -> dict[str, Any]:
    """Return what lists and charts take."""
    index, now = house.store.decisions, house.clock.now_ns()
    hour = now // HOUR_NS
    month = now - _DAYS * _DAY_NS
    found: dict[str, Any] = {"first_page_ms": timed(lambda: index.rows("default", DecisionQuery()))}
    middle = index.cursor("default") // 2
    found["page_in_the_middle_ms"] = timed(lambda: index.rows("default", DecisionQuery(before=middle)))
    day = DecisionQuery(since_ns=now - 10 * _DAY_NS, until_ns=now - 9 * _DAY_NS)
    found["page_of_a_day_ms"] = timed(lambda: index.rows("default", day))
    queries = {name: parse(text) for name, text in _FILTERS.items()}
    found["filtered_ms"] = {name: timed(partial(index.rows, "default", query)) for name, query in queries.items()}
    found["count_ms"] = timed(lambda: index.count("default", DecisionQuery(effects=(Effect.DENY,)), 10_000))
    found["chart_30_days_ms"] = timed(lambda: index.hours("default", hour - _DAYS * 24, hour + 1))
    found["heat_ms"] = timed(lambda: index.heat("default", None, month))
    found["heat_of_subject_ms"] = timed(lambda: index.heat("default", "user:person-7", month))
    fields: tuple[Field, ...] = ("subject", "resource", "rule", "action")
    found["top_ms"] = {field: timed(partial(index.top, "default", field, (), month, 10), 5) for field in fields}
    start = time.perf_counter()
    exported = sum(len(rows) for rows in walk(index, "default", DecisionQuery()))
    found["export_per_s"] = round(exported / (time.perf_counter() - start))
    return found


def over_http(house: House) -> dict[str, Any]:
    """Return what whole answers take: now, and by the walk over the log in the same run."""
    client = Client(house)
    client.get("/hours")  # builds what is built once
    return {
        "http_first_page_ms": timed(lambda: client.get("?after=0")),
        "http_first_page_newest_ms": timed(lambda: client.get(f"?before={2**62}")),
        "http_filtered_ms": timed(lambda: client.get("?effect=TERMINATE")),
        "http_chart_30_days_ms": timed(lambda: client.get("/hours")),
        "log_walk_page_without_filter_ms": timed(lambda: client.get(""), 3),
        "log_walk_ms": timed(lambda: walked(house, Effect.TERMINATE), 3),
    }


def walked(house: House, effect: Effect) -> int:
    """Find the decisions of one effect as it had to be done before: every record opened and decoded."""
    found = (
        msgspec.json.decode(one.payload or b"", type=DecisionRecord) for one in house.log.iterate("default", "decision")
    )
    return sum(1 for record in found if record.outcome.effect is effect)


def erased(house: House) -> dict[str, Any]:
    """Return what forgetting costs the index."""
    found: dict[str, Any] = {}
    start = time.perf_counter()
    forget(house, "default", "user", "person-7")
    found["forget_subject_ms"] = round((time.perf_counter() - start) * 1_000, 1)
    assert not house.store.decisions.rows("default", DecisionQuery(subject="user:person-7"))
    prune(house.log, house.clock, "default", RetentionPolicy({"decision": _DAYS // 2}))
    start = time.perf_counter()
    follow_erasures(house.log, house.store.decisions)
    found["follow_retention_of_half_s"] = round(time.perf_counter() - start, 2)
    found["left"] = house.store.decisions.count("default", DecisionQuery(), 2**40)
    return found


def main() -> None:
    """Measure and print."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--decisions", type=int, default=100_000)
    count = wanted.parse_args().decisions
    settings = load(None, environ={}, options={}).settings
    with (
        tempfile.TemporaryDirectory() as name,
        open_house(Places(Path(name) / "data"), settings, SystemClock(), lambda _reason, _fault: None) as house,
    ):
        bootstrap(house)
        house.policies.load("default")
        found: dict[str, Any] = {"decisions": count, "record_bytes": fill(house, count)}
        before = pages(house)
        found |= projected(house)
        found["index_bytes_each"] = round((pages(house) - before) / count)
        found |= asked(house)
        found |= over_http(house)
        found |= erased(house)
        found |= beside(house, templates(house), count // 10)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
