"""The embedded engine: it never raises for a fault of policy, and shows what is stuck."""

import gc
import logging
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.policy.limits import EngineSettings

SLOW = "count([1 | i = numbers.range(1, 800)[_]; j = numbers.range(1, 800)[_]; i == j + 9999])"


def bundle(guardrails: str = "decision := {}", adaptive: str = "decision := {}", **data: str) -> Bundle:
    files = {
        "g.rego": f"package ostiary.guardrails\n{guardrails}",
        "a.rego": f"package ostiary.adaptive\n{adaptive}",
    }
    return Bundle.of(files | data)


@pytest.mark.parametrize(
    ("source", "document", "error"),
    [
        ("decision := {} if input.x", {}, "policy_undefined"),
        ('decision := {"deny": [{"rule": "x", "n": to_number(input.x)}]}', {"x": "one"}, "policy_error"),
        ('decision := {"deny": [{"rule": "x", "n": net.cidr_contains(input.x, "::1")}]}', {"x": "?"}, "policy_error"),
        ('decision := {} if input.x\ndecision := {"deny": []} if input.x', {"x": 1}, "policy_error"),
        ('decision := {"denied": true}', {}, "policy_malformed_answer"),
        ("other := 1", {}, "policy_undefined"),
    ],
)
def test_faults_of_policy_are_verdicts(source: str, document: dict[str, Any], error: str) -> None:
    with OpaEngine(bundle(source, source.replace("deny", "proposals"))) as engine:
        assert engine.guardrails(document).error == error
        assert engine.adaptive(document).error == error


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b'{"a":1}\0{"a":2}', b"{" * 100_000, b"[" * 50_000 + b"]" * 50_000, b" " * 2_000_000, {"a": object()}],
)
def test_faults_of_the_input_are_verdicts(document: Any) -> None:
    with OpaEngine(bundle('decision := {"allow": [{"rule": "x"}]} if input.a')) as engine:
        verdict = engine.guardrails(document)
    assert verdict.error in {"policy_error", "policy_undefined"}
    assert not verdict.hits


def test_a_closed_engine_is_unavailable() -> None:
    engine = OpaEngine(bundle())
    engine.close()
    engine.close()
    assert engine.guardrails({}).error == "policy_unavailable"
    assert engine.adaptive({}).error == "policy_unavailable"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("decision := {} if {", "opa_parse_error"),
        ("decision := nothing(1)", "opa_prepare_error"),
        ("decision := decision", "opa_prepare_error"),
        ("decision := x", "opa_prepare_error"),
    ],
)
def test_what_does_not_compile_makes_no_engine(source: str, code: str) -> None:
    with pytest.raises(FaultyInputError) as refused:
        OpaEngine(bundle(source))
    assert refused.value.code == code


def test_data_that_overlaps_a_rule_makes_no_engine() -> None:
    with pytest.raises(FaultyInputError):
        OpaEngine(bundle(**{"ostiary/guardrails/data.json": '{"decision": {"allow": [{"rule": "x"}]}}'}))


def test_tests_and_examples_are_not_in_the_live_engine() -> None:
    files = {
        "g_test.rego": 'package ostiary.guardrails\ndecision := {"allow": [{"rule": "from-a-test"}]}',
        "examples/data.yaml": "x: 1",
    }
    source = 'decision := {"deny": [{"rule": "seen"}]} if data.examples.x\nelse := {}'
    with OpaEngine(bundle(source, **files)) as engine:
        assert engine.guardrails({}).hits == ()


def test_words_come_from_annotations() -> None:
    source = (
        "# METADATA\n# title: late\n# description: It is late.\n# custom: {id: late, remediation: Sleep.}\n"
        'decision := {"deny": [{"rule": "late"}]}'
    )
    with OpaEngine(bundle(source)) as engine:
        hit = engine.guardrails({}).hits[0]
        assert (hit.explanation, hit.remediation) == ("It is late.", "Sleep.")
        words = engine.bundle.rules["late"]
        assert (words.file, words.line, words.title) == ("g.rego", 6, "late")
        assert engine.digest == engine.bundle.digest


def test_answers_are_in_a_stable_order() -> None:
    source = 'decision := {"deny": {{"rule": name} | some name in input.names}}'
    with OpaEngine(bundle(source)) as engine:
        one = engine.guardrails({"names": ["c", "a", "b"]})
        assert one == engine.guardrails({"names": ["b", "c", "a"]})
        assert [hit.rule for hit in one.hits] == ["a", "b", "c"]


def test_log_names_the_place_and_no_value(caplog: pytest.LogCaptureFixture) -> None:
    source = 'decision := {"deny": [{"rule": "x", "n": to_number(input.secret)}]}'
    with caplog.at_level(logging.WARNING, "ostiary.policy"), OpaEngine(bundle(source)) as engine:
        caplog.clear()
        engine.guardrails({"secret": "hunter2"})
    assert "g.rego:2" in caplog.text
    assert "to_number" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_long_evaluation_is_seen_and_others_go_on() -> None:
    source = f'decision := {{"deny": [{{"rule": "x", "n": {SLOW}}}]}} if input.slow\nelse := {{}}'
    with OpaEngine(bundle(source)) as engine:
        assert engine.busy_since() is None
        before = time.monotonic_ns()
        slow = threading.Thread(target=engine.guardrails, args=({"slow": True},))
        slow.start()
        while engine.running.count == 0:
            time.sleep(0.001)
        since = engine.busy_since()
        assert since is not None
        assert before <= since <= time.monotonic_ns()
        assert engine.guardrails({}).error == ""
        assert engine.busy_since() == since
        slow.join()
        assert engine.busy_since() is None


def test_the_last_holder_ends_an_engine() -> None:
    engine = OpaEngine(bundle())
    opa = engine._opa
    del engine
    gc.collect()
    assert opa._handle == 0


def test_input_size_is_limited() -> None:
    with OpaEngine(bundle(), EngineSettings(max_input_bytes=10)) as engine:
        assert engine.guardrails({"a": 1}).error == ""
        assert engine.guardrails({"a": "x" * 10}).error == "policy_error"


_engine = OpaEngine(bundle('decision := {"allow": [{"rule": "x"}]} if input.a == 1\nelse := {}'))


@given(st.binary(max_size=80))
def test_any_bytes_are_judged_without_raising(document: bytes) -> None:
    verdict = _engine.guardrails(document)
    assert verdict.error in {"", "policy_error", "policy_undefined"}
