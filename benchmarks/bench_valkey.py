"""What replicas pay for sharing: each question to Valkey beside the same question in the process, in one run.

    python benchmarks/bench_valkey.py [--json] [--count 3000] [--threads 1 8]

A real Valkey is started on loopback; client and server share this machine's processors. Rows:

- ``proof``: one use of a proof of possession is remembered. ``rate3``: user, tenant and model give one each.
- ``word``: whether any session of the tenant changed since the last question. A decision asks twice.
- ``decision``: all that one decision with such a proof asks of Valkey: a proof and two words.
- ``budget``: one is taken of a budget of a million; in Valkey's pool over SQLite, in SQLite alone, in memory.
- ``profile``: two ways by which replicas could know the same people. ``followed``: reading a record of another's in the
  log, opening and learning it, beside the answers. ``fetched``: taking one person's profile out of Valkey,
  opening it, writing it back, within each decision.

Times are microseconds of one call, p50 and p99; ``per_s`` is what all threads together did in a second.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from ostiary.decision.parts import Decided
from ostiary.defence.memory import MemoryBudgets
from ostiary.defence.rates import MemoryRates, RateAsk
from ostiary.identity.replay import MemoryReplay
from ostiary.server.bench.workload import Workload, register
from ostiary.server.following import Follower
from ostiary.server.places import DEFAULT_TENANT, Places
from ostiary.server.wiring import open_house
from ostiary.signals.book import ProfileBook
from ostiary.signals.shelf import read, unpacked, written
from ostiary.storage.sqlite import open_store
from ostiary.storage.valkey.address import read_address
from ostiary.storage.valkey.budgets import PooledBudgets
from ostiary.storage.valkey.link import Link
from ostiary.storage.valkey.names import key
from ostiary.storage.valkey.news import News
from ostiary.storage.valkey.rates import SharedRates
from ostiary.storage.valkey.used import SharedReplay
from ostiary.testing.valkey import ValkeyServer
from ostiary.vocabulary.clock import SystemClock

CLOCK: Final = SystemClock()
S: Final = 1_000_000_000
MANY: Final = 1_000_000
Call = Callable[[int], object]


def measured(call: Call, count: int, threads: int) -> dict[str, float]:
    """Return what one call took, and how many there were in a second."""
    taken: list[int] = []
    start = threading.Barrier(threads + 1)

    def work(number: int) -> None:
        mine: list[int] = []
        start.wait()
        for turn in range(count // threads):
            begun = time.perf_counter_ns()
            call(number * count + turn)
            mine.append(time.perf_counter_ns() - begun)
        taken.extend(mine)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    start.wait()
    begun = time.perf_counter()
    for worker in workers:
        worker.join()
    whole = time.perf_counter() - begun
    taken.sort()
    return {
        "p50_us": round(taken[len(taken) // 2] / 1000, 1),
        "p99_us": round(taken[len(taken) * 99 // 100] / 1000, 1),
        "per_s": round(len(taken) / whole),
    }


def proofs(memory: SharedReplay | MemoryReplay, tag: str) -> Call:
    """Return a call that uses a proof nobody used before."""

    def call(number: int) -> None:
        now = CLOCK.now_ns()
        assert memory.remember("acme", b"%s-%d" % (tag.encode(), number), now + 3600 * S, now)

    return call


def rates(store: SharedRates | MemoryRates) -> Call:
    """Return a call that takes from three rates at once."""
    asks = [RateAsk.per_minute(name, 10_000_000, 1_000_000) for name in ("user", "tenant", "model")]
    return lambda _: store.admit("acme", asks, CLOCK.now_ns())


def shared_rows(link: Link, folder: Path) -> dict[str, Call]:
    """Return what is asked of Valkey, and beside it the same in the process or in SQLite."""
    news = News(link, "sessions", lambda _reason, fault: sys.exit(str(fault)))
    news.say("acme")
    use = proofs(SharedReplay(link, "decision"), "d")
    disk = open_store(folder / "bench.db", CLOCK).budgets
    pooled, memory = PooledBudgets(link, disk), MemoryBudgets()

    def decision(number: int) -> None:
        news.word("acme")
        use(number)
        news.word("acme")

    return {
        "proof/valkey": proofs(SharedReplay(link, "proof", max_per_tenant=MANY), "p"),
        "proof/process": proofs(MemoryReplay(0, MANY), "p"),
        "rate3/valkey": rates(SharedRates(link, 0.25)),
        "rate3/process": rates(MemoryRates(0)),
        "word/valkey": lambda _: news.word("acme"),
        "decision/valkey": decision,
        "budget/valkey": lambda _: pooled.take("acme", "pooled:3600", 5, -55, 1, MANY),
        "budget/sqlite": lambda _: disk.take("acme", "plain:3600", 5, -55, 1, MANY),
        "budget/process": lambda _: memory.take("acme", "k:3600", 5, -55, 1, MANY),
    }


class Replicas:
    """A house with recorded decisions, and what two ways of knowing the same people cost."""

    def __init__(self, folder: Path, decisions: int) -> None:
        """Learn a history and decide."""
        workload = Workload(CLOCK.now_ns())
        places = Places(folder / "data")
        self.house = open_house(places, workload.prepare(places), CLOCK, lambda *_: None)
        self.house.policies.load(DEFAULT_TENANT)
        register(self.house, CLOCK.now_ns())
        self.book = ProfileBook(DEFAULT_TENANT)
        people: dict[tuple[str, str], None] = {}
        for event in workload.history(20_000):
            self.book.learn(event)
            people[event.subject_type, event.subject_id] = None
        self.people = list(people)
        for promised in [self.house.decider.decide(*one).durable for one in workload.work(decisions)]:
            promised.result(timeout=600)

    def followed(self) -> dict[str, float]:
        """Read, open and learn every record, as the follower of another replica does; return what one took."""
        learned = 0

        def learn(decided: Decided) -> None:
            nonlocal learned
            learned += self.book.learn(decided.event) if decided.event is not None else 0

        follower = Follower(self.house.log, learn, lambda _reason, fault: sys.exit(str(fault)))
        begun, cpu = time.perf_counter(), time.process_time()
        read_back = follower.catch_up()
        whole, cpu = time.perf_counter() - begun, time.process_time() - cpu
        assert learned
        return {
            "records": read_back,
            "us": round(whole / read_back * 1e6, 1),
            "cpu_us": round(cpu / read_back * 1e6, 1),
        }

    def fetched(self, link: Link) -> Call:
        """Return a call that takes a profile out of Valkey and writes it back."""
        for kind, name in self.people:
            kept = self.book.profile_bytes(kind, name)
            assert kept is not None
            link.ask("SET", key("acme", "profile", f"{kind}:{name}"), written(unpacked(kept)))

        def call(number: int) -> None:
            kind, name = self.people[number % len(self.people)]
            place = key("acme", "profile", f"{kind}:{name}")
            kept = link.ask("GET", place)
            assert isinstance(kept, bytes)
            link.ask("SET", place, written(read(kept)))

        return call


def main() -> None:
    """Measure, and print a table or a line of JSON for each row."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--json", action="store_true")
    words.add_argument("--count", type=int, default=3000)
    words.add_argument("--threads", type=int, nargs="+", default=[1, 8])
    told = words.parse_args()
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(Path(folder) / "valkey") as server:
        link = Link(read_address(server.url))
        replicas = Replicas(Path(folder), 1000)
        rows = {**shared_rows(link, Path(folder)), "profile/fetched": replicas.fetched(link)}
        for threads in told.threads:
            for turn, (name, call) in enumerate(rows.items()):
                slow = name == "budget/sqlite"
                offset = (turn + 1) * 10_000_000 + threads * 1_000_000_000
                found = measured(partial(_numbered, call, offset), told.count // (10 if slow else 1), threads)
                show(told.json, {"row": name, "threads": threads, **found})
        followed = replicas.followed()
        sys.stdout.write(json.dumps({"row": "profile/followed", **followed}) + "\n")
        link.close()
        replicas.house.close()


def _numbered(call: Call, offset: int, number: int) -> object:
    return call(offset + number)


def show(as_json: bool, row: dict[str, Any]) -> None:  # noqa: FBT001 - a switch of the command line
    """Print one row."""
    if as_json:
        sys.stdout.write(json.dumps(row) + "\n")
        return
    words = "{row:18} {threads:>3} threads  p50 {p50_us:>8} us  p99 {p99_us:>9} us  {per_s:>8}/s\n"
    sys.stdout.write(words.format(**row))


if __name__ == "__main__":
    main()
