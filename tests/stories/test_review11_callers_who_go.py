"""Callers who go before the end of an answer: the loop waits for no budget that somebody else has in hand."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

from ostiary.defence.budgets import Budget, Budgets
from ostiary.defence.memory import MemoryBudgets
from ostiary.errors import UnavailableError
from ostiary.gateway.spending import Allowance, Spending
from ostiary.gateway.usage import Price, Usage
from ostiary.server.llm.visit import Visits

AT = 10**18


class Store(MemoryBudgets):
    """A store that takes its time, as a disk does."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.open.set()
        self.broken = False

    def take(self, *told: Any) -> int:
        assert self.open.wait(20)
        if self.broken:
            raise UnavailableError("disk_full", "the disk is full")
        return super().take(*told)


class Scene:
    def __init__(self) -> None:
        self.store = Store()
        self.spending = Spending(Budgets(self.store), Allowance(tokens=Budget(1000, 3600)), Allowance())
        self.threads = ThreadPoolExecutor(1)
        self.faults: list[str] = []
        desk: Any = SimpleNamespace(
            faults=lambda code, _fault: self.faults.append(code),
            keeper=lambda *_told, **_more: None,
            receive_timeout_s=1.0,
        )
        room: Any = SimpleNamespace(
            spending=self.spending, keeper=None, settings=SimpleNamespace(max_messages=1, max_body_bytes=1)
        )
        self.visits = Visits(desk, room, None, self.threads)  # type: ignore[arg-type]
        self.visit: Any = SimpleNamespace(taken=self.spending.take("t", "ann", Price(), 900, 0, AT))
        # Another worker's slot: what this one gives back is written.
        self.spending._budgets._leases.clear()

    def left(self) -> int:
        ((_, want, _),) = self.visit.taken.wants
        return 1000 - self.spending._budgets.taken("t", want, AT)


def test_the_loop_goes_on_while_the_store_is_slow_and_all_is_given_back() -> None:
    scene = Scene()
    scene.store.open.clear()
    try:
        scene.visits.settle_later(scene.visit, Usage(100))
        assert scene.left() == 100
    finally:
        scene.store.open.set()
        scene.threads.shutdown()
    assert scene.left() == 900


def test_what_cannot_be_given_back_stays_taken_and_is_told() -> None:
    scene = Scene()
    scene.store.broken = True
    scene.visits.settle_later(scene.visit, Usage(100))
    scene.threads.shutdown()
    assert (scene.faults, scene.left()) == (["disk_full"], 100)
    scene.visits.settle_later(scene.visit, Usage(100))  # the server ends: nobody is there to do it
    assert scene.left() == 100
