"""Rows that one token may read: counted in the process, or by replicas in the book of their store."""

from collections.abc import Callable

import pytest
from stores import EVERY, Stores

from ostiary.errors import RefusedError
from ostiary.pipeline.features.budget import Budget

END = 10**18


@pytest.fixture(params=EVERY)
def replicas(request: pytest.FixtureRequest, stores: Stores) -> Callable[[], Budget]:
    if request.param == "memory":
        alone = Budget(100)
        return lambda: alone
    return lambda: Budget(100, stores(request.param).dataset_budgets)


def test_a_token_reads_its_rows_wherever_it_asks_and_no_more(replicas: Callable[[], Budget]) -> None:
    here, there = replicas(), replicas()
    assert here.left("acme", "t") == 100
    here.spend("acme", "t", 60, END, 1)
    assert there.left("acme", "t") == 40
    with pytest.raises(RefusedError):
        there.spend("acme", "t", 41, END, 1)
    for one in (here, there):
        with pytest.raises(RefusedError):
            one.left("acme", "t")
    assert there.left("acme", "other") == 100
    assert there.left("beta", "t") == 100
