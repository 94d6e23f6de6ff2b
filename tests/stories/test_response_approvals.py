"""A step that waits for a person: raced, replayed for another plan, too late, of another tenant, and a model's wish."""

import threading

import msgspec
import pytest

from ostiary.errors import RefusedError, UnavailableError
from ostiary.response.approving import HOLD_NS
from ostiary.response.plan import StepState
from ostiary.response.playbook import Playbook
from ostiary.response.steps import Step, StepKind
from ostiary.response.trigger import Trigger
from ostiary.testing.response_parts import EXPIRY_NS, FakeSession, ResponseBench
from ostiary.vocabulary.effects import Phase

QUARANTINE = Playbook("shut-out", triggers=("signal:lost",), steps=(Step(StepKind.QUARANTINE_DEVICE, approval=True),))
REVOKE = Playbook(
    "revoke", triggers=("decision:TERMINATE",), steps=(Step(StepKind.REVOKE_SUBJECT), Step(StepKind.NOTIFY))
)
LOST = Trigger("sig_1", "acme", "signal:lost", "user:ann", "", "laptop", {}, 1)
MODEL = Trigger("dec_1", "acme", "decision:TERMINATE", "user:ann", "s1", "", {"by": "model"}, 1)


@pytest.fixture
def bench() -> ResponseBench:
    made = ResponseBench([QUARANTINE, REVOKE])
    made.sessions.living["user:ann"] = [FakeSession("s1", "laptop"), FakeSession("s2", "phone")]
    return made


def refused(code: str, call: object, *args: object) -> None:
    with pytest.raises(RefusedError) as caught:
        call(*args)  # type: ignore[operator]
    assert caught.value.code == code


def test_nothing_happens_until_a_person_agrees_and_he_sees_whom_it_hits(bench: ResponseBench) -> None:
    bench.executor.respond(LOST)
    bench.executor.work()
    assert bench.devices.out == set()
    (pending,) = bench.approvals.pending("acme")
    assert (pending.blast.sessions, pending.blast.devices) == (("s1",), ("laptop",))
    bench.approvals.approve("acme", pending.step.name, pending.digest, "adm_1")
    bench.executor.work()
    assert bench.devices.out == {("acme", "laptop")}
    assert bench.told() == [(what, "quarantine_device") for what in ("approved", "begin", "done")]
    assert bench.journal.listed("acme", [], 9)[0].by == "adm_1"


def test_an_approval_is_used_once_and_of_a_race_one_wins(bench: ResponseBench) -> None:
    bench.executor.respond(LOST)
    (pending,) = bench.approvals.pending("acme")
    outcomes: list[str] = []

    def answer(number: int) -> None:
        act = bench.approvals.approve if number % 2 else bench.approvals.reject
        try:
            outcomes.append(act("acme", pending.step.name, pending.digest, f"adm_{number}").state)
        except RefusedError as no:
            outcomes.append(no.code)

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[-7:] == ["step_not_waiting"] * 7
    assert len([told for told in bench.told() if told[0] in {"approved", "rejected"}]) == 1


def test_an_approval_for_one_plan_does_not_open_another(bench: ResponseBench) -> None:
    bench.executor.respond(LOST)
    bench.executor.respond(msgspec.structs.replace(LOST, id="sig_2", device_id="the-boss"))
    first, second = bench.approvals.pending("acme")
    refused("plan_changed", bench.approvals.approve, "acme", second.step.name, first.digest, "adm_1")
    refused("plan_changed", bench.approvals.approve, "acme", second.step.name, "", "adm_1")
    refused("step_unknown", bench.approvals.approve, "beta", first.step.name, first.digest, "adm_1")
    refused("step_unknown", bench.approvals.approve, "acme", "nothing", first.digest, "adm_1")
    bench.executor.work()
    assert bench.devices.out == set()


def test_the_same_trigger_with_another_target_cannot_slip_under_an_approval(bench: ResponseBench) -> None:
    bench.executor.respond(LOST)
    (before,) = bench.approvals.pending("acme")
    bench.executor.respond(msgspec.structs.replace(LOST, device_id="the-boss"))
    (after,) = bench.approvals.pending("acme")
    assert after.step.trigger.device_id == "laptop"
    assert after.digest == before.digest


def test_an_approval_that_comes_too_late_is_none(bench: ResponseBench) -> None:
    bench.executor.respond(LOST)
    (pending,) = bench.approvals.pending("acme")
    bench.clock.advance(EXPIRY_NS / 1e9 + 1)
    refused("step_not_waiting", bench.approvals.approve, "acme", pending.step.name, pending.digest, "adm_1")
    bench.executor.work()
    assert bench.journal.listed("acme", [], 9)[0].state == StepState.EXPIRED
    assert bench.told() == [("expired", "quarantine_device")]


def test_an_approval_that_cannot_be_recorded_did_not_happen(bench: ResponseBench) -> None:
    bench.executor.respond(LOST)
    (pending,) = bench.approvals.pending("acme")
    bench.recorder.full = True
    with pytest.raises(UnavailableError):
        bench.approvals.approve("acme", pending.step.name, pending.digest, "adm_1")
    bench.executor.work()
    assert bench.devices.out == set()
    bench.recorder.full = False
    assert bench.approvals.approve("acme", pending.step.name, pending.digest, "adm_2").by == "adm_2"


