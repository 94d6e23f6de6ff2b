"""A decision that waits to be learned keeps what learning reads, and lets go of what only its answer needed."""

import threading
import weakref
from concurrent.futures import Future
from typing import Any

import msgspec

from ostiary.decision.parts import Decided
from ostiary.decision.ports import Moment
from ostiary.defence.guarding import NOT_ASKED, Guarded
from ostiary.server.learnable import learnable_of, lesson_of
from ostiary.server.telemetry.observer import Learner
from ostiary.sessions.standing import Asked
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.events import AccessEvent, EventOutcome
from ostiary.vocabulary.scoring import RiskScore
from ostiary.vocabulary.verdicts import DecisionRecord, Outcome

ALLOWED = Outcome(Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE)
EVENT = AccessEvent("e1", "acme", 5, "ada", "read", "repo", "r1", EventOutcome.SUCCESS, source="authzen")


def decided() -> Decided:
    record = DecisionRecord(
        1,
        "acme",
        Receipt("dec_1", 5),
        "gw",
        "user:ada",
        ALLOWED,
        input=msgspec.Raw(b'{"drift":{"alarm":true}}'),
        event=EVENT,
        features=bytes(4_700),
        risk=RiskScore(available=True, score=0.2, level="low"),
        bundle="b",
    )
    moment = Moment(EVENT, [0.5] * 9, object(), "set", probing=Guarded(charged=True))
    asked = Asked("acme", ("s1",), "user:ada", 5)
    return Decided(record, {"decision": True}, Future(), EVENT, {"policy": 7}, moment, "s1", asked)


def test_a_lesson_has_what_learning_and_the_judge_of_its_session_read() -> None:
    whole = decided()
    kept = lesson_of(whole)
    assert (kept.answer, kept.laps, kept.asked, kept.record.features) == ({}, {}, None, b"")
    assert kept.durable.done()
    assert kept.moment is not None
    assert kept.moment.probing == NOT_ASKED
    assert whole.moment is not None
    assert msgspec.structs.replace(kept.moment, probing=whole.moment.probing) == whole.moment
    assert (kept.event, kept.session) == (whole.event, whole.session)
    assert msgspec.structs.replace(kept.record, features=whole.record.features) == whole.record
    assert learnable_of(kept) == learnable_of(whole)
    assert lesson_of(msgspec.structs.replace(whole, moment=None)).moment is None


def test_what_only_the_answer_needed_goes_while_the_lesson_waits() -> None:
    begun, go = threading.Event(), threading.Event()
    learned: list[Any] = []

    def learn(one: Decided) -> None:
        begun.set()
        go.wait(30)
        learned.append(one.event)

    learner = Learner(learn, lambda _reason, _fault: None, lesson_of)
    learner.offer(decided())
    assert begun.wait(30)
    one = decided()
    promise = weakref.ref(one.durable)
    assert learner.offer(one)
    del one
    assert promise() is None
    go.set()
    learner.close()
    assert learned == [EVENT, EVENT]
