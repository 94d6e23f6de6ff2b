"""Threads that decide and are lost: whoever is at something, or has ended over it, is noticed and replaced."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from ostiary.decision.combine import refused
from ostiary.decision.decide import AlreadyAnsweredError, Claim, Decided
from ostiary.server import crew as rooms
from ostiary.server import meter as meters
from ostiary.server.crew import PATIENCE, Crew, CrewSettings
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.verdicts import DecisionRecord

SETTINGS = CrewSettings(threads=1, deadline_s=0.05, stuck_s=0.1)


class Call:
    """One call that is answered once."""

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self.work, self.claim = work, Claim()

    def _answer(self, why: str) -> Decided:
        if not self.claim.take():
            raise AlreadyAnsweredError
        written: Future[Any] = Future()
        written.set_result(0)
        record = DecisionRecord(1, "t", Receipt("dec_1", 1), "pep", "user:a", refused(why))
        return Decided(record, {"why": why}, written)

    def run(self) -> Decided:
        self.work()
        return self._answer("decided")

    def refuse(self, reason: str, _fault: str) -> Decided:
        return self._answer(reason)


async def answered(crew: Crew, call: Call, deadline_s: float | None = None) -> str:
    return str((await crew.do(call.run, call.refuse, deadline_s=deadline_s)).answer["why"])


def test_a_call_that_is_given_up_while_a_thread_takes_it_does_not_lose_the_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between its look at the deadline and its first word a thread could begin what nobody watched any more."""
    given_up, gate = threading.Event(), threading.Event()

    class Slow(meters.Meter):
        def __init__(self) -> None:
            given_up.wait(5)
            super().__init__()

    monkeypatch.setattr(rooms, "Meter", Slow)

    async def main() -> None:
        crew = Crew(SETTINGS, on_stuck=lambda _where: None, on_fault=lambda *_: None)
        crew.start()
        assert await answered(crew, Call(gate.wait)) == "overloaded"
        given_up.set()
        assert await answered(crew, Call(), deadline_s=2) == "decided"
        crew.close()

    try:
        asyncio.run(main())
    finally:
        gate.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_a_bug_has_ended_is_stuck_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its clock is gone with it, and asking that was a fault in the loop that nobody heard of."""
    monkeypatch.setattr(meters, "clock_of_thread", clock_that_ends)
    told: list[str] = []

    def work() -> None:
        raise ZeroDivisionError

    def on_fault(_reason: str, _fault: BaseException) -> None:
        raise BrokenPipeError

    async def main() -> None:
        stuck = asyncio.Event()

        def on_stuck(where: str) -> None:
            told.append(where)
            stuck.set()

        crew = Crew(SETTINGS, on_stuck=on_stuck, on_fault=on_fault)
        crew.start()
        assert await answered(crew, Call(work)) == "policy_timeout"
        await asyncio.wait_for(stuck.wait(), SETTINGS.stuck_s * PATIENCE / 2)
        crew.close()

    asyncio.run(main())
    assert told == ["the thread has ended"]


def clock_that_ends(ident: int) -> Callable[[], float]:
    """Return what Linux does: the clock of a thread that is no more is an invalid one."""

    thread = threading.current_thread()
    assert thread.ident == ident

    def read() -> float:
        if not thread.is_alive():
            raise OSError(22, "Invalid argument")
        return 0.0

    return read
