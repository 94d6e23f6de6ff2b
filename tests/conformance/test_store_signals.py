"""One suite for every backend of shared signals: streams, lists of subjects, the outbox, and what was met before."""

import threading
from collections.abc import Callable, Iterator

import msgspec
import pytest
from stores import EVERY, Stores

from ostiary.errors import UnavailableError
from ostiary.response.ssf.ports import Outgoing, SignalStore
from ostiary.response.ssf.streams import DISABLED, PUSH, Delivery, Stream
from ostiary.storage.tables import Store
from ostiary.testing.signal_store import MemorySignalStore

STREAM = Stream("acme", "str_1", "web", ("web",), Delivery(PUSH, "https://r.example/", b"\x00sealed"), made_ns=5)
PLENTY = {"of_owner": 9, "of_tenant": 9}


@pytest.fixture(params=EVERY)
def store(request: pytest.FixtureRequest, stores: Stores) -> Iterator[SignalStore]:
    if request.param == "memory":
        yield MemorySignalStore()
        return
    yield stores(request.param).signals


def named(stream_id: str, tenant: str = "acme", **more: object) -> Stream:
    return msgspec.structs.replace(STREAM, stream_id=stream_id, tenant=tenant, **more)


def row(number: int, stream_id: str = "str_1", tenant: str = "acme", *, always: bool = False) -> Outgoing:
    return Outgoing(tenant, stream_id, f"jti-{number}", f"token-{number}", number, always)


def test_a_stream_comes_back_whole_and_belongs_to_one_tenant(store: SignalStore) -> None:
    assert store.add_stream(STREAM, **PLENTY)
    assert not store.add_stream(STREAM, **PLENTY)
    assert store.find_stream("acme", "str_1") == STREAM
    assert store.find_stream("evil", "str_1") is None
    assert not store.delete_stream("evil", "str_1")
    assert store.streams("evil") == []
    assert store.add_stream(named("str_1", "evil"), **PLENTY)
    assert [one.tenant for one in store.all_streams()] == ["acme", "evil"]
    assert store.delete_stream("acme", "str_1")
    assert store.find_stream("acme", "str_1") is None
    assert store.find_stream("evil", "str_1") is not None


def test_owner_and_tenant_have_only_so_many(store: SignalStore) -> None:
    assert store.add_stream(named("a"), of_owner=1, of_tenant=2)
    assert not store.add_stream(named("b"), of_owner=1, of_tenant=2)
    assert store.add_stream(named("b", owner="app"), of_owner=1, of_tenant=2)
    assert not store.add_stream(named("c", owner="third"), of_owner=1, of_tenant=2)
    assert store.add_stream(named("c", "other"), of_owner=1, of_tenant=2)


def test_of_two_writers_one_wins(store: SignalStore) -> None:
    store.add_stream(STREAM, **PLENTY)
    first, second = named("str_1", status=DISABLED), named("str_1", description="mine")
    assert store.replace_stream(STREAM, first)
    assert not store.replace_stream(STREAM, second)
    assert store.find_stream("acme", "str_1") == first
    assert not store.replace_stream(named("str_1", "evil"), named("str_1", "evil", description="x"))


def test_a_verification_is_granted_once_in_its_time(store: SignalStore) -> None:
    store.add_stream(STREAM, **PLENTY)
    assert store.may_verify("acme", "str_1", 100, 40)
    assert not store.may_verify("acme", "str_1", 110, 50)
    assert store.may_verify("acme", "str_1", 200, 140)
    assert not store.may_verify("acme", "none", 200, 140)
    store.hear("acme", "str_1", 300)
    life = store.life("acme", "str_1")
    assert (life.heard_ns, life.verified_ns, life.dropped) == (300, 200, 0)


def test_subjects_are_listed_up_to_a_bound_and_go_with_the_stream(store: SignalStore) -> None:
    store.add_stream(STREAM, **PLENTY)
    assert store.add_subject("acme", "str_1", "a", 2)
    assert store.add_subject("acme", "str_1", "b", 2)
    assert store.add_subject("acme", "str_1", "a", 2)
    assert not store.add_subject("acme", "str_1", "c", 2)
    assert store.subjects("acme", "str_1") == ["a", "b"]
    assert store.subjects("evil", "str_1") == []
    store.remove_subject("acme", "str_1", "a")
    assert store.subjects("acme", "str_1") == ["b"]
    store.delete_stream("acme", "str_1")
    assert store.subjects("acme", "str_1") == []


