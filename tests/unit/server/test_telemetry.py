import io
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.decision.combine import refused
from ostiary.decision.parts import Decided
from ostiary.server.telemetry import logs
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.telemetry.observer import MAX_WAITING, Learner, Telemetry
from ostiary.server.telemetry.redaction import cleaned
from ostiary.server.telemetry.traces import Tracer
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.verdicts import DecisionRecord, Outcome, RuleHit

TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
EVENT = AccessEvent("e", "t", 1, "alice", "read", "doc", "1")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    out = io.StringIO()
    yield out
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in before:
        root.addHandler(handler)
    root.setLevel(level)


def decided(outcome: Outcome, **more: Any) -> Decided:
    written: Future[Any] = Future()
    written.set_result(0)
    record = DecisionRecord(1, "t", Receipt("dec_1", 1_000_000_000), "pep-1", "user:a", outcome)
    return Decided(msgspec.structs.replace(record, **more), {"decision": False}, written)


def test_a_line_is_one_json_object_without_secrets(stream: io.StringIO) -> None:
    logs.configure("info", as_json=True, stream=stream)
    logs.get_logger("test").info(
        "hello",
        authorization=f"Bearer {TOKEN}",
        note=f"got {TOKEN}",
        nested={"subject_token": TOKEN},
        text="a\n\x1b[31m",
    )
    line = json.loads(stream.getvalue())
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert "eyJ" not in stream.getvalue()
    assert line["text"] == "a\\n\\x1b[31m"
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("as_json", [True, False])
def test_other_peoples_loggers_pass_here_too(stream: io.StringIO, as_json: bool) -> None:  # noqa: FBT001
    logs.configure("info", as_json=as_json, stream=stream)
    logging.getLogger("somewhere").warning("bad %s\r\nforged", f"Basic {'x' * 20}")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert stream.getvalue().count("\n") == 1
    assert "xxxx" not in stream.getvalue()
    assert "\\nforged" in stream.getvalue()


def test_an_exception_is_named_without_a_traceback(stream: io.StringIO) -> None:
    logs.configure("info", as_json=True, stream=stream)
    with pytest.raises(ValueError, match="eyJ") as caught:
        raise ValueError(TOKEN)
    logs.get_logger("test").error("fault", exc_info=caught.value)
    line = json.loads(stream.getvalue())
    assert line["fault"] == "ValueError"
    assert "test_telemetry.py" in line["fault_at"]
    assert "Traceback" not in stream.getvalue()
    assert "eyJ" not in stream.getvalue()


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=10),
        st.recursive(
            st.text() | st.integers() | st.binary(),
            lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(max_size=5), v, max_size=4),
        ),
        max_size=4,
    )
)
def test_anything_can_be_cleaned_and_written(event: dict[str, Any]) -> None:
    text = msgspec.json.encode(cleaned(event)).decode()
    assert text.isprintable()


def test_decisions_are_counted_by_what_made_them() -> None:
    metrics = Metrics()
    rule = RuleHit("r", Effect.DENY)
    metrics.decided(
        decided(Outcome(Effect.DENY, Effect.DENY, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE, (), (rule,)))
    )
    metrics.decided(decided(Outcome(Effect.STEP_UP, Effect.ALLOW, Effect.DENY, Effect.STEP_UP, Effect.TERMINATE)))
    metrics.decided(decided(refused("policy_timeout"), refusal="policy_timeout"))
    metrics.decided(decided(refused("no_allow_rule")))
    text = metrics.exposition().decode()
    for line in (
        'ostiary_decisions_total{outcome="deny",pep="pep-1",phase="none",rule_class="guardrail"} 1.0',
        'ostiary_decisions_total{outcome="step_up",pep="pep-1",phase="held_back",rule_class="adaptive"} 1.0',
        'ostiary_decisions_total{outcome="deny",pep="pep-1",phase="none",rule_class="refusal"} 1.0',
        'ostiary_decisions_total{outcome="deny",pep="pep-1",phase="none",rule_class="default"} 1.0',
        'ostiary_fail_closed_total{reason="policy_timeout"} 1.0',
        "ostiary_shadow_disagreement_total 1.0",
        'ostiary_stepup_total{result="asked"} 1.0',
    ):
        assert line in text


def test_spans_follow_the_laps() -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    exporter = InMemorySpanExporter()
    tracer = Tracer("", processor=SimpleSpanProcessor(exporter))
    laps = {"start": 100, "identity": 150, "policy": 400, "record": 500}
    tracer.decided(msgspec.structs.replace(decided(refused("x")), laps=laps))
    tracer.decided(decided(refused("x")))
    spans = {span.name: span for span in exporter.get_finished_spans()}
    tracer.close()
    assert list(spans) == ["identity", "policy", "record", "decide"]
    whole = spans["decide"]
    assert (whole.start_time, whole.end_time) == (1_000_000_000, 1_000_000_400)
    assert all(s.context.trace_id == whole.context.trace_id for s in spans.values() if s.context and whole.context)
    assert whole.attributes is not None
    assert "user:a" not in str(dict(whole.attributes))


def test_learning_happens_after_the_answer_and_survives_an_odd_event() -> None:
    seen: list[str] = []
    faults: list[str] = []

    def learn(one: Decided) -> None:
        assert one.event is not None
        if one.event.subject_id == "odd":
            raise KeyError
        seen.append(one.event.subject_id)

    learner = Learner(learn, lambda reason, _fault: faults.append(reason))
    telemetry = Telemetry(Metrics(), logs.get_logger("t"), learner=learner)
    for name in ("a", "odd", "b"):
        event = msgspec.structs.replace(EVENT, subject_id=name)
        telemetry.decided(msgspec.structs.replace(decided(refused("x")), event=event))
    learner.close()
    assert (seen, faults) == (["a", "b"], ["learning_failed"])


def test_what_waits_to_be_learned_is_told_and_bounded_and_let_go() -> None:
    begun, go = threading.Event(), threading.Event()

    def learn(_one: Decided) -> None:
        begun.set()
        go.wait(30)

    learner = Learner(learn, lambda _reason, _fault: None)
    one = decided(refused("x"))
    assert learner.offer(one)
    assert begun.wait(30)
    before = sys.getrefcount(one)
    assert [learner.offer(one) for _ in range(MAX_WAITING + 2)] == [True] * MAX_WAITING + [False] * 2
    assert learner.waiting == MAX_WAITING
    assert sys.getrefcount(one) == before + MAX_WAITING
    go.set()
    learner.close()
    assert learner.waiting == 0
    assert sys.getrefcount(one) <= before


def test_telling_never_raises(stream: io.StringIO) -> None:
    logs.configure("info", as_json=True, stream=stream)
    telemetry = Telemetry(Metrics(), logs.get_logger("t"))
    telemetry.decided(None)  # type: ignore[arg-type]
    assert "telemetry_failed" in stream.getvalue()


def test_the_reference_page_names_every_metric(repo: Path) -> None:
    source = "".join(path.read_text() for path in sorted((repo / "src/ostiary/server").rglob("*.py")))
    made = set(re.findall(r'(?:gauge|Gauge|Counter|CounterMetricFamily|Histogram)\(\s*"(ostiary_[a-z_]+)"', source))
    page = set(re.findall(r"`(ostiary_[a-z_]+)`", (repo / "docs/reference/metrics.md").read_text()))
    assert {name.removesuffix("_total") for name in page} == made
