"""One sink that is dead or full must not silence another: not of the same tenant, and never of another tenant."""

import pytest

from ostiary.errors import UnavailableError
from ostiary.response import outbox
from ostiary.response.outbox import BATCH, Letter, Outbox
from ostiary.response.playbook import Playbook
from ostiary.response.steps import Step, StepKind
from ostiary.response.trigger import Trigger
from ostiary.testing.response_parts import FakeSink, ResponseBench

TOLD = Playbook("told", triggers=("signal:x",), steps=(Step(StepKind.NOTIFY, text="look"),))


def with_sinks(*sinks: FakeSink) -> ResponseBench:
    bench = ResponseBench([TOLD])
    bench.outbox = Outbox(bench.cards, sinks, bench.clock, lambda _reason, _fault: None)
    bench.executor._handlers[StepKind.NOTIFY]._outbox = bench.outbox  # type: ignore[attr-defined]
    return bench


def post(bench: ResponseBench, tenant: str, sink: str, key: str) -> None:
    bench.outbox.post(Letter("", tenant, sink, "x", "text", {}, 1), key)


def test_a_dead_sink_of_one_tenant_does_not_silence_the_sinks_of_another() -> None:
    dead, living = FakeSink("acme", "soc"), FakeSink("globex", "soc")
    dead.fault = UnavailableError("sink_away", "nobody is there")
    bench = with_sinks(dead, living)
    for number in range(BATCH + 10):
        post(bench, "acme", "soc", str(number))
    bench.outbox.deliver()
    bench.clock.advance(seconds=1)
    post(bench, "globex", "soc", "1")
    for _ in range(3):
        bench.outbox.deliver()
    assert len(living.letters) == 1


def test_a_full_sink_does_not_keep_the_tenants_others_from_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_WAITING", 1)
    full, living = FakeSink("acme", "full"), FakeSink("acme", "soc")
    full.fault = UnavailableError("sink_away", "nobody is there")
    bench = with_sinks(full, living)
    post(bench, "acme", "full", "waits")
    bench.executor.respond(Trigger("1", "acme", "signal:x", "user:ann", "", "", {}, 1))
    bench.executor.work()
    bench.outbox.deliver()
    assert len(living.letters) == 1
    (step,) = bench.approvals.listed("acme", ())
    assert (step.state, step.fault) == ("ready", "outbox_full")