def test_what_waits_comes_in_order_and_goes_when_delivered(store: SignalStore) -> None:
    store.add_stream(STREAM, **PLENTY)
    store.put_out([row(1), row(2), row(3, always=True)], 10)
    store.put_out([row(2)], 10)
    assert [one.jti for one in store.waiting("acme", "str_1", 2)] == ["jti-1", "jti-2"]
    assert store.waiting("acme", "str_1", 9, only_always=True) == [row(3, always=True)]
    assert store.waiting("evil", "str_1", 9) == []
    assert store.delivered("evil", "str_1", ["jti-1"]) == 0
    assert store.delivered("acme", "str_1", ["jti-1", "jti-9"]) == 1
    assert store.count_waiting("acme", "str_1") == store.count_all_waiting() == 2
    store.clear("acme", "str_1")
    assert [one.jti for one in store.waiting("acme", "str_1", 9)] == ["jti-3"]
    store.put_out([], 10)


def test_the_outbox_is_bounded_and_says_what_it_dropped(store: SignalStore) -> None:
    store.add_stream(STREAM, **PLENTY)
    store.put_out([row(number) for number in range(5)], 3)
    store.put_out([row(5)], 3)
    assert [one.jti for one in store.waiting("acme", "str_1", 9)] == ["jti-3", "jti-4", "jti-5"]
    assert store.life("acme", "str_1").dropped == 3


def test_a_mark_holds_until_its_time_and_for_one_receiver(store: SignalStore) -> None:
    store.mark("acme", "idp", "taken", b"one", 50, 10)
    assert store.is_marked("acme", "idp", "taken", b"one", 49)
    assert not store.is_marked("acme", "idp", "taken", b"one", 50)
    for other in (("evil", "idp", "taken"), ("acme", "other", "taken"), ("acme", "idp", "state")):
        assert not store.is_marked(*other, b"one", 1)
    store.mark("acme", "idp", "taken", b"one", 40, 10)
    assert store.is_marked("acme", "idp", "taken", b"one", 49)
    assert store.unmark("acme", "idp", "taken", b"one")
    assert not store.unmark("acme", "idp", "taken", b"one")


def test_memory_of_marks_is_bounded_and_fails_closed(store: SignalStore) -> None:
    for number in range(2):
        store.mark("acme", "idp", "taken", bytes([number]), 10 + number, 2)
    with pytest.raises(UnavailableError, match="remembered") as full:
        store.mark("acme", "idp", "taken", b"x", 50, 2)
    assert full.value.code == "signals_memory_full"
    store.mark("acme", "other", "taken", b"x", 50, 2)
    assert store.forget_marks(10) == 1
    store.mark("acme", "idp", "taken", b"x", 50, 2)


def test_many_writers_lose_nothing(store: SignalStore) -> None:
    store.add_stream(STREAM, **PLENTY)

    def write(start: int) -> None:
        for number in range(start, start + 10):
            store.put_out([row(number)], 999)

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count_waiting("acme", "str_1") == 40


def test_a_tenant_that_goes_takes_everything_along(tables: Store) -> None:
    for tenant in ("acme", "other"):
        tables.signals.add_stream(named("s", tenant), **PLENTY)
        tables.signals.add_subject(tenant, "s", "a", 9)
        tables.signals.put_out([row(1, "s", tenant)], 9)
        tables.signals.mark(tenant, "idp", "taken", b"x", 99, 9)
    tables.forget_tenant("acme")
    left = tables.signals
    assert (left.streams("acme"), left.subjects("acme", "s"), left.waiting("acme", "s", 9)) == ([], [], [])
    assert not left.is_marked("acme", "idp", "taken", b"x", 1)
    assert left.subjects("other", "s") == ["a"]
    assert left.count_waiting("other", "s") == 1


def test_what_was_marked_is_met_again_after_a_restart(again: Callable[[], Store]) -> None:
    with again() as opened:
        opened.signals.mark("acme", "idp", "taken", b"x", 99, 9)
    with again() as opened:
        assert opened.signals.is_marked("acme", "idp", "taken", b"x", 1)


def test_a_sealed_secret_is_in_no_repr() -> None:
    assert "sealed" not in repr(STREAM.delivery)
    assert "sealed" not in repr(STREAM)
