"""Counts of the shadow in memory and on disk keep the same promises."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from stores import EVERY, Stores

from ostiary.decision.counts import COMPARED, LIVE, Key, Summed
from ostiary.decision.shadow import Cell
from ostiary.storage.tables import Store
from ostiary.testing.shadow_counts import MemoryShadowCounts


@pytest.fixture(params=EVERY)
def store(request: Any, stores: Stores) -> Iterator[Any]:
    if request.param == "memory":
        yield MemoryShadowCounts()
        return
    yield stores(request.param).shadow


def key(hour: int, what: str = COMPARED, about: str = LIVE, controls: str = "deny", after: int = 3) -> Key:
    return Key(about, what, Cell(hour, controls, 0, after, "ops", "db"))


def test_counts_are_summed_over_hours_and_kept_apart_by_cell(store: Any) -> None:
    store.add("t", {key(5): 2, key(7): 1, key(7, after=4): 9})
    store.add("t", {key(5): 3})
    found = store.summed("t", LIVE, COMPARED, 5, 8)
    assert list(found) == [Summed("deny", 0, 3, "ops", "db", 6, 5, 7), Summed("deny", 0, 4, "ops", "db", 9, 7, 7)]
    assert [one.count for one in store.summed("t", LIVE, COMPARED, 6, 7)] == []
    assert [one.count for one in store.summed("t", LIVE, COMPARED, 5, 7)] == [5]


def test_tenants_candidates_and_kinds_of_counts_do_not_mix(store: Any) -> None:
    store.add("t", {key(1): 1, key(1, "late"): 2, key(1, about="sha256:b"): 4})
    store.add("u", {key(1): 8})
    assert store.hourly("t", LIVE, 0, 9) == {(1, COMPARED): 1, (1, "late"): 2}
    assert store.hourly("t", "sha256:b", 0, 9) == {(1, COMPARED): 4}
    assert [one.count for one in store.summed("u", LIVE, COMPARED, 0, 9)] == [8]
    assert list(store.summed("nobody", LIVE, COMPARED, 0, 9)) == []


def test_what_is_old_is_forgotten_and_nothing_else(store: Any) -> None:
    store.add("t", {key(1): 1, key(2): 1, key(3): 1})
    store.add("u", {key(1): 1})
    assert store.forget("t", 3) == 2
    assert store.hourly("t", LIVE, 0, 9) == {(3, COMPARED): 1}
    assert store.hourly("u", LIVE, 0, 9) == {(1, COMPARED): 1}


def test_two_processes_that_count_the_same_hour_lose_nothing(again: Callable[[], Store]) -> None:
    stores = [again() for _ in range(2)]

    def count(number: int) -> None:
        for _ in range(20):
            stores[number].shadow.add("t", Counter({key(1): 1}))

    threads = [threading.Thread(target=count, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].shadow.hourly("t", LIVE, 0, 2) == {(1, COMPARED): 40}


def test_a_tenant_that_goes_takes_its_counts_along(tables: Store) -> None:
    tables.shadow.add("t", {key(1): 1})
    tables.shadow.add("u", {key(1): 1})
    tables.forget_tenant("t")
    assert tables.shadow.hourly("t", LIVE, 0, 9) == {}
    assert tables.shadow.hourly("u", LIVE, 0, 9) == {(1, COMPARED): 1}
