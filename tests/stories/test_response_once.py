"""A response happens once: delivered twice, planned twice, run by two, or cut off in the middle."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ostiary.errors import UnavailableError
from ostiary.response.conditions import Condition
from ostiary.response.executor import LEASE_S, MAX_ATTEMPTS
from ostiary.response.plan import StepState
from ostiary.response.playbook import Playbook
from ostiary.response.ports import Cards
from ostiary.response.steps import Step, StepKind
from ostiary.response.trigger import Trigger
from ostiary.storage.sqlite import open_store
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_cards import MemoryCards
from ostiary.testing.response_parts import FakeSession, ResponseBench

BOOK = Playbook(
    "stolen",
    triggers=("signal:credential-compromise",),
    steps=(Step(StepKind.REVOKE_SUBJECT), Step(StepKind.OPEN_CASE, text="look"), Step(StepKind.NOTIFY, text="told")),
)
TRIGGER = Trigger("sig_1", "acme", "signal:credential-compromise", "user:ann", "", "", {}, 1)


@pytest.fixture(params=["memory", "sqlite"])
def cards(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cards]:
    if request.param == "memory":
        yield MemoryCards()
    else:
        with open_store(tmp_path / "ostiary.db", FakeClock()) as opened:
            yield opened.cards


def test_steps_are_done_in_their_order(cards: Cards) -> None:
    bench = ResponseBench([BOOK], cards)
    bench.executor.respond(TRIGGER)
    bench.executor.work()
    assert [do for what, do in bench.told() if what == "begin"] == ["revoke_subject", "open_case", "notify"]


def revoked(bench: ResponseBench) -> int:
    return [what for what, _, _ in bench.sessions.calls].count("revoke")


def test_a_trigger_that_comes_twice_has_its_effects_once(cards: Cards) -> None:
    bench = ResponseBench([BOOK], cards)
    bench.sessions.living["user:ann"] = [FakeSession("s1"), FakeSession("s2")]
    for _ in range(3):
        bench.executor.respond(TRIGGER)
        bench.executor.work()
    assert revoked(bench) == 1
    assert len(bench.cases.listed("acme")) == 1
    bench.outbox.deliver()
    assert [letter.sequence for letter in bench.sink.letters] == [1]
    assert bench.told().count(("done", "revoke_subject")) == 1


def test_an_edited_playbook_does_not_answer_an_old_trigger_anew(cards: Cards) -> None:
    bench = ResponseBench([BOOK], cards)
    bench.executor.respond(TRIGGER)
    bench.executor.work()
    bench.books = [msgspec.structs.replace(BOOK, describe="edited")]
    bench.executor.respond(TRIGGER)
    bench.executor.work()
    assert revoked(bench) == 1


def test_the_same_id_of_another_tenant_or_kind_is_another_happening(cards: Cards) -> None:
    bench = ResponseBench(
        [BOOK, msgspec.structs.replace(BOOK, name="other", triggers=("signal:account-purged",))], cards
    )
    bench.executor.respond(TRIGGER)
    bench.executor.respond(msgspec.structs.replace(TRIGGER, tenant="beta"))
    bench.executor.respond(msgspec.structs.replace(TRIGGER, kind="signal:account-purged"))
    bench.executor.work()
    assert revoked(bench) == 3


def test_two_executors_never_do_one_step_both(cards: Cards) -> None:
    one, two = ResponseBench([BOOK], cards), ResponseBench([BOOK], cards)
    one.executor.respond(TRIGGER)
    seen = one.journal.runnable(one.clock.now_ns(), 9)
    two.executor.work()
    assert [one.executor._try(kept) for kept in seen] == [False, False, False]
    assert (revoked(one), revoked(two)) == (0, 1)


def test_a_crash_between_effect_and_journal_repeats_the_step_but_not_the_effect(cards: Cards) -> None:
    bench = ResponseBench([BOOK], cards)
    bench.executor.respond(TRIGGER)
    crashed = ResponseBench([BOOK], cards)
    for kept in crashed.journal.runnable(crashed.clock.now_ns(), 9):
        _, step = kept
        running = msgspec.structs.replace(step, state=StepState.RUNNING, attempts=1)
        assert crashed.journal.move(kept, running, crashed.clock.now_ns() + int(LEASE_S * 1e9)) is not None
        handler = next(one for one in crashed.handlers if one.kind == step.step.do)
        handler.perform(step.act)  # … and here the power went
    assert bench.executor.work() == 0, "the lease still runs"
    bench.clock.advance(LEASE_S + 1)
    assert bench.executor.work() == 3
    assert len(bench.cases.listed("acme")) == 1
    assert len(bench.cases.listed("acme")[0].comments) == 0
    assert [card.number for card in cards.listed("acme", "letter", [], 9)] == [1]
    assert bench.journal.count(StepState.DONE) == 3


def test_what_cannot_be_recorded_is_not_done_and_is_tried_again(cards: Cards) -> None:
    bench = ResponseBench([BOOK], cards)
    bench.executor.respond(TRIGGER)
    bench.recorder.full = True
    bench.executor.work()
    assert (bench.sessions.calls, bench.cases.listed("acme")) == ([], [])
    bench.recorder.full = False
    bench.clock.advance(5)
    bench.executor.work()
    assert revoked(bench) == 1
    assert bench.journal.count(StepState.DONE) == 3


def test_what_is_away_is_tried_again_and_keeps_nothing_else_from_being_done(cards: Cards) -> None:
    bench = ResponseBench([BOOK], cards)
    bench.sessions.away = UnavailableError("storage_unavailable", "away")
    bench.executor.respond(TRIGGER)
    bench.executor.work()
    assert len(bench.cases.listed("acme")) == 1
    assert bench.executor.work() == 0, "it waits longer each time"
    bench.sessions.away = None
    bench.clock.advance(2)
    assert bench.executor.work() == 1
    assert revoked(bench) == 1


def test_a_silent_enforcement_point_is_one_case_whoever_it_was_silent_about(cards: Cards) -> None:
    book = Playbook("silent", triggers=("obligation:unexecuted",), steps=(Step(StepKind.OPEN_CASE, text="silent"),))
    bench = ResponseBench([book], cards)
    for number in range(5):
        facts = {"pep": "gateway-1", "decision_id": f"dec_{number}"}
        made = Trigger(f"dec_{number}/o", "acme", "obligation:unexecuted", f"user:{number}", "", "", facts, 1)
        bench.executor.respond(made)
    bench.executor.work()
    (case,) = bench.cases.listed("acme")
    assert (case.subject, len(case.comments)) == ("", 4)
    assert "decision:dec_4" in case.links


def test_a_step_that_is_refused_has_failed_and_shows(cards: Cards) -> None:
    bench = ResponseBench([BOOK], cards)
    bench.executor.respond(msgspec.structs.replace(TRIGGER, subject=""))
    bench.executor.work()
    (failed,) = bench.journal.listed("acme", [StepState.FAILED], 9)
    assert (failed.step.do, failed.fault) == (StepKind.REVOKE_SUBJECT, "fact_missing")
    assert ("failed", "revoke_subject") in bench.told()


def test_a_broken_handler_fails_its_step_alone(cards: Cards) -> None:
    bench = ResponseBench([BOOK], cards)
    bench.sessions.away = ZeroDivisionError("a bug")
    bench.executor.respond(TRIGGER)
    bench.executor.work()
    assert [step.fault for step in bench.journal.listed("acme", [StepState.FAILED], 9)] == ["internal_error"]
    assert [reason for reason, _ in bench.faults] == ["response_failed"]
    assert bench.journal.count(StepState.DONE) == 2


def test_a_stranger_who_lengthens_a_trigger_does_not_keep_a_response_from_happening(cards: Cards) -> None:
    book = msgspec.structs.replace(BOOK, when=(Condition("status", is_="x" * 600), Condition("late", is_=True)))
    bench = ResponseBench([book], cards)
    padding = {f"padding{number}": "y" * 5_000 for number in range(500)}
    facts = {**padding, "status": "x" * 600, "late": True, "by": "rule"}
    bench.executor.respond(msgspec.structs.replace(TRIGGER, facts=facts))
    bench.executor.work()
    assert revoked(bench) == 1
    (kept, *_) = bench.journal.listed("acme", [], 9)
    assert kept.trigger.facts["by"] == "rule"
    assert len(msgspec.json.encode(kept)) < 64 * 700


def test_a_step_that_kills_whoever_does_it_is_given_up(cards: Cards) -> None:
    bench = ResponseBench([BOOK], cards)
    bench.executor.respond(TRIGGER)
    for _ in range(MAX_ATTEMPTS):
        for kept in bench.journal.runnable(bench.clock.now_ns(), 9):
            running = msgspec.structs.replace(kept[1], state=StepState.RUNNING, attempts=kept[1].attempts + 1)
            bench.journal.move(kept, running, bench.clock.now_ns() + 1)
        bench.clock.advance(1)
    bench.executor.work()
    assert {step.fault for step in bench.journal.listed("acme", [StepState.FAILED], 9)} == {"attempts_exhausted"}
    assert bench.sessions.calls == []


KILLED = """
import os, signal, sys
from pathlib import Path
from ostiary.storage.sqlite import open_store
from ostiary.testing.response_parts import ResponseBench
sys.path.insert(0, {here!r})
import test_response_once as story

with open_store(Path(sys.argv[1])) as store:
    bench = ResponseBench([story.BOOK], store.cards)
    bench.executor.respond(story.TRIGGER)
    def die(tenant, subject, **told):
        os.kill(os.getpid(), signal.SIGKILL)
    bench.sessions.revoke_subject = die
    bench.executor.work()
"""


def test_a_plan_survives_kill_9_in_its_middle(tmp_path: Path) -> None:
    database = tmp_path / "ostiary.db"
    program = KILLED.format(here=str(Path(__file__).parent))
    run = subprocess.run([sys.executable, "-c", program, str(database)], env=dict(os.environ), check=False)
    assert run.returncode == -9
    with open_store(database, FakeClock()) as store:
        bench = ResponseBench([BOOK], store.cards)
        assert bench.journal.count(StepState.RUNNING) == 1
        bench.clock.advance(LEASE_S + 1)
        bench.executor.work()
        assert revoked(bench) == 1
        assert bench.journal.count(StepState.DONE) == 3
        bench.executor.respond(TRIGGER)
        bench.executor.work()
        assert revoked(bench) == 1