def test_who_dies_while_approving_holds_a_step_for_a_minute_only(bench: ResponseBench) -> None:
    bench.executor.respond(LOST)
    (pending,) = bench.approvals.pending("acme")
    bench.approvals._hold("acme", pending.step.name, pending.digest, "adm_1")
    refused("step_not_waiting", bench.approvals.approve, "acme", pending.step.name, pending.digest, "adm_2")
    bench.clock.advance(HOLD_NS / 1e9 + 1)
    assert bench.approvals.approve("acme", pending.step.name, pending.digest, "adm_2").state == StepState.READY


def test_a_models_wish_for_a_high_impact_step_waits_for_a_person(bench: ResponseBench) -> None:
    bench.executor.respond(MODEL)
    bench.executor.work()
    assert bench.sessions.calls == []
    (pending,) = bench.approvals.pending("acme")
    assert (pending.step.why, pending.step.step.do) == ("model", StepKind.REVOKE_SUBJECT)
    assert bench.journal.count(StepState.DONE) == 1, "telling somebody needs no person"


@pytest.mark.parametrize("facts", [{}, {"by": "somebody"}, {"by": None}, {"by": ["rule"]}, {"BY": "rule"}])
def test_who_does_not_say_that_a_rule_is_behind_it_counts_as_a_model(
    bench: ResponseBench, facts: dict[str, object]
) -> None:
    bench.executor.respond(msgspec.structs.replace(MODEL, facts=facts))
    bench.executor.work()
    assert bench.sessions.calls == []


def test_a_rule_needs_no_person_and_a_phase_can_allow_a_model(bench: ResponseBench) -> None:
    bench.executor.respond(msgspec.structs.replace(MODEL, facts={"by": "rule"}))
    bench.executor.work()
    assert bench.sessions.calls == [("revoke", "acme", "user:ann")]
    bench.phases.set["acme", "playbook:revoke"] = Phase.HIGH_IMPACT
    bench.executor.respond(msgspec.structs.replace(MODEL, id="dec_2"))
    bench.executor.work()
    assert len(bench.sessions.calls) == 2


@pytest.mark.parametrize("phase", [Phase.TELEMETRY, Phase.SHADOW])
def test_a_playbook_in_shadow_is_written_down_and_does_nothing(bench: ResponseBench, phase: Phase) -> None:
    bench.phases.set["acme", "playbook:revoke"] = phase
    bench.executor.respond(msgspec.structs.replace(MODEL, facts={"by": "rule"}))
    assert bench.executor.work() == 0
    assert {step.state for step in bench.journal.listed("acme", [], 9)} == {StepState.DRY}
    assert (bench.sessions.calls, bench.outbox.count("waiting")) == ([], 0)


def test_a_dry_run_changes_nothing_at_all(bench: ResponseBench) -> None:
    steps = bench.executor.plan(LOST, dry=True)
    assert [step.state for step in steps] == [StepState.DRY]
    assert (bench.journal.listed("acme", [], 9), bench.told()) == ([], [])


def test_a_quarantine_is_taken_back_once_by_a_person(bench: ResponseBench) -> None:
    bench.executor.respond(LOST)
    (pending,) = bench.approvals.pending("acme")
    refused("step_not_undoable", bench.approvals.undo, "acme", pending.step.name, "adm_1")
    bench.approvals.approve("acme", pending.step.name, pending.digest, "adm_1")
    bench.executor.work()
    assert bench.approvals.undo("acme", pending.step.name, "adm_2").state == StepState.UNDONE
    assert bench.devices.out == set()
    refused("step_not_undoable", bench.approvals.undo, "acme", pending.step.name, "adm_2")
    refused("step_unknown", bench.approvals.undo, "beta", pending.step.name, "adm_2")
    assert [what for what, _ in bench.told()][-2:] == ["undo", "undone"]


def test_what_cannot_be_taken_back_is_not_taken_back(bench: ResponseBench) -> None:
    bench.executor.respond(msgspec.structs.replace(MODEL, facts={"by": "rule"}))
    bench.executor.work()
    for step in bench.journal.listed("acme", [], 9):
        refused("step_not_undoable", bench.approvals.undo, "acme", step.name, "adm_1")


def test_a_token_and_a_model_are_switched_off_and_on_again() -> None:
    book = Playbook("off", triggers=("signal:leak",), steps=(Step(StepKind.DISABLE_TOKEN), Step(StepKind.BLOCK_MODEL)))
    bench = ResponseBench([book])
    bench.executor.respond(Trigger("1", "acme", "signal:leak", "", "", "", {"pep": "pep-1", "model": "sha256:aa"}, 1))
    bench.executor.work()
    assert (bench.tokens.on["pep-1"], bench.blocks.is_blocked("acme", "sha256:aa")) == (False, True)
    assert not bench.blocks.is_blocked("beta", "sha256:aa")
    for step in bench.journal.listed("acme", [], 9):
        bench.approvals.undo("acme", step.name, "adm_1")
    assert (bench.tokens.on["pep-1"], bench.blocks.of_tenant("acme")) == (True, [])
    assert bench.reloaded == ["acme", "acme"]
