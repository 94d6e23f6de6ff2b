"""One suite for every store that replicas share: what ``audit.sequencing.ports`` promises."""

import threading
from collections.abc import Callable

import pytest
from stores import TABLES, Stores

from ostiary.audit.sequencing import Handed
from ostiary.errors import UnavailableError
from ostiary.storage.tables import Store


@pytest.fixture(params=TABLES)
def store(request: pytest.FixtureRequest, stores: Stores) -> Store:
    return stores(request.param)


def _row(replica: str, seq: int) -> Handed:
    return Handed(replica, seq, "default", "decision", f"dec_{replica}_{seq}", 5, b"t", "ab", b"sealed")


def _take(store: Store, most: int = 100) -> list[tuple[str, int]]:
    with store.transaction():
        return [(one.replica, one.seq) for one in store.inbox.take(most)]


def test_rows_are_taken_once_and_in_the_order_of_their_numbers(store: Store) -> None:
    assert store.inbox.hand_over([_row("a", 1), _row("a", 2)], store.head().epoch)
    assert store.inbox.hand_over([_row("b", 1)], store.head().epoch)
    assert store.inbox.hand_over([_row("a", 3)], store.head().epoch)
    assert store.inbox.waiting() == 4
    assert _take(store, 3) == [("a", 1), ("a", 2), ("b", 1)]
    assert _take(store) == [("a", 3)]
    assert _take(store) == []
    assert store.inbox.waiting() == 0


def test_a_row_handed_over_again_is_one_row_also_when_it_was_taken_meanwhile(store: Store) -> None:
    epoch = store.head().epoch
    rows = [_row("a", 1), _row("a", 2)]
    for _ in range(2):
        assert store.inbox.hand_over(rows, epoch)
    assert _take(store) == [("a", 1), ("a", 2)]
    assert store.inbox.hand_over([*rows, _row("a", 3)], epoch)
    assert _take(store) == [("a", 3)]


def test_rows_come_back_as_they_were_handed_over(store: Store) -> None:
    store.inbox.hand_over([_row("a", 1)], store.head().epoch)
    with store.transaction():
        assert store.inbox.take(1) == [_row("a", 1)]


def test_what_a_transaction_that_failed_took_waits_on(store: Store) -> None:
    store.inbox.hand_over([_row("a", 1)], store.head().epoch)
    taken: list[int] = []

    def fail() -> None:
        with store.transaction():
            taken.append(len(store.inbox.take(9)))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert taken == [1]
    assert _take(store) == [("a", 1)]


def test_nothing_is_handed_over_under_an_epoch_that_has_passed(store: Store) -> None:
    epoch = store.head().epoch
    store.delete_keys("default")
    assert not store.inbox.hand_over([_row("a", 1)], epoch)
    assert store.inbox.waiting() == 0
    assert store.inbox.hand_over([_row("a", 1)], store.head().epoch)


def test_whoever_shuts_the_inbox_keeps_hand_overs_out_until_the_end(store: Store) -> None:
    epoch, done = store.head().epoch, threading.Event()
    found: list[bool] = []

    def hand() -> None:
        found.append(store.inbox.hand_over([_row("a", 1)], epoch))
        done.set()

    with store.transaction():
        store.inbox.shut()
        thread = threading.Thread(target=hand)
        thread.start()
        assert not done.wait(0.1)
        store.delete_keys("default")  # moves the epoch
        assert store.inbox.take(9) == []
    thread.join()
    assert found == [False]


def test_a_lease_has_one_holder_and_a_greater_token_for_each_new_one(store: Store) -> None:
    leases = store.leases
    first = leases.take("log", "a", 60_000)
    assert first > 0
    assert leases.take("log", "b", 60_000) == 0
    assert leases.take("log", "a", 60_000) == first
    leases.give_back("log", "b")  # not b's to give
    assert leases.take("log", "b", 60_000) == 0
    leases.give_back("log", "a")
    second = leases.take("log", "b", 60_000)
    assert second > first
    with store.transaction():
        assert leases.holds("log", "b", second)
        assert not leases.holds("log", "a", first)
        assert not leases.holds("log", "a", second)
    (one,) = leases.all()
    assert (one.name, one.holder, one.token) == ("log", "b", second)
    assert 50_000 < one.left_ms <= 60_000


def test_a_lease_that_is_over_goes_to_whoever_asks(store: Store) -> None:
    first = store.leases.take("log", "a", 0)
    assert store.leases.take("other", "b", 60_000) > 0
    assert store.leases.take("log", "a", 0) == first  # nobody else wanted it: it was never another's
    assert store.leases.take("log", "b", 60_000) > first


def test_replicas_hand_over_while_a_transaction_is_open(again: Callable[[], Store]) -> None:
    one, two = again(), again()
    if "sqlite" in type(one).__module__:
        pytest.skip("a file has one writer at a time")
    with one.transaction() as transaction:
        assert two.inbox.hand_over([_row("b", 1)], transaction.head().epoch)
        assert one.inbox.take(9) == [_row("b", 1)]


def test_a_writer_that_breaks_inside_leaves_the_next_one_alone(store: Store) -> None:
    bad = _row("a", 1)._replace(tag=None)  # type: ignore[arg-type]
    with pytest.raises(UnavailableError):
        store.inbox.hand_over([bad], store.head().epoch)
    assert store.inbox.hand_over([_row("a", 2)], store.head().epoch)
    assert _take(store) == [("a", 2)]
