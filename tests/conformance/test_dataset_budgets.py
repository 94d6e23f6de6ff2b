"""Budget books, in memory and on disk: of many reads at once none gets past the budget."""

import threading
from collections.abc import Callable

import pytest
from stores import EVERY, Stores

from ostiary.pipeline.datasets.counting import MemoryBudgets
from ostiary.pipeline.datasets.ports import BudgetBook, Charge, Used
from ostiary.storage.tables import Store

END = 10**18


@pytest.fixture(params=EVERY)
def book(request: pytest.FixtureRequest, stores: Stores) -> BudgetBook:
    return MemoryBudgets() if request.param == "memory" else stores(request.param).dataset_budgets


def charge(count: int, name: bytes = b"a", **more: object) -> Charge:
    told = {"max_bytes": 100, "max_objects": 2, "expires_ns": END, **more}
    return Charge("acme", "token", name * 32, count, **told)  # type: ignore[arg-type]


def test_the_byte_over_is_refused_and_counts_nothing(book: BudgetBook) -> None:
    assert book.charge(charge(60), 1) == ""
    assert book.charge(charge(41), 1) == "bytes"
    assert book.used("acme", "token") == Used(60, 1)
    assert book.charge(charge(40), 1) == ""
    assert book.charge(charge(1), 1) == "bytes"
    assert book.charge(charge(0), 1) == ""


def test_an_object_counts_once_whatever_is_read_of_it(book: BudgetBook) -> None:
    assert [book.charge(charge(1, name), 1) for name in (b"a", b"a", b"b", b"c", b"a")] == ["", "", "", "objects", ""]
    assert book.used("acme", "token") == Used(4, 2)


def test_no_bound_is_none(book: BudgetBook) -> None:
    for name in (b"a", b"b", b"c"):
        assert book.charge(charge(10**12, name, max_bytes=0, max_objects=0), 1) == ""
    assert book.used("acme", "token") == Used(3 * 10**12, 3)


def test_what_did_not_leave_is_given_back(book: BudgetBook) -> None:
    book.charge(charge(100), 1)
    book.give_back("acme", "token", 30)
    assert book.charge(charge(30), 1) == ""
    book.give_back("acme", "token", 10**6)
    assert book.used("acme", "token").bytes == 0
    book.give_back("acme", "unknown", 5)
    assert book.used("acme", "unknown") == Used()


def test_each_tenant_and_token_has_its_own(book: BudgetBook) -> None:
    book.charge(charge(100), 1)
    assert book.charge(Charge("beta", "token", b"a" * 32, 100, 100, 1, END), 1) == ""
    assert book.charge(Charge("acme", "other", b"a" * 32, 100, 100, 1, END), 1) == ""


def test_of_many_at_once_exactly_the_budget_is_read(book: BudgetBook) -> None:
    told: list[str] = []
    start = threading.Barrier(16)

    def read(number: int) -> None:
        start.wait()
        told.extend(book.charge(charge(7, bytes([number]), max_objects=0), 1) for _ in range(3))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told.count("") == 14
    assert book.used("acme", "token").bytes == 98


def test_what_ended_is_forgotten(book: BudgetBook) -> None:
    book.charge(charge(100, expires_ns=10), 1)
    assert book.charge(charge(1, b"b"), 10**15) == ""


def test_a_restart_and_another_process_know_what_was_read(again: Callable[[], Store]) -> None:
    store = again()
    assert store.dataset_budgets.charge(charge(60), 1) == ""
    with again() as other:
        assert other.dataset_budgets.charge(charge(41), 1) == "bytes"
        assert other.dataset_budgets.charge(charge(40), 1) == ""
    assert store.dataset_budgets.charge(charge(1), 1) == "bytes"
    store.forget_tenant("acme")
    assert store.dataset_budgets.used("acme", "token") == Used()
