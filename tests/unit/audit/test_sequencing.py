"""Several logs over one store: hand-over, one sequencer, order, exactly once."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from ostiary.audit import AuditLog
from ostiary.audit.erasure import erase
from ostiary.audit.ports import AuditTransaction, Selection
from ostiary.audit.sequencing import Handed, Inbox, Sequencing
from ostiary.audit.settings import AuditSettings
from ostiary.audit.subjects import SubjectAdmin
from ostiary.audit.tenants import TenantAdmin
from ostiary.audit.verifier import Verifier
from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.keys import KeyRing, open_keys
from ostiary.storage.sqlite import open_source, open_store
from ostiary.storage.tables import Store
from ostiary.testing.fake_clock import FakeClock

START = 1_800_000_000_000_000_000


class Replica:
    """One log with a store and keys of its own over the same files."""

    def __init__(self, home: Path, name: str, ttl_s: float, inbox: Callable[[Store], Inbox] | None = None) -> None:
        self.clock = FakeClock(START)
        self.store = open_store(home / "ostiary.db", self.clock)
        self.ring: KeyRing
        self.ring, self.vault = open_keys(home / "keys", self.store, self.clock)
        self.faults: list[str] = []
        shared = Sequencing(name, inbox(self.store) if inbox else self.store.inbox, self.store.leases, ttl_s)
        self.log = AuditLog(
            self.store,
            self.vault,
            self.ring,
            self.clock,
            AuditSettings(),
            shared=shared,
            on_fault=lambda code, _: self.faults.append(code),
        )

    def decide(self, *names: str, subject: str = "user:a", tenant: str = "default") -> None:
        """Record decisions; return when they may be answered."""
        now = self.clock.now_ns()
        for waiting in [self.log.append(tenant, "decision", name, now, b"{}", subject) for name in names]:
            waiting.result(10)

    def close(self) -> None:
        self.log.close()
        self.store.close()


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Callable[..., Replica]]:
    with ExitStack() as opened:

        def make(
            name: str, ttl_s: float = 60.0, inbox: Callable[[Store], Inbox] | None = None, home: Path = tmp_path
        ) -> Replica:
            made = Replica(home, name, ttl_s, inbox)
            opened.callback(made.close)
            return made

        yield make


def _until(true: Callable[[], object], within_s: float = 5.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def _names(replica: Replica) -> list[str]:
    return [row.record_id for row in replica.store.rows(0, replica.store.head().size)]


def _verified(home: Path) -> None:
    with open_source(home / "ostiary.db", home / "keys") as source:
        verifier = Verifier(source)
        verifier.run()
    assert verifier.report.findings == []


def test_one_of_two_sequences_what_both_hand_over(replica: Callable[..., Replica], tmp_path: Path) -> None:
    one, two = replica("one"), replica("two")
    one.decide("a1")
    two.decide(*(f"b{number}" for number in range(20)))
    one.decide("a2")
    _until(lambda: len(_names(one)) == 22)
    names = _names(two)
    assert sorted(names) == sorted(["a1", "a2", *(f"b{number}" for number in range(20))])
    assert [name for name in names if name.startswith("b")] == [f"b{number}" for number in range(20)]
    holders = [one for one in (one, two) if one.log.sequencer is not None and one.log.sequencer.token]
    assert len(holders) == 1
    _verified(tmp_path)


def test_a_decision_is_found_by_its_id_as_soon_as_it_may_be_answered(replica: Callable[..., Replica]) -> None:
    one, two = replica("one"), replica("two")
    for number in range(20):
        two.decide(f"b{number}")
        found = two.log.get("default", f"b{number}")
        assert found is not None
        assert found.payload == b"{}"
        assert one.log.prove("default", f"b{number}") is not None
    assert one.log.get("default", "never") is None


def test_other_records_and_effects_come_after_what_was_handed_over(replica: Callable[..., Replica]) -> None:
    replica("holder", inbox=lambda store: _Full(store.inbox, 0))
    two = replica("two")
    two.decide("b1", "b2")
    two.log.append("default", "admin", "adm_1", START, b"{}", "").result(5)
    two.decide("b3")
    seen: list[int] = []

    def effect(transaction: AuditTransaction) -> bytes:
        seen.extend((len(two.store.inbox.take(9)), transaction.head().size))
        return b"{}"

    two.log.append_effect("default", "admin", "adm_2", START, effect).result(5)
    assert seen == [0, 4]
    assert _names(two) == ["b1", "b2", "adm_1", "b3", "adm_2"]


class _Full:
    """An inbox whose reader sees so many rows waiting, and that fails as told."""

    def __init__(self, inner: Inbox, waiting: int | None = None, fails: Sequence[OstiaryError] = ()) -> None:
        self.inner = inner
        self.seen = waiting
        self.fails = list(fails)
        self.handed = 0

    def hand_over(self, rows: Sequence[Handed], epoch: int) -> bool:
        self.handed += 1
        done = self.inner.hand_over(rows, epoch)
        if self.fails:
            raise self.fails.pop(0)
        return done

    def shut(self) -> None:
        self.inner.shut()

    def take(self, most: int) -> list[Handed]:
        return self.inner.take(most)

    def waiting(self) -> int:
        return self.inner.waiting() if self.seen is None else self.seen


def test_an_answer_that_was_lost_gives_one_record(replica: Callable[..., Replica], tmp_path: Path) -> None:
    lost = UnavailableError("storage_unavailable", "the line fell silent after the commit")
    one = replica("one", inbox=lambda store: _Full(store.inbox, None, [lost]))
    one.decide("a1", "a2")
    one.decide("a3")
    _until(lambda: len(_names(one)) == 3)
    assert _names(one) == ["a1", "a2", "a3"]
    _verified(tmp_path)


def test_a_database_that_stays_silent_fails_the_records_and_they_are_counted(replica: Callable[..., Replica]) -> None:
    lost = UnavailableError("storage_unavailable", "the line fell silent")
    one = replica("one", inbox=lambda store: _Full(store.inbox, None, [lost, lost]))
    with pytest.raises(UnavailableError, match="silent"):
        one.decide("a1")
    one.decide("a2")
    _until(lambda: "a2" in _names(one))
    told = [row for row in one.store.rows(0, 9) if row.kind == "refusals"]
    assert len(told) == 1
    opened = one.log.get("system", told[0].record_id)
    assert opened is not None
    assert msgspec.json.decode(opened.payload or b"")["reasons"] == {"storage_unavailable": 1}


def test_an_inbox_that_nobody_empties_refuses_at_its_limit(replica: Callable[..., Replica]) -> None:
    one = replica("one", inbox=lambda store: _Full(store.inbox, 1_000_000))
    with pytest.raises(UnavailableError) as refused:
        one.decide("a1")
    assert refused.value.code == "overloaded"


def test_a_lease_that_went_to_another_lets_nothing_in(replica: Callable[..., Replica], tmp_path: Path) -> None:
    one = replica("one")
    sequencer = one.log.sequencer
    assert sequencer is not None
    _until(lambda: sequencer.token)
    first = sequencer.token
    one.store.leases.give_back("log", "one")  # as if its time were over by the database
    assert one.store.leases.take("log", "thief", 60_000) > first
    one.decide("a1")  # durable, and answered
    time.sleep(0.05)
    assert _names(one) == []
    assert sequencer.token == 0
    assert one.faults == []
    one.store.leases.give_back("log", "thief")
    two = replica("two")
    _until(lambda: _names(two) == ["a1"])
    _verified(tmp_path)


def test_the_next_replica_takes_over_when_the_holder_ends(replica: Callable[..., Replica], tmp_path: Path) -> None:
    one, two = replica("one", 0.3), replica("two", 0.3)
    one.decide("a1")
    two.decide("b1")
    _until(lambda: one.log.sequencer and one.log.sequencer.token)
    one.log.close()
    two.decide("b2")
    _until(lambda: two.log.sequencer and two.log.sequencer.token, 2)
    _until(lambda: len(_names(two)) == 3)
    _verified(tmp_path)


def test_a_clock_that_jumps_changes_neither_lease_nor_order(replica: Callable[..., Replica], tmp_path: Path) -> None:
    one, two = replica("one"), replica("two")
    _until(lambda: (one.log.sequencer and one.log.sequencer.token) or (two.log.sequencer and two.log.sequencer.token))
    tokens = [lease.token for lease in one.store.leases.all()]
    for number, seconds in enumerate((0, 86_400, -172_800, 10)):
        for each in (one, two):
            each.clock.advance(seconds)
            each.decide(f"{number}{each is one}")
    _until(lambda: len(_names(one)) == 8)
    at = [msgspec.json.decode(row.entry)["at"] for row in one.store.rows(0, 8)]
    assert at == sorted(at)
    assert [lease.token for lease in one.store.leases.all()] == tokens
    _verified(tmp_path)


def test_who_was_forgotten_stays_forgotten_by_every_replica(replica: Callable[..., Replica], tmp_path: Path) -> None:
    one, two = replica("one"), replica("two")
    two.decide("b1", subject="user:gone")
    SubjectAdmin(one.log, one.clock).erase("default", "user:gone")
    two.decide("b2", subject="user:gone")  # whose key two still remembers
    found = two.log.get("default", "b2")
    assert found is not None
    assert found.payload == b"{}"
    gone = one.log.get("default", "b1")
    assert gone is not None
    assert gone.payload is None
    _verified(tmp_path)


def test_a_tenant_that_is_gone_is_unknown_to_every_replica(replica: Callable[..., Replica], tmp_path: Path) -> None:
    one, two = replica("one"), replica("two")
    tenants = TenantAdmin(one.log, one.ring, one.clock)
    tenants.create("acme")
    two.decide("b1", tenant="acme")
    tenants.delete("acme")
    with pytest.raises(RefusedError) as refused:
        two.decide("b2", tenant="acme")
    assert refused.value.code == "tenant_unknown"
    two.decide("b3")
    _until(lambda: "b3" in _names(one))
    assert "b2" not in _names(one)
    _verified(tmp_path)


def test_an_erasure_takes_what_was_still_waiting(replica: Callable[..., Replica], tmp_path: Path) -> None:
    replica("holder", inbox=lambda store: _Full(store.inbox, 0))  # holds the lease, and sequences nothing
    two = replica("two")
    two.decide("b1", "b2")
    assert two.store.inbox.waiting() == 2
    erased = erase(two.log, two.clock, "retention.prune", lambda _: [Selection("default", "decision")])
    assert erased.count == 2
    _verified(tmp_path)


def test_who_reads_what_is_never_handed_over_moves_nothing(replica: Callable[..., Replica], tmp_path: Path) -> None:
    """The phases in force are read on every decision's way: that must not write, nor wait for whoever does."""
    one = replica("one", home=_made(tmp_path / "alone"))
    assert one.log.sequencer is not None
    one.log.append("default", "phases", "phs_1", 1, b"{}", "").result(10)

    def refuse() -> bool:
        raise AssertionError("nothing is to be moved")

    one.log.sequencer.settle = refuse  # type: ignore[method-assign]
    assert [stored.record_id for stored in one.log.iterate("default", "phases")] == ["phs_1"]
    for kind in ("decision", None):
        with pytest.raises(AssertionError):
            list(one.log.iterate("default", kind))
    del one.log.sequencer.settle


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
