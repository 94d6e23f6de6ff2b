"""A sequencer that stands still inside the log's transaction on PostgreSQL loses that, and nobody waits for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from ostiary.audit import AuditLog
from ostiary.audit.sequencing import Handed, Inbox, Sequencing
from ostiary.keys import open_keys
from ostiary.storage.postgres.log_source import open_source
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.store import open_store
from ostiary.vocabulary.clock import SystemClock

IDLE_S = 1.0
TTL_S = 0.6


class _Pausing:
    """An inbox whose taker stands still once, inside the transaction, until it is let go."""

    def __init__(self, inner: Inbox) -> None:
        self.inner = inner
        self.armed = False
        self.inside, self.go = threading.Event(), threading.Event()

    def hand_over(self, rows: list[Handed], epoch: int) -> bool:
        return self.inner.hand_over(rows, epoch)

    def shut(self) -> None:
        self.inner.shut()

    def take(self, most: int) -> list[Handed]:
        rows = self.inner.take(most)
        if self.armed and rows:
            self.armed = False
            self.inside.set()
            self.go.wait(30)
        return rows

    def waiting(self) -> int:
        return self.inner.waiting()


class _Replica:
    def __init__(self, place: PostgresPlace, keys: Path, name: str, opened: ExitStack) -> None:
        clock = SystemClock()
        store = opened.enter_context(open_store(place, clock))
        ring, vault = open_keys(keys, store, clock)
        self.inbox = _Pausing(store.inbox)
        self.faults: list[str] = []
        shared = Sequencing(name, self.inbox, store.leases, TTL_S)  # type: ignore[arg-type]
        self.store = store
        self.log = opened.enter_context(
            AuditLog(store, vault, ring, clock, shared=shared, on_fault=lambda code, _: self.faults.append(code))
        )

    def decide(self, name: str) -> float:
        began = time.monotonic()
        self.log.append("default", "decision", name, 1, b"{}", "user:a").result(10)
        return time.monotonic() - began

    @property
    def sequences(self) -> bool:
        return self.log.sequencer is not None and self.log.sequencer.token > 0


@pytest.fixture
def pair(
    postgres_place: Callable[[str], PostgresPlace], tmp_path: Path
) -> Iterator[tuple[_Replica, _Replica, PostgresPlace]]:
    place = msgspec.structs.replace(postgres_place("postgres_18"), idle_s=IDLE_S)
    with ExitStack() as opened:
        one = _Replica(place, tmp_path / "keys", "one", opened)
        _until(lambda: one.sequences)
        yield one, _Replica(place, tmp_path / "keys", "two", opened), place


def _until(true: Callable[[], object], within_s: float = 15.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_its_records_are_appended_by_the_next_one_and_its_own_commit_fails(
    pair: tuple[_Replica, _Replica, PostgresPlace], tmp_path: Path
) -> None:
    one, two, place = pair
    one.inbox.armed = True
    two.decide("before")
    assert one.inbox.inside.wait(10)  # it took the row, holds the log's lock, and stands still
    took_s = [two.decide(f"while-{number}") for number in range(10)]
    assert max(took_s) < IDLE_S  # who hands over does not wait for it
    _until(lambda: two.sequences)
    _until(lambda: two.store.head().size == 11)
    one.inbox.go.set()
    _until(lambda: one.faults)
    assert set(one.faults) == {"storage_unavailable"}
    one.decide("after")
    _until(lambda: two.store.head().size == 12)
    names = [row.record_id for row in two.store.rows(0, 12)]
    assert names == ["before", *(f"while-{number}" for number in range(10)), "after"]
    _verified(place, tmp_path / "keys")


def _verified(place: PostgresPlace, keys: Path) -> None:
    from ostiary.audit.verifier import Verifier  # noqa: PLC0415

    with open_source(place, keys) as source:
        verifier = Verifier(source)
        verifier.run()
    assert verifier.report.findings == []
