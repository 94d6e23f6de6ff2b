"""The same random workload over all tables gives the same results in memory and on every backend, step by step."""

import pytest
from store_workload import run, steps
from store_worlds import MemoryWorld, TableWorld
from stores import TABLES, Stores

STEPS = 1000


@pytest.mark.parametrize("seed", [7])
def test_a_thousand_random_steps_end_alike_everywhere(stores: Stores, seed: int) -> None:
    workload = steps(seed, STEPS)
    wanted = list(run(MemoryWorld(), workload))
    for backend in TABLES:
        found = run(TableWorld(stores(backend)), workload)
        for number, (want, got) in enumerate(zip(wanted, found, strict=True)):
            assert got == want, f"step {number} of seed {seed} on {backend}"
