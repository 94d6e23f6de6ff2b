import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

import pytest

from ostiary.decision.combine import refused
from ostiary.decision.decide import AlreadyAnsweredError, Claim, Decided
from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError
from ostiary.server.crew import PATIENCE, Crew, CrewSettings
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.verdicts import DecisionRecord


def decided(reason: str, *, durable: bool = True) -> Decided:
    record = DecisionRecord(1, "t", Receipt("dec_1", 1), "pep", "user:a", refused(reason))
    written: Future[Any] = Future()
    if durable:
        written.set_result(0)
    return Decided(record, {"decision": False, "why": reason}, written)


class Desk:
    """One call with its claim: counts records, so that a second one is seen."""

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self.claim = Claim()
        self.work = work
        self.records: list[str] = []

    def _record(self, reason: str) -> Decided:
        if not self.claim.take():
            raise AlreadyAnsweredError
        self.records.append(reason)
        return decided(reason)

    def run(self) -> Decided:
        self.work()
        return self._record("decided")

    def refuse(self, reason: str, fault: str) -> Decided:
        return self._record(reason)


class Bench:
    def __init__(self, **settings: Any) -> None:
        self.settings = CrewSettings(**{"threads": 2, "deadline_s": 10.0, "stuck_s": 0.1, **settings})
        self.stuck = 0
        self.where = ""
        self.faults: list[BaseException] = []
        self._told = asyncio.Event()

    def _on_stuck(self, where: str) -> None:
        self.stuck += 1
        self.where = where
        self._told.set()

    async def stuck_often(self, times: int) -> None:
        while self.stuck < times:
            self._told.clear()
            await self._told.wait()

    def run(self, test: Callable[[Crew], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            crew = Crew(self.settings, on_stuck=self._on_stuck, on_fault=lambda _r, f: self.faults.append(f))
            crew.start()
            try:
                await test(crew)
            finally:
                crew.close()

        asyncio.run(main())


def why(answer: Decided) -> str:
    return str(answer.answer["why"])


def test_a_decision_comes_back_from_its_thread() -> None:
    desk = Desk()

    async def test(crew: Crew) -> None:
        assert why(await crew.do(desk.run, desk.refuse)) == "decided"

    Bench().run(test)
    assert desk.records == ["decided"]


def test_what_was_decided_needs_no_garbage_collector() -> None:
    written: list[weakref.ref[Future[Any]]] = []

    async def one(crew: Crew) -> None:
        answer = decided("decided", durable=False)
        written.append(weakref.ref(answer.durable))
        asyncio.get_running_loop().call_later(0.01, answer.durable.set_result, 0)
        assert why(await crew.do(lambda: answer, lambda _reason, _fault: answer)) == "decided"

    async def test(crew: Crew) -> None:
        await one(crew)
        await one(crew)  # the thread has let go of the first
        await asyncio.sleep(0)
        assert written[0]() is None

    gc.disable()
    try:
        Bench(threads=1).run(test)
    finally:
        gc.enable()


def test_at_the_deadline_the_loop_denies_and_the_late_thread_records_nothing() -> None:
    gate = threading.Event()
    desk = Desk(gate.wait)
    bench = Bench(deadline_s=0.1)

    async def test(crew: Crew) -> None:
        assert why(await crew.do(desk.run, desk.refuse)) == "policy_timeout"
        gate.set()
        async with asyncio.timeout(20):
            while not crew.late:  # noqa: ASYNC110 - told by a thread
                await asyncio.sleep(0.01)
        assert crew.late == 1

    bench.run(test)
    assert desk.records == ["policy_timeout"]
    assert bench.stuck == 0


def busy(gate: threading.Event) -> Callable[[], None]:
    """Return what uses the processor until the gate opens."""

    def spin() -> None:
        while not gate.is_set():
            pass

    return spin


def test_a_thread_that_stays_busy_is_stuck() -> None:
    gate = threading.Event()
    bench = Bench(threads=1, deadline_s=0.1)

    async def test(crew: Crew) -> None:
        desk = Desk(busy(gate))
        assert why(await crew.do(desk.run, desk.refuse)) == "policy_timeout"
        await bench.stuck_often(1)
        gate.set()

    bench.run(test)
    assert "spin < test_crew.py" in bench.where or " is_set < " in bench.where


def test_threads_that_wait_are_not_stuck_before_long_and_the_others_go_on() -> None:
    gate = threading.Event()
    bench = Bench(threads=1)

    async def test(crew: Crew) -> None:
        desks = [Desk(gate.wait) for _ in range(3)]
        begin = time.monotonic()
        for desk in desks:
            assert why(await crew.do(desk.run, desk.refuse, deadline_s=0.1)) == "policy_timeout"
            healthy = Desk()
            assert why(await crew.do(healthy.run, healthy.refuse)) == "decided"
        assert bench.stuck == 0 or time.monotonic() - begin > 0.1 * PATIENCE
        await bench.stuck_often(3)
        assert time.monotonic() - begin > 0.1 * PATIENCE
        gate.set()

    bench.run(test)


def test_a_thread_that_was_late_without_working_goes_on() -> None:
    gate = threading.Event()
    bench = Bench(threads=1, deadline_s=0.1)

    async def test(crew: Crew) -> None:
        desk = Desk(gate.wait)
        assert why(await crew.do(desk.run, desk.refuse)) == "policy_timeout"
        await asyncio.sleep(0.25)  # looked at more than once
        gate.set()
        await asyncio.sleep(0.1 * PATIENCE)

    bench.run(test)
    assert bench.stuck == 0


def test_a_call_that_no_thread_came_to_is_overload() -> None:
    gate = threading.Event()
    bench = Bench(threads=1, deadline_s=0.15)

    async def test(crew: Crew) -> None:
        first, second = Desk(gate.wait), Desk()
        answers = await asyncio.gather(
            crew.do(first.run, first.refuse), crew.do(second.run, second.refuse, deadline_s=0.05)
        )
        assert sorted(map(why, answers)) == ["overloaded", "policy_timeout"]
        gate.set()
        await asyncio.sleep(0.05)
        assert second.records == ["overloaded"]

    bench.run(test)


def test_a_bug_is_a_denial_with_one_record_and_the_thread_lives_on() -> None:
    def bug() -> None:
        raise ZeroDivisionError

    bench = Bench(threads=1)

    async def test(crew: Crew) -> None:
        for _ in range(3):
            desk = Desk(bug)
            assert why(await crew.do(desk.run, desk.refuse)) == "internal_error"
            assert desk.records == ["internal_error"]

    bench.run(test)
    assert [type(f) for f in bench.faults] == [ZeroDivisionError] * 3


@pytest.mark.parametrize("fault", [FaultyInputError("page_token_invalid", "x"), UnavailableError("disk_full", "x")])
def test_errors_on_purpose_reach_the_caller(fault: OstiaryError) -> None:
    def fail() -> None:
        raise fault

    async def test(crew: Crew) -> None:
        desk = Desk(fail)
        with pytest.raises(type(fault)):
            await crew.do(desk.run, desk.refuse)

    Bench().run(test)


@pytest.mark.parametrize("wait", [True, False])
def test_an_answer_waits_for_its_record_when_told_to(wait: bool) -> None:  # noqa: FBT001
    answer = decided("decided", durable=False)

    async def test(crew: Crew) -> None:
        call = asyncio.ensure_future(crew.do(lambda: answer, Desk().refuse))
        await asyncio.sleep(0.03)
        assert call.done() is not wait
        answer.durable.set_result(1)
        assert await call is answer

    Bench(wait_for_record=wait, deadline_s=1).run(test)


def test_a_record_that_never_reaches_the_disk_is_no_answer() -> None:
    answer = decided("decided", durable=False)

    def taken(reason: str, fault: str) -> Decided:
        raise AlreadyAnsweredError

    async def test(crew: Crew) -> None:
        with pytest.raises(UnavailableError) as caught:
            await crew.do(lambda: answer, taken)
        assert caught.value.code == "record_failed"
        with pytest.raises(UnavailableError):
            await crew.settle(answer)

    Bench(deadline_s=0.05, record_wait_s=0.05).run(test)


def test_a_record_that_fails_is_no_answer() -> None:
    answer = decided("decided", durable=False)
    answer.durable.set_exception(UnavailableError("disk_full", "no room"))

    async def test(crew: Crew) -> None:
        with pytest.raises(UnavailableError, match="no room"):
            await crew.do(lambda: answer, Desk().refuse)

    Bench().run(test)


def test_many_at_once_are_all_answered() -> None:
    async def test(crew: Crew) -> None:
        desks = [Desk() for _ in range(500)]
        answers = await asyncio.gather(*(crew.do(d.run, d.refuse) for d in desks))
        assert {why(a) for a in answers} == {"decided"}
        assert all(d.records == ["decided"] for d in desks)

    Bench(deadline_s=10).run(test)


def test_what_is_decided_ahead_comes_before_its_record_and_settles_with_it() -> None:
    answer, lost = decided("ahead", durable=False), decided("lost", durable=False)

    async def test(crew: Crew) -> None:
        ahead = await crew.do(lambda: answer, lambda _reason, _fault: answer, ahead=True)
        assert not ahead.durable.done()
        settling = asyncio.ensure_future(crew.settle(ahead))
        await asyncio.sleep(0)
        assert not settling.done()
        answer.durable.set_result(0)
        assert await settling is answer
        assert await crew.settle(answer) is answer  # at once: it is there
        lost.durable.set_exception(UnavailableError("disk_full", "no space is left"))
        with pytest.raises(UnavailableError):
            await crew.settle(lost)

    Bench(wait_for_record=True).run(test)
