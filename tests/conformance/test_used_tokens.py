"""Memories of used tokens, in the process and on disk: of two uses, one is the first."""

import threading
from collections.abc import Callable

import pytest
from stores import EVERY, SHARED, Stores

from ostiary.errors import UnavailableError
from ostiary.identity.ports import ReplayMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.workloads.bundle import Mark, MemoryMarks, SequenceMarks
from ostiary.server.workloads import StoredMarks
from ostiary.storage.tables import Store
from ostiary.storage.tables.used_tokens import UsedTokenTable
from ostiary.storage.valkey.used import SharedReplay
from ostiary.testing.fake_clock import FakeClock

SECOND = 1_000_000_000
Make = Callable[[int], ReplayMemory]


@pytest.fixture(params=SHARED)
def make(request: pytest.FixtureRequest, stores: Stores) -> Make:
    if request.param == "memory":
        return lambda most: MemoryReplay(since_ns=0, max_per_tenant=most)
    if request.param == "valkey":
        link = request.getfixturevalue("valkey_link")
        return lambda most: SharedReplay(link, "proof", max_per_tenant=most)
    store = stores(request.param)
    return lambda most: UsedTokenTable(store._database, most)


def test_a_key_is_new_once_for_each_tenant(make: Make) -> None:
    memory = make(10)
    assert [memory.remember("acme", b"a", 100 * SECOND, 1) for _ in range(3)] == [True, False, False]
    assert memory.remember("beta", b"a", 100 * SECOND, 1)
    assert memory.remember("acme", b"b", 100 * SECOND, 1)
    assert memory.since_ns == 0


def test_a_key_is_kept_until_its_end_and_a_grace(make: Make) -> None:
    memory = make(10)
    memory.remember("acme", b"a", 100 * SECOND, 1)
    assert not memory.remember("acme", b"a", 900 * SECOND, 159 * SECOND)
    assert memory.remember("acme", b"a", 900 * SECOND, 160 * SECOND)


def test_a_full_memory_refuses_and_forgets_nothing(make: Make) -> None:
    memory = make(2)
    for key in (b"a", b"b"):
        memory.remember("acme", key, 100 * SECOND, 1)
    with pytest.raises(UnavailableError):
        memory.remember("acme", b"c", 100 * SECOND, 1)
    assert memory.remember("beta", b"c", 100 * SECOND, 1)
    assert memory.remember("acme", b"c", 900 * SECOND, 160 * SECOND)


def test_of_many_at_once_one_is_the_first(make: Make) -> None:
    memory, won, start = make(100), list[bool](), threading.Barrier(8)

    def use() -> None:
        start.wait()
        won.append(memory.remember("acme", b"a", 100 * SECOND, 1))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_another_process_and_a_restart_know_what_was_used(again: Callable[[], Store]) -> None:
    store = again()
    assert store.used_tokens.remember("acme", b"a", 100 * SECOND, 1)
    with again() as other:
        assert not other.used_tokens.remember("acme", b"a", 100 * SECOND, 1)
    store.forget_tenant("acme")
    assert store.used_tokens.remember("acme", b"a", 100 * SECOND, 1)


@pytest.fixture(params=EVERY)
def marks(request: pytest.FixtureRequest, stores: Stores) -> SequenceMarks:
    return MemoryMarks() if request.param == "memory" else StoredMarks(stores(request.param).snapshots, FakeClock())


def test_marks_of_bundles_are_kept_by_tenant_and_trust_domain(marks: SequenceMarks) -> None:
    assert marks.mark("acme", "spiffe://td") is None
    marks.keep("acme", "spiffe://td", Mark(3, b"\x00\xff"))
    marks.keep("acme", "spiffe://td", Mark(4, b"\x01"))
    assert marks.mark("acme", "spiffe://td") == Mark(4, b"\x01")
    assert marks.mark("beta", "spiffe://td") is None
    assert marks.mark("acme", "spiffe://other") is None


def test_a_damaged_mark_is_no_first_time(tables: Store) -> None:
    tables.snapshots.save("acme", "spiffe_bundle", "spiffe://td", b"{", 1)
    with pytest.raises(UnavailableError):
        StoredMarks(tables.snapshots, FakeClock()).mark("acme", "spiffe://td")
