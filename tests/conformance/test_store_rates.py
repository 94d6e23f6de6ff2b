"""Stores of rates, in the process and in Valkey: never faster than the rate, several rates all or none."""

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.defence.rates import MemoryRates, RateAsk, RateStore
from ostiary.storage.valkey.rates import SharedRates

S = 1_000_000_000
NOW = 1_800_000_000 * S
USER = RateAsk.per_minute("user:ann", 60, burst=3)
TENANT = RateAsk.per_minute("tenant", 600, burst=5)


@pytest.fixture(params=["memory", "valkey"])
def store(request: pytest.FixtureRequest) -> RateStore:
    if request.param == "memory":
        return MemoryRates(since_ns=NOW - 3600 * S)
    made = SharedRates(request.getfixturevalue("valkey_link"), 0.5)
    made.admit("acme", [USER], NOW - 3600 * S)  # the memory begins with the first question
    made.admit("beta", [USER], NOW - 3600 * S)
    return made


def test_a_burst_and_then_the_rate(store: RateStore) -> None:
    assert [store.admit("acme", [USER], NOW) for _ in range(4)] == [0, 0, 0, S]
    assert store.admit("acme", [USER], NOW + S // 2) == S // 2
    assert [store.admit("acme", [USER], NOW + S) for _ in range(2)] == [0, S]
    assert [store.admit("acme", [USER], NOW + 60 * S) for _ in range(4)] == [0, 0, 0, S]


def test_all_give_one_or_none_does(store: RateStore) -> None:
    for _ in range(3):
        assert store.admit("acme", [USER, TENANT], NOW) == 0
    for _ in range(50):
        assert store.admit("acme", [USER, TENANT], NOW) == S, "the user has none"
    assert [store.admit("acme", [TENANT], NOW) for _ in range(3)] == [0, 0, S // 10], "and the tenant lost none by it"


def test_tenants_are_apart(store: RateStore) -> None:
    assert [store.admit("acme", [USER], NOW) for _ in range(4)][-1] > 0
    assert store.admit("beta", [USER], NOW) == 0


def test_a_clock_that_goes_back_shuts_nobody_out_for_long(store: RateStore) -> None:
    for _ in range(3):
        store.admit("acme", [USER], NOW)
    assert store.admit("acme", [USER], NOW - 600 * S) <= 4 * S


def test_threads_get_the_burst_and_no_more(store: RateStore) -> None:
    granted: list[int] = []
    ask = RateAsk.per_minute("hot", 60, burst=40)
    threads = [
        threading.Thread(target=lambda: granted.extend(not store.admit("acme", [ask], NOW) for _ in range(15)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 40


def test_nothing_asked_is_nothing_taken(store: RateStore) -> None:
    assert store.admit("acme", [], NOW) == 0


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(0, 3 * S), max_size=40), st.integers(1, 600), st.integers(1, 8))
def test_no_stretch_of_time_holds_more_than_burst_and_rate(gaps: list[int], per_minute: int, burst: int) -> None:
    rates, ask = MemoryRates(NOW - 10**15), RateAsk.per_minute("k", per_minute, burst)
    at, granted = NOW, list[int]()
    for gap in gaps:
        at += gap
        if rates.admit("acme", [ask], at) == 0:
            granted.append(at)
    for first in range(len(granted)):
        for last in range(first, len(granted)):
            assert last - first + 1 <= burst + (granted[last] - granted[first]) / ask.every_ns


def test_a_full_memory_takes_nobody_new_and_forgets_who_has_rested() -> None:
    rates = MemoryRates(NOW - 3600 * S, max_keys=2)
    asks = [RateAsk.per_minute(name, 60, 1) for name in "abc"]
    assert [rates.admit("acme", [one], NOW) for one in asks] == [0, 0, S]
    assert rates.admit("acme", [asks[2]], NOW + 2 * S) == 0
