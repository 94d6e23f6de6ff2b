"""Attacks on lots: a batch that holds up everybody else, and one bad question that takes its batch with it."""

import asyncio
import threading
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from ostiary.decision.combine import refused
from ostiary.decision.decide import AlreadyAnsweredError, Claim, Decided
from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.identity.types import PepIdentity
from ostiary.server.authzen import AuthZen, AuthZenLimits
from ostiary.server.batch_items import Asked
from ostiary.server.body import BodyLimits
from ostiary.server.crew import Crew, CrewSettings
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.verdicts import DecisionRecord

SLOW_S = 0.06


class Question:
    """One that takes its time."""

    def __init__(self, name: str, takes_s: float = 0.0) -> None:
        self.name, self.takes_s, self.claim = name, takes_s, Claim()

    def run(self) -> Decided:
        threading.Event().wait(self.takes_s)
        return self._record("decided")

    def refuse(self, reason: str, fault: str) -> Decided:
        return self._record(reason)

    def _record(self, reason: str) -> Decided:
        if not self.claim.take():
            raise AlreadyAnsweredError
        written: Future[Any] = Future()
        written.set_result(0)
        record = DecisionRecord(1, "t", Receipt(f"dec_{self.name}", 1), "pep", "user:a", refused(reason))
        return Decided(record, {"why": reason}, written)


def test_a_batch_of_slow_questions_does_not_starve_those_who_ask_one() -> None:
    """Each of a batch's eight was in time, and whoever came meanwhile was denied as ``overloaded``."""

    async def main() -> tuple[str, list[str]]:
        crew = Crew(
            CrewSettings(threads=1, deadline_s=5 * SLOW_S, stuck_s=5, record_wait_s=5),
            on_stuck=lambda _where: None,
            on_fault=lambda *_: None,
        )
        crew.start()
        try:
            batch = asyncio.ensure_future(crew.do_all([Question(f"b{n}", SLOW_S) for n in range(8)]))
            await asyncio.sleep(SLOW_S / 4)
            one = Question("one")
            alone = (await crew.do(one.run, one.refuse)).answer["why"]
            return alone, [str(each.answer["why"]) for each in await batch if isinstance(each, Decided)]
        finally:
            crew.close()

    assert asyncio.run(main()) == ("decided", ["decided"] * 8)


class Unrecordable:
    """A decider whose records of what was asked are too large for the log."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bool]] = []

    def refuse(
        self,
        receipt: Receipt,
        pep: PepIdentity,
        reason: str,
        request: EvaluationRequest | None = None,
        *,
        claim: Claim | None = None,
        fault: str = "",
    ) -> Decided:
        if claim is not None and not claim.take():
            raise AlreadyAnsweredError
        if request is not None:
            raise FaultyInputError("record_invalid", "too large")
        self.records.append((reason, request is None))
        record = DecisionRecord(1, "t", receipt, "pep", "user:a", refused(reason))
        return Decided(record, {"decision": False, "context": {}}, Future())


def test_a_late_question_that_fits_into_no_record_is_denied_and_recorded_by_itself() -> None:
    """The whole batch was answered 400, though all others were decided and recorded."""
    decider = Unrecordable()
    request = EvaluationRequest(Subject("user", "ann"), Action("read"), Resource("file", "x"))
    asked = Asked(decider, lambda: Receipt("dec_1", 1), PepIdentity(pep_id="gate", tenant="t"), request)  # type: ignore[arg-type]
    decided = asked.refuse("overloaded", "")
    assert decider.records == [("record_invalid", True)]
    assert asked.answer_of(decided)["context"]["error"]["status"] == 400


@pytest.mark.parametrize("never", [False, True])
def test_what_was_recorded_is_told_of_though_another_of_its_batch_was_not(never: bool) -> None:  # noqa: FBT001
    """Learner, telemetry and response heard of none of a batch where one record failed."""
    told: list[str] = []

    class Observer:
        def decided(self, decided: Decided) -> None:
            told.append(decided.record.receipt.decision_id)

        def failed_closed(self, reason: str) -> None:
            told.append(reason)

    class Endpoint(AuthZen):
        def __init__(self, crew: Crew) -> None:
            self._crew, self._observer, self._told = crew, Observer(), lambda one: one
            self._limits = AuthZenLimits(BodyLimits(), 10, 10, 1.0, 1.0, parallel=2)

    class Item(Question):
        def answer_of(self, decided: Decided) -> dict[str, Any]:
            return decided.answer

    class Unwritten(Item):
        def run(self) -> Decided:
            decided, failed = super().run(), Future[Any]()
            if not never:
                failed.set_exception(UnavailableError("disk_full", "full"))
            return msgspec.structs.replace(decided, durable=failed)

    async def main() -> None:
        crew = Crew(
            CrewSettings(threads=2, deadline_s=1, stuck_s=5, record_wait_s=0.05),
            on_stuck=lambda _where: None,
            on_fault=lambda *_: None,
        )
        crew.start()
        try:
            with pytest.raises(UnavailableError):
                await Endpoint(crew)._wave([Item("a"), Unwritten("b"), Item("c"), Item("d")])  # type: ignore[list-item]
        finally:
            crew.close()

    asyncio.run(main())
    assert told == ["dec_a", "dec_c", "dec_d"]
