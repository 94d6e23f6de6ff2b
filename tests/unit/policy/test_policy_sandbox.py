"""The throw-away process: what breaks it refuses the bundle, never us."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ostiary.artifacts.shipped import policies_dir
from ostiary.errors import RefusedError, UnavailableError
from ostiary.policy import sandbox
from ostiary.policy.bundle import Bundle
from ostiary.policy.limits import SandboxLimits
from ostiary.policy.sandbox import admit, try_out

FRAME = {
    "g.rego": 'package ostiary.guardrails\ndecision := {"deny": [{"rule": "x"}]}\n',
    "a.rego": "package ostiary.adaptive\ndecision := {}\n",
    "x_test.rego": "package x_test\ntest_x if true\n",
}


def refusal(files: dict[str, str], limits: SandboxLimits | None = None) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        admit(Bundle.of(FRAME | files), limits)
    return refused.value


def test_the_shipped_bundle_may_go_live() -> None:
    bundle = Bundle.load(policies_dir())
    report = admit(bundle)
    assert report.findings == []
    assert report.tests.failed == []
    assert len(report.tests.tests) >= 60
    assert report.digest == bundle.digest
    assert set(report.tests.coverage.values()) == {100.0}


def test_failed_tests_refuse_with_their_place() -> None:
    fault = refusal({"x_test.rego": "package x_test\n\ntest_wrong if 1 == 2\n"})
    assert fault.code == "policy_refused"
    assert "x_test.rego:3: `test_wrong`: fail" in fault.message
    assert "policy_tests_failed" in fault.reasons


def test_lint_errors_refuse_before_anything_runs() -> None:
    fault = refusal({"h.rego": 'package h\np := http.send({"url": "http://127.0.0.1:9", "method": "get"})\n'})
    assert "builtin_banned" in fault.reasons


def test_lint_alone_runs_no_test() -> None:
    report = try_out(Bundle.of(FRAME | {"x_test.rego": "package x_test\ntest_x if false\n"}), "lint")
    assert report.ready
    assert report.tests.tests == []


def test_a_bundle_without_tests_is_warned() -> None:
    files = {path: text for path, text in FRAME.items() if path != "x_test.rego"}
    assert "no_tests" in {each.code for each in admit(Bundle.of(files)).findings}


def test_guardrails_that_fail_on_a_plain_request() -> None:
    fault = refusal(
        {"g.rego": 'package ostiary.guardrails\ndecision := {"deny": [{"rule": "x", "n": to_number("x")}]}\n'}
    )
    assert "guardrails_fail" in fault.reasons
    fault = refusal({"g.rego": "package ostiary.guardrails\ndecision := {} if input.nothing.here\n"})
    assert "guardrails_fail" in fault.reasons


def test_adaptive_rules_that_fail() -> None:
    fault = refusal({"a.rego": 'package ostiary.adaptive\ndecision := {"proposals": [1]}\n'})
    assert "adaptive_fails" in fault.reasons


BANDS = [
    'proposals contains {"rule": "r", "effect": "DENY"} if { input.risk.score >= 0.5; input.risk.score < 0.9 }',
    'proposals contains {"rule": "r", "effect": "STEP_UP"} if input.risk.score == 0.7',
    'proposals contains {"rule": "r", "effect": "DENY"} if input.risk.score < 0.1',
    'proposals contains {"rule": "r", "effect": "DENY"} if input.risk.level == "medium"',
    'proposals contains {"rule": "r", "effect": "STEP_UP"} if { input.risk.score > 0.123; input.risk.score < 0.1231 }',
    'proposals contains {"rule": "r", "effect": "DENY"} if { input.resource.sensitivity == 4; input.risk.score < 0.3 }',
    'proposals contains {"rule": "r", "effect": "DENY"} if { input.risk.uncertainty > 0.8; input.risk.score < 0.3 }',
    'proposals contains {"rule": "r", "effect": "DENY"} if { input.context.night; input.risk.score < 0.3 }',
]


@pytest.mark.parametrize("band", BANDS)
def test_a_higher_score_never_proposes_less(band: str) -> None:
    source = f'package ostiary.adaptive\ndecision := {{"proposals": proposals}}\n{band}\n'
    example = "night: {subject: {id: ada}, context: {night: true}}"
    fault = refusal({"a.rego": source, "examples/data.yaml": example})
    assert "adaptive_not_monotone" in fault.reasons


def test_monotone_rules_pass() -> None:
    source = (
        'package ostiary.adaptive\ndecision := {"proposals": proposals}\n'
        'proposals contains {"rule": "r", "effect": "REDUCE"} if { input.risk.score >= 0.5; input.risk.score < 0.9 }\n'
        'proposals contains {"rule": "s", "effect": "STEP_UP"} if input.risk.score >= 0.9\n'
    )
    assert admit(Bundle.of(FRAME | {"a.rego": source})).ready


JOIN = "p := [1 | i = numbers.range(1, 30000)[_]; j = numbers.range(1, 30000)[_]; i == j + 40000]"
HUNGRY = "p := numbers.range(1, 200000000)"


@pytest.mark.parametrize(
    ("rule", "limits", "code"),
    [
        (JOIN, SandboxLimits(wall_s=2.0), "policy_check_timeout"),
        (JOIN, SandboxLimits(cpu_s=1, wall_s=30), "policy_check_crashed"),
        (HUNGRY, SandboxLimits(memory_bytes=3 * 1024**3, wall_s=30), "policy_check_crashed"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="limits on address space hold on Linux")
def test_policy_that_needs_too_much_is_refused(rule: str, limits: SandboxLimits, code: str) -> None:
    source = f'package ostiary.guardrails\n{rule}\ndecision := {{"deny": [{{"rule": "x", "n": count(p)}}]}}\n'
    assert refusal({"g.rego": source}, limits).code == code


def test_a_report_too_long_is_refused() -> None:
    source = "package x_test\n" + "".join(f"test_{number} if false\n" for number in range(200))
    assert refusal({"x_test.rego": source}, SandboxLimits(max_report_bytes=2_000)).code == "policy_check_crashed"


def test_the_child_has_a_bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTIARY_SECRET", "hunter2")
    seen: list[dict[str, str]] = []
    real = subprocess.Popen

    def spy(*args: Any, **options: Any) -> Any:
        seen.append(options["env"])
        return real(*args, **options)

    monkeypatch.setattr(subprocess, "Popen", spy)
    try_out(Bundle.of(FRAME), "lint")
    assert "OSTIARY_SECRET" not in seen[0]
    assert seen[0]["GOGC"]


def test_missing_engine_is_said_before_a_process_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError) as refused:
        try_out(Bundle.of(FRAME), "lint")
    assert refused.value.code == "engine_missing"


def test_no_process_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(Path(os.devnull)))
    with pytest.raises(UnavailableError) as refused:
        try_out(Bundle.of(FRAME), "lint")
    assert refused.value.code == "policy_check_unavailable"


def test_a_child_that_answers_nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_run", lambda order, answer, limits: os.write(answer, b"{") and 0)
    with pytest.raises(RefusedError) as refused:
        try_out(Bundle.of(FRAME), "lint")
    assert refused.value.code == "policy_check_crashed"


def test_a_child_that_saw_another_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_run", lambda order, answer, limits: os.write(answer, b'{"digest":"sha256:0"}') and 0)
    with pytest.raises(RefusedError) as refused:
        admit(Bundle.of(FRAME))
    assert refused.value.code == "policy_check_crashed"
