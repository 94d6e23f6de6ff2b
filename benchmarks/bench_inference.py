"""What the inference door costs: its parts apart, and one question through the whole door beside the model alone.

    python benchmarks/bench_inference.py [--columns 20] [--questions 200] [--json]

- ``check_us``, ``watch_us``, ``budget_us``: checking one row, seeing it beside 128 others, taking it from a budget that
  is on disk (medians). ``budget_writes``: transactions for a thousand questions from a budget of a million.
- ``direct_ms``: the same HTTP client asks the model itself; ``door_ms``: through a real server, with identity,
  decision, two durable records and the model behind it (medians). ``durable_ms``: one record to the
  disk, of which the door waits for two. The rest is the door's own.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from ostiary.audit import AuditLog
from ostiary.defence.budgets import Budget, Budgets, Want, key_of
from ostiary.defence.ports import NOTHING_BACK, Ask, BudgetStore, Slot
from ostiary.defence.probing import ProbeWatch
from ostiary.identity.exchange.details import AccessDetail
from ostiary.keys import open_keys
from ostiary.pipeline.inference.describing import describe
from ostiary.pipeline.inference.endpoint import EndpointSpec, spec_document
from ostiary.pipeline.inference.rows import check_request
from ostiary.pipeline.inference.sketching import sketches
from ostiary.storage.sqlite import open_store
from ostiary.testing.model_server import FakeModel
from ostiary.testing.pipeline import PipelineCaller
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock

PUBLIC = "http://pdp.example"
PATH = "/pipeline/default/inference/bench/predict"
CLOCK = SystemClock()
NS = 1_000_000_000


class Counting:
    """A budget store that counts its writes."""

    def __init__(self, store: BudgetStore) -> None:
        self.store, self.writes = store, 0

    def take(
        self, tenant: str, key: str, slot: int, since: int, wanted: int, limit: int, back: Slot = NOTHING_BACK
    ) -> int:
        """Take, and count."""
        self.writes += 1
        return self.store.take(tenant, key, slot, since, wanted, limit, back)

    def take_all(self, tenant: str, asks: Sequence[Ask]) -> list[int]:
        """Take from all or from none."""
        self.writes += 1
        return self.store.take_all(tenant, asks)

    def taken(self, tenant: str, key: str, since: int) -> int:
        """Return how much is taken."""
        return self.store.taken(tenant, key, since)


def rows_of(columns: int, count: int) -> list[dict[str, Any]]:
    """Return rows of numbers, the same each time."""
    chance = random.Random(7)  # noqa: S311 - rows to measure with
    return [{f"c{n}": chance.gauss(0, 1) for n in range(columns)} for _ in range(count)]


def median_us(work: Callable[[int], object], times: int) -> float:
    """Return the median microseconds of ``work(number)``."""
    spent = []
    for number in range(times):
        at = time.perf_counter_ns()
        work(number)
        spent.append(time.perf_counter_ns() - at)
    return statistics.median(spent) / 1000


def parts(folder: Path, columns: int) -> dict[str, float]:
    """Measure the door's parts."""
    rows = rows_of(columns, 1500)
    schema = describe(rows)
    watch, asked = ProbeWatch(), [check_request(schema, {"instances": [row]}) for row in rows]

    def see(number: int) -> None:
        ticket = watch.observe("t", "e", "s", sketches(asked[number]), schema.near, number)
        watch.answered(ticket, ["x"])

    with open_store(folder / "parts.db", CLOCK) as store:
        counting, want = Counting(store.budgets), Want(key_of("e", "s"), Budget(1_000_000, 3600))
        budgets = Budgets(counting)
        return {
            "check_us": median_us(lambda n: check_request(schema, {"instances": [rows[n]]}), 1500),
            "watch_us": median_us(see, 1500),
            "budget_us": median_us(lambda _: budgets.take("t", want, 1, NS), 1000),
            "budget_writes": counting.writes,
        }


def durable_ms(folder: Path) -> float:
    """Return the median milliseconds until one record is on disk."""
    with open_store(folder / "log.db", CLOCK) as store:
        ring, vault = open_keys(folder / "keys", store, CLOCK)
        with AuditLog(store, vault, ring, CLOCK) as log:
            return (
                median_us(lambda n: log.append("default", "inference", f"i{n}", 1, b"x" * 700, "u").result(), 200) / 1e3
            )


def whole(folder: Path, columns: int, questions: int) -> dict[str, float]:
    """Ask a model directly and through a real server."""
    data, rows = folder / "data", rows_of(columns, max(400, questions))
    (data / "catalogue").mkdir(parents=True)
    data.chmod(0o700)
    (data / "catalogue" / "default.yaml").write_text("subjects: [{type: service, id: scorer}]\n")
    environ = {"OSTIARY_INFERENCE__LOOPBACK_HTTP": "true", "OSTIARY_SERVER__PUBLIC_URL": PUBLIC}
    with FakeModel(lambda asked: [0.5 for _ in asked]) as model, Served(data, environ=environ) as server:
        spec = spec_document(EndpointSpec(describe(rows), url=model.url, rate=Budget(100_000, 1)))
        spec |= {"subject": {"limit": 1_000_000, "window_s": 3600}}
        admin = {"Authorization": f"Bearer {server.admin_key}"}
        place = f"{server.url}/api/v1/tenants/default/endpoints/bench"
        httpx.put(place, json={"spec": spec, "sensitivity": 1}, headers=admin, timeout=30).raise_for_status()
        with open_store(data / "ostiary.db", CLOCK) as store, httpx.Client(timeout=30) as client:
            ring, _ = open_keys(data / "keys", store, CLOCK)
            caller = PipelineCaller(ring, CLOCK, PUBLIC, subject_type="service", subject_id="scorer")
            token = caller.token(AccessDetail("ostiary_endpoint", "bench", ("endpoint.predict",)), lifetime_s=3600)

            def direct(number: int) -> None:
                client.post(model.url, json={"instances": [rows[number]]}).raise_for_status()

            def door(number: int) -> None:
                headers = caller.headers("POST", PUBLIC + PATH, token)
                client.post(server.url + PATH, json={"instances": [rows[number]]}, headers=headers).raise_for_status()

            door(0)
            return {"direct_ms": median_us(direct, questions) / 1e3, "door_ms": median_us(door, questions) / 1e3}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = {"columns": options.columns, **parts(folder, options.columns), "durable_ms": durable_ms(folder)}
        figures |= whole(folder, options.columns, options.questions)
    figures["own_ms"] = figures["door_ms"] - figures["direct_ms"] - 2 * figures["durable_ms"]
    told = {name: round(value, 3) for name, value in figures.items()}
    print(json.dumps(told) if options.json else "\n".join(f"{name:14} {value}" for name, value in told.items()))


if __name__ == "__main__":
    main()
