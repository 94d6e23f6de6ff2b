"""A playbook that somebody took away acts no more, not even with what it had planned already."""

from ostiary.response.plan import StepState
from ostiary.response.playbook import Playbook
from ostiary.response.steps import Step, StepKind
from ostiary.response.trigger import Trigger
from ostiary.testing.response_parts import FakeSession, ResponseBench
from ostiary.vocabulary.effects import Phase

REVOKE = Playbook("revoke", triggers=("decision:TERMINATE",), steps=(Step(StepKind.REVOKE_SUBJECT),))
MODEL = Trigger("dec_1", "acme", "decision:TERMINATE", "user:ann", "s1", "", {"by": "model"}, 1)


def test_what_a_model_set_off_is_not_done_once_its_playbook_is_taken_away() -> None:
    """Demoting it held its steps back; taking it away altogether let them go."""
    bench = ResponseBench([REVOKE])
    bench.sessions.living["user:ann"] = [FakeSession("s1", "laptop")]
    bench.phases.set["acme", "playbook:revoke"] = Phase.HIGH_IMPACT
    bench.executor.respond(MODEL)
    bench.books.clear()
    bench.executor.work()
    assert [step.state for step in bench.journal.listed("acme", [], 9)] == [StepState.DRY]
    assert bench.sessions.calls == []
