"""Taking back a step takes back what this step did: never another's quarantine, block or switch."""

import pytest

from ostiary.errors import RefusedError
from ostiary.response.plan import Planned, StepState
from ostiary.response.playbook import Playbook
from ostiary.response.steps import Step, StepKind
from ostiary.response.trigger import Trigger
from ostiary.testing.response_parts import ResponseBench

OFF = Playbook(
    "off",
    triggers=("signal:leak",),
    steps=(Step(StepKind.QUARANTINE_DEVICE), Step(StepKind.DISABLE_TOKEN), Step(StepKind.BLOCK_MODEL)),
)
LEAK = Trigger("1", "acme", "signal:leak", "", "", "dev_1", {"pep": "pep-1", "model": "sha256:aa"}, 1)


@pytest.fixture
def bench() -> ResponseBench:
    return ResponseBench([OFF])


def steps_of(bench: ResponseBench, trigger: str) -> list[Planned]:
    return [step for step in bench.journal.listed("acme", [], 9) if step.trigger.id == trigger]


def run(bench: ResponseBench) -> list[Planned]:
    bench.executor.respond(LEAK)
    bench.executor.work()
    return steps_of(bench, "1")


def test_a_step_that_changed_nothing_takes_nothing_back(bench: ResponseBench) -> None:
    bench.devices.quarantine("acme", "dev_1", now_ns=5, reason="administrator")
    bench.tokens.disable("acme", "pep-1")
    bench.blocks.block("acme", "sha256:aa", "administrator", 5)
    done = run(bench)
    assert [step.outcome for step in done] == ["unchanged"] * 3
    for step in done:
        with pytest.raises(RefusedError) as caught:
            bench.approvals.undo("acme", step.name, "adm_1")
        assert caught.value.code == "step_not_undoable"
    assert (bench.devices.out, bench.tokens.on) == ({("acme", "dev_1")}, {"pep-1": False})
    assert bench.blocks.is_blocked("acme", "sha256:aa")


def test_an_old_step_does_not_lift_a_later_quarantine_or_block_of_somebody_else(bench: ResponseBench) -> None:
    done = {step.step.do: step for step in run(bench)}
    assert {step.outcome for step in done.values()} == {"changed"}
    bench.devices.release("acme", "dev_1", now_ns=6)
    bench.devices.quarantine("acme", "dev_1", now_ns=7, reason="administrator")
    bench.blocks.free("acme", "sha256:aa")
    bench.blocks.block("acme", "sha256:aa", "administrator", 7)
    for kind in (StepKind.QUARANTINE_DEVICE, StepKind.BLOCK_MODEL):
        undone = bench.approvals.undo("acme", done[kind].name, "adm_1")
        assert (undone.state, undone.outcome) == (StepState.UNDONE, "unchanged")
    assert bench.devices.out == {("acme", "dev_1")}
    assert bench.blocks.is_blocked("acme", "sha256:aa")


def test_what_is_repeated_after_a_crash_is_still_its_own(bench: ResponseBench) -> None:
    bench.executor.respond(LEAK)
    for handler in bench.handlers:
        for step in steps_of(bench, "1"):
            if step.step.do == handler.kind:
                handler.perform(step.act)  # done, and then whoever did it died
    bench.executor.work()
    for step in steps_of(bench, "1"):
        if step.step.do != StepKind.DISABLE_TOKEN:
            assert bench.approvals.undo("acme", step.name, "adm_1").outcome == "changed"
    assert bench.devices.out == set()
    assert not bench.blocks.is_blocked("acme", "sha256:aa")
