"""Budget stores, in the process and on disk: never more than the limit, whoever takes."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from stores import SHARED, Stores

from ostiary.defence.budgets import SLOTS, Budget, Budgets, Want, key_of
from ostiary.defence.memory import MemoryBudgets
from ostiary.defence.ports import BudgetStore, Slot
from ostiary.storage.tables import Store

SECOND = 1_000_000_000


@pytest.fixture(params=SHARED)
def store(request: pytest.FixtureRequest, stores: Stores) -> BudgetStore:
    return MemoryBudgets() if request.param == "memory" else stores(request.param).budgets


def test_what_is_taken_is_what_is_left_at_most(store: BudgetStore) -> None:
    assert store.take("acme", "k:60", 5, 0, 3, 4) == 3
    assert store.take("acme", "k:60", 6, 0, 3, 4) == 1
    assert store.take("acme", "k:60", 7, 0, 3, 4) == 0
    assert store.taken("acme", "k:60", 0) == 4
    assert store.taken("acme", "k:60", 6) == 1


def test_another_tenants_budget_is_another(store: BudgetStore) -> None:
    assert store.take("acme", "k:60", 5, 0, 4, 4) == 4
    assert store.take("beta", "k:60", 5, 0, 4, 4) == 4


def test_slots_that_went_by_are_forgotten(store: BudgetStore) -> None:
    store.take("acme", "k:60", 5, 0, 4, 4)
    assert store.take("acme", "k:60", 66, 6, 4, 4) == 4


def test_slots_of_the_future_count_when_a_clock_goes_back(store: BudgetStore) -> None:
    store.take("acme", "k:60", 100, 40, 4, 4)
    assert store.take("acme", "k:60", 50, 0, 1, 4) == 0


def test_given_back_is_there_again_and_never_below_nothing(store: BudgetStore) -> None:
    store.take("acme", "k:60", 5, 0, 4, 4)
    assert store.take("acme", "k:60", 6, 0, 2, 4, Slot(5, 1)) == 1
    assert store.take("acme", "k:60", 6, 0, 9, 4, Slot(5, 900)) == 3
    assert store.take("acme", "k:60", 6, 0, 9, 4, Slot(4, 900)) == 0


def test_threads_that_take_at_once_get_the_limit_and_no_more(store: BudgetStore) -> None:
    budgets, want = Budgets(store), Want(key_of("fraud", "user:ada"), Budget(100, 3600))
    granted: list[Any] = []

    def ask() -> None:
        granted.extend(budgets.take("acme", want, 1, now_ns=SECOND) for _ in range(40))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 100


def test_two_processes_over_one_store_share_one_budget(tables: Store) -> None:
    want = Want("k", Budget(3, 3600))
    one, other = Budgets(tables.budgets), Budgets(tables.budgets)
    assert [b.take("acme", want, 1, now_ns=SECOND) for b in (one, other, one, other, one)] == [True] * 3 + [False] * 2


def test_a_restart_forgets_nothing_that_was_taken(again: Callable[[], Store]) -> None:
    want = Want("k", Budget(5000, 3600))
    with again() as first:
        budgets = Budgets(first.budgets)
        assert all(budgets.take("acme", want, 100, now_ns=SECOND) for _ in range(20))
    with again() as second:
        after = Budgets(second.budgets)
        assert sum(after.take("acme", want, 100, now_ns=2 * SECOND) for _ in range(90)) == 30


def test_a_crash_costs_a_lease_at_most(tables: Store) -> None:
    want = Want("k", Budget(10_240, 3600))
    assert Budgets(tables.budgets).take("acme", want, 1, now_ns=SECOND)  # and then it is gone, with nine taken ahead
    assert tables.budgets.taken("acme", want.stored, -SLOTS) == 10


def test_a_tenant_that_goes_takes_its_budgets_along(tables: Store) -> None:
    tables.budgets.take("acme", "k:60", 5, 0, 4, 4)
    tables.budgets.take("beta", "k:60", 5, 0, 4, 4)
    tables.forget_tenant("acme")
    assert (tables.budgets.taken("acme", "k:60", 0), tables.budgets.taken("beta", "k:60", 0)) == (0, 4)


def test_a_full_memory_grants_nothing_new_and_forgets_what_went_by() -> None:
    memory = MemoryBudgets(max_keys=2)
    assert [memory.take("acme", f"{name}:60", 5, -55, 1, 9) for name in "abc"] == [1, 1, 0]
    assert memory.take("beta", "c:60", 5, -55, 1, 9) == 1
    assert memory.take("acme", "a:60", 6, -54, 1, 9) == 1
    assert memory.take("acme", "c:60", 200, 140, 1, 9) == 1
