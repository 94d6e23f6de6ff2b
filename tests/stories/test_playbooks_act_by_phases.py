"""A model sets off containment: below ``high_impact`` a person is asked, and a demotion catches what still waits."""

import pytest

from ostiary.errors import UnavailableError
from ostiary.response.plan import StepState
from ostiary.response.playbook import Playbook
from ostiary.response.steps import Step, StepKind
from ostiary.response.trigger import Trigger
from ostiary.testing.response_parts import FakeSession, ResponseBench
from ostiary.vocabulary.effects import Phase

REVOKE = Playbook("revoke", triggers=("decision:TERMINATE",), steps=(Step(StepKind.REVOKE_SUBJECT),))
BOLD = Playbook("bold", triggers=("decision:DENY",), steps=(Step(StepKind.REVOKE_SUBJECT),), phase="high_impact")
MODEL = Trigger("dec_1", "acme", "decision:TERMINATE", "user:ann", "s1", "", {"by": "model"}, 1)
CONTROL = ("acme", "playbook:revoke")


@pytest.fixture
def bench() -> ResponseBench:
    made = ResponseBench([REVOKE, BOLD])
    made.sessions.living["user:ann"] = [FakeSession("s1", "laptop")]
    return made


def states(bench: ResponseBench) -> list[StepState]:
    return [step.state for step in bench.journal.listed("acme", [], 9)]


def test_a_playbooks_own_file_does_not_let_a_model_contain_anybody(bench: ResponseBench) -> None:
    bench.executor.respond(Trigger("dec_2", "acme", "decision:DENY", "user:ann", "s1", "", {"by": "model"}, 1))
    bench.executor.work()
    assert (states(bench), bench.sessions.calls) == ([StepState.WAITING], [])


def test_promoted_it_acts_and_says_whom_it_hit(bench: ResponseBench) -> None:
    bench.phases.set[CONTROL] = Phase.HIGH_IMPACT
    bench.executor.respond(MODEL)
    bench.executor.work()
    assert bench.sessions.calls == [("revoke", "acme", "user:ann")]


@pytest.mark.parametrize(
    ("phase", "state"),
    [(Phase.LOW_RISK, StepState.WAITING), (Phase.SHADOW, StepState.DRY), (Phase.TELEMETRY, StepState.DRY)],
)
def test_a_demotion_catches_what_was_planned_and_not_yet_done(
    bench: ResponseBench, phase: Phase, state: StepState
) -> None:
    bench.phases.set[CONTROL] = Phase.HIGH_IMPACT
    bench.executor.respond(MODEL)
    bench.phases.set[CONTROL] = phase
    bench.executor.work()
    assert (states(bench), bench.sessions.calls) == ([state], [])


def test_a_demotion_catches_what_is_tried_again(bench: ResponseBench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.phases.set[CONTROL] = Phase.HIGH_IMPACT
    bench.executor.respond(MODEL)

    def away(*_: object, **__: object) -> None:
        raise UnavailableError("storage_unavailable", "away")

    with monkeypatch.context() as patched:
        patched.setattr(bench.sessions, "revoke_subject", away)
        bench.executor.work()
    assert states(bench) == [StepState.READY]
    bench.phases.set[CONTROL] = Phase.SHADOW
    bench.clock.advance(3600)
    bench.executor.work()
    assert (states(bench), bench.sessions.calls) == ([StepState.DRY], [])


def test_what_nobody_can_tell_of_now_is_neither_done_nor_given_up(
    bench: ResponseBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.phases.set[CONTROL] = Phase.HIGH_IMPACT
    bench.executor.respond(MODEL)

    def away(*_: object, **__: object) -> None:
        raise UnavailableError("phases_unavailable", "away")

    with monkeypatch.context() as patched:
        patched.setattr(bench.phases, "phase", away)
        bench.executor.work()
    assert (states(bench), bench.sessions.calls) == ([StepState.READY], [])
    bench.executor.work()
    assert bench.sessions.calls == [("revoke", "acme", "user:ann")]


def test_what_a_person_agreed_to_is_done_all_the_same(bench: ResponseBench) -> None:
    bench.executor.respond(MODEL)
    (pending,) = bench.approvals.pending("acme")
    bench.approvals.approve("acme", pending.step.name, pending.digest, "adm_1")
    bench.executor.work()
    assert states(bench) == [StepState.DONE]


def test_what_waits_for_a_person_after_a_demotion_can_be_agreed_to(bench: ResponseBench) -> None:
    bench.phases.set[CONTROL] = Phase.HIGH_IMPACT
    bench.executor.respond(MODEL)
    bench.phases.set[CONTROL] = Phase.LOW_RISK
    bench.executor.work()
    (pending,) = bench.approvals.pending("acme")
    assert (pending.step.why, pending.blast.sessions) == ("model", ("s1",))
    bench.approvals.approve("acme", pending.step.name, pending.digest, "adm_1")
    bench.executor.work()
    assert states(bench) == [StepState.DONE]
