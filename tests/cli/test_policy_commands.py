"""``ostiary policy lint`` and ``test``, as people and machines call them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ostiary.artifacts.shipped import policies_dir

BAD = """package ostiary.guardrails

decision := {"deny": []} if {
  http.send({"url": "x"})
  input.risk.score > 1
}
"""


def ostiary(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from ostiary.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    (tmp_path / "g.rego").write_text(BAD)
    (tmp_path / "a.rego").write_text("package ostiary.adaptive\ndecision := {}\n")
    return tmp_path


def test_lint_is_silent_on_the_shipped_bundle() -> None:
    done = ostiary("policy", "lint", str(policies_dir()))
    assert (done.returncode, done.stdout) == (0, "0 errors, 0 warnings\n")


def test_lint_reads_like_a_compiler(bad: Path) -> None:
    done = ostiary("policy", "lint", str(bad))
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert lines[0] == "g.rego:4: error: `http.send` reaches the network (builtin_banned)"
    assert lines[1].startswith("g.rego:5: error: `input.risk.score` is not for the guardrails")
    assert lines[2] == "2 errors, 0 warnings"
    assert "the bundle may not go live: 2 errors, 0 failed tests" in done.stderr


def test_lint_for_machines(bad: Path) -> None:
    done = ostiary("policy", "lint", str(bad), "--json")
    answer: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 3
    assert answer["ok"] is False
    assert [each["code"] for each in answer["findings"]] == ["builtin_banned", "guardrail_sees_score"]
    assert answer["findings"][0] == {
        "severity": "error",
        "code": "builtin_banned",
        "file": "g.rego",
        "line": 4,
        "text": "`http.send` reaches the network",
    }


def test_test_runs_a_bundles_tests(tmp_path: Path) -> None:
    """Those of the shipped bundle are run where it is said that it may go live: tests/unit/policy."""
    (tmp_path / "g.rego").write_text('package ostiary.guardrails\ndecision := {"deny": []}\n')
    (tmp_path / "a.rego").write_text("package ostiary.adaptive\ndecision := {}\n")
    (tmp_path / "x_test.rego").write_text("package x_test\ntest_a if true\ntest_b if true\n")
    done = ostiary("policy", "test", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "2 passed, 0 failed\n")


def test_test_names_what_failed(tmp_path: Path) -> None:
    (tmp_path / "g.rego").write_text('package ostiary.guardrails\ndecision := {"deny": []}\nunused if input.x\n')
    (tmp_path / "a.rego").write_text("package ostiary.adaptive\ndecision := {}\n")
    (tmp_path / "x_test.rego").write_text('package x_test\ntest_a if true\ntest_b if false\ntest_c := to_number("x")\n')
    done = ostiary("policy", "test", str(tmp_path))
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert lines[0] == "x_test.rego:3: fail: x_test.test_b"
    assert lines[1].startswith("x_test.rego:4: error: x_test.test_c: x_test.rego:4: eval_builtin_error")
    assert lines[2] == "1 passed, 2 failed"
    answer = json.loads(ostiary("policy", "test", str(tmp_path), "--json").stdout)
    assert (answer["ok"], answer["passed"], answer["failed"]) == (False, 1, 2)
    assert {each["outcome"] for each in answer["tests"]} == {"pass", "fail", "error"}


def test_nothing_there() -> None:
    done = ostiary("policy", "lint", "/nowhere/at/all")
    assert done.returncode == 1
    assert "(bundle_unreadable)" in done.stderr


def test_usage() -> None:
    assert ostiary("policy", "lint").returncode == 2
    assert ostiary("policy", "frob").returncode == 2
