"""Lots: questions of one request that a thread takes in turn, each with its own deadline and its own record."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

import pytest

from ostiary.decision.combine import refused
from ostiary.decision.decide import AlreadyAnsweredError, Claim, Decided
from ostiary.errors import RefusedError, UnavailableError
from ostiary.server.crew import Crew, CrewSettings
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.verdicts import DecisionRecord


class Asked:
    """One question that counts its records, so that a second one is seen."""

    def __init__(self, name: str, work: Callable[[], object] = lambda: None, *, durable: bool = True) -> None:
        self.name, self.work, self.claim, self.records = name, work, Claim(), list[str]()
        self.written: Future[Any] = Future()
        if durable:
            self.written.set_result(0)

    def _record(self, reason: str) -> Decided:
        if not self.claim.take():
            raise AlreadyAnsweredError
        self.records.append(reason)
        record = DecisionRecord(1, "t", Receipt(f"dec_{self.name}", 1), "pep", "user:a", refused(reason))
        return Decided(record, {"why": f"{self.name} {reason}"}, self.written)

    def run(self) -> Decided:
        self.work()
        return self._record("decided")

    def refuse(self, reason: str, fault: str) -> Decided:
        return self._record(reason)


def on_crew(test: Callable[[Crew], Coroutine[Any, Any, None]], **settings: Any) -> None:
    async def main() -> None:
        told = CrewSettings(**{"threads": 1, "deadline_s": 0.05, "stuck_s": 5.0, "record_wait_s": 0.05, **settings})
        crew = Crew(told, on_stuck=lambda _where: None, on_fault=lambda *_: None)
        crew.start()
        try:
            await test(crew)
        finally:
            crew.close()

    asyncio.run(main())


async def all_of(crew: Crew, asked: list[Asked]) -> list[Decided]:
    decided: list[Decided] = []
    for result in await crew.do_all(asked):
        if isinstance(result, BaseException):
            raise result
        decided.append(result)
    return decided


def words(answers: list[Decided]) -> list[str]:
    return [str(one.answer["why"]) for one in answers]


def test_answers_come_in_the_order_of_the_questions() -> None:
    async def test(crew: Crew) -> None:
        assert words(await all_of(crew, [Asked("a"), Asked("b"), Asked("c")])) == [
            "a decided",
            "b decided",
            "c decided",
        ]
        assert crew.waiting == 0

    on_crew(test)


def test_a_late_one_is_denied_and_holds_up_no_other() -> None:
    gate, asked = threading.Event(), [Asked("a")]
    asked += [Asked("b", gate.wait), Asked("c"), Asked("d")]

    async def test(crew: Crew) -> None:
        assert words(await all_of(crew, asked)) == ["a decided", "b policy_timeout", "c decided", "d decided"]
        assert crew.late == 1
        gate.set()
        await asyncio.sleep(0.01)

    on_crew(test)
    assert [one.records for one in asked] == [["decided"], ["policy_timeout"], ["decided"], ["decided"]]


def test_each_has_its_own_deadline_from_when_a_thread_comes_to_it() -> None:
    async def test(crew: Crew) -> None:
        slow = [Asked(name, lambda: threading.Event().wait(0.3)) for name in "abc"]
        assert words(await all_of(crew, slow)) == ["a decided", "b decided", "c decided"]

    on_crew(test, deadline_s=0.6)


def test_when_no_thread_comes_all_are_denied() -> None:
    gate, asked = threading.Event(), [Asked("a"), Asked("b")]

    async def test(crew: Crew) -> None:
        held = Asked("held", gate.wait)
        first = asyncio.ensure_future(crew.do(held.run, held.refuse, deadline_s=5))
        await asyncio.sleep(0.01)
        assert words(await all_of(crew, asked)) == ["a overloaded", "b overloaded"]
        gate.set()
        await first

    on_crew(test)
    assert [one.records for one in asked] == [["overloaded"], ["overloaded"]]


def test_what_one_of_them_raises_is_raised_and_the_others_are_recorded() -> None:
    def gone() -> None:
        raise RefusedError("tenant_unknown", "gone")

    asked = [Asked("a"), Asked("b", gone), Asked("c")]

    async def test(crew: Crew) -> None:
        with pytest.raises(RefusedError):
            await all_of(crew, asked)

    on_crew(test)
    assert [one.records for one in asked] == [["decided"], [], ["decided"]]


def test_a_bug_in_one_is_a_denial_of_that_one() -> None:
    def bug() -> None:
        raise ZeroDivisionError

    async def test(crew: Crew) -> None:
        assert words(await all_of(crew, [Asked("a", bug), Asked("b")])) == ["a internal_error", "b decided"]

    on_crew(test)


@pytest.mark.parametrize("missing", [0, 1])
def test_no_answer_leaves_before_every_record_is_on_disk(missing: int) -> None:
    async def test(crew: Crew) -> None:
        asked = [Asked("a", durable=missing != 0), Asked("b", durable=missing != 1)]
        with pytest.raises(UnavailableError, match="not on disk"):
            await all_of(crew, asked)
        asked[missing].written.set_result(0)  # too late, and nobody minds

    on_crew(test)


def test_a_record_that_could_not_be_written_is_no_answer() -> None:
    async def test(crew: Crew) -> None:
        asked = [Asked("a", durable=False), Asked("b")]
        full = UnavailableError("disk_full", "the disk is full")
        asyncio.get_running_loop().call_later(0.01, asked[0].written.set_exception, full)
        with pytest.raises(UnavailableError, match="the disk is full"):
            await all_of(crew, asked)

    on_crew(test, record_wait_s=5.0)


def test_what_was_decided_in_a_lot_needs_no_garbage_collector() -> None:
    async def one(crew: Crew) -> "weakref.ref[Future[Any]]":
        asked = Asked("a", durable=False)
        asyncio.get_running_loop().call_later(0.01, asked.written.set_result, 0)
        await all_of(crew, [asked, Asked("b")])
        return weakref.ref(asked.written)

    async def test(crew: Crew) -> None:
        first = await one(crew)
        await one(crew)  # the thread has let go of the first
        await asyncio.sleep(0)
        assert first() is None

    gc.disable()
    try:
        on_crew(test, record_wait_s=5.0)
    finally:
        gc.enable()
