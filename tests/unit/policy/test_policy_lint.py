"""Lint: places, sizes, words and entry points. The ways around it are in the stories."""

import pytest

from ostiary.artifacts.shipped import policies_dir
from ostiary.policy.bundle import Bundle
from ostiary.policy.findings import Finding
from ostiary.policy.limits import LintLimits
from ostiary.policy.lint import BANNED, lint

FRAME = {
    "e.rego": "package ostiary.guardrails\ndecision := {}\n",
    "a.rego": "package ostiary.adaptive\ndecision := {}\n",
}


def findings(source: str, path: str = "g.rego", **more: str) -> list[Finding]:
    return lint(Bundle.of(FRAME | {path: source} | more))


def codes(source: str, **more: str) -> list[str]:
    return [each.code for each in findings(source, **more)]


def test_the_shipped_bundle_is_clean() -> None:
    assert lint(Bundle.load(policies_dir())) == []


def test_a_sound_rule_is_clean() -> None:
    source = """package ostiary.guardrails

# METADATA
# description: Closed sessions.
# custom: {id: closed, remediation: Sign in.}
deny contains {"rule": "closed"} if input.session.state == "closed"
"""
    assert findings(source) == []


@pytest.mark.parametrize("builtin", sorted(BANNED))
def test_every_banned_builtin_is_found(builtin: str) -> None:
    found = [each for each in findings(f"package x\n\np if {{\n\t{builtin}(1)\n}}\n") if each.code == "builtin_banned"]
    assert [(each.file, each.line) for each in found] == [("g.rego", 4)]


@pytest.mark.parametrize(
    "source",
    [
        'x := http["send"]({})',
        "x if { f := http.send; f }",
        "x if true with http.send as y\ny(_) := 1",
        "import data.h as http\nx := http.send(1)",
        'x := rand.intn("a", 5)',
        "x := rand.anything_new(5)",
        "x := http.anything_new(5)",
        "x := [1 | time.now_ns() > 5]",
        "x if every y in [1] { y < time.now_ns() }",
        'x := $"{time.now_ns()}"',
        "x(a) := time.now_ns() if a",
        "default x := 1\nx := 2 if false\nelse := time.now_ns()",
        "x[time.now_ns()] := 1",
        "x contains uuid.rfc4122(1)",
    ],
)
def test_banned_builtins_in_disguise(source: str) -> None:
    assert "builtin_banned" in codes(f"package x\n{source}\n")


def test_banned_in_tests_too() -> None:
    found = findings("package x_test\ntest_x if http.send({})\n", path="x_test.rego")
    assert [each.code for each in found] == ["builtin_banned"]


@pytest.mark.parametrize("name", ["time.parse_rfc3339_ns(input.x)", "net.cidr_contains(input.x, input.y)", "count([])"])
def test_pure_builtins_are_fine(name: str) -> None:
    assert codes(f"package x\np := {name}\n") == []


def test_size_and_depth_before_parsing() -> None:
    assert codes("package x\n#" + "x" * 300_000) == ["source_too_long"]
    assert codes("package x\np := " + "[" * 65 + "]" * 65) == ["source_too_deep"]
    assert codes("package x\np := " + "[" * 64 + "]" * 64) == []
    assert codes("package x\np := `" + "[" * 513 + "`") == ["source_too_deep"]
    assert codes("package x\np := " + "(" * 20_000) == ["source_too_deep"]
    limits = LintLimits(max_source_bytes=10)
    assert {each.code for each in lint(Bundle.of(FRAME), limits)} == {"source_too_long"}


def test_zero_bytes() -> None:
    assert codes("package x\np := 1\0") == ["source_has_nul"]


def test_parse_errors_name_file_and_line() -> None:
    found = findings("package x\n\np if {\n", path="deep/er/x.rego")
    assert [(each.code, each.file, each.line) for each in found] == [("parse_error", "deep/er/x.rego", 4)]


def test_compile_errors_name_file_and_line() -> None:
    found = findings("package x\n\np := nothing_here(1)\n")
    assert [(each.code, each.file, each.line) for each in found] == [("compile_error", "g.rego", 3)]


def test_conflicting_data_is_a_compile_error() -> None:
    more = {"ostiary/adaptive/data.json": '{"decision": 1}'}
    assert [each.code for each in lint(Bundle.of(FRAME | more))] == ["compile_error"]


def test_missing_entry_points() -> None:
    found = lint(Bundle.of({"x.rego": "package x\n"}))
    assert [each.code for each in found] == ["entry_point_missing", "entry_point_missing"]
    only_default = {"e.rego": "package ostiary.guardrails\ndefault decision := {}\n", "a.rego": FRAME["a.rego"]}
    assert [each.code for each in lint(Bundle.of(only_default))] == ["entry_point_missing"]
    in_a_test = {"e_test.rego": FRAME["e.rego"], "a.rego": FRAME["a.rego"]}
    assert "entry_point_missing" in [each.code for each in lint(Bundle.of(in_a_test))]


@pytest.mark.parametrize(
    "source",
    [
        "default allow := true",
        "allow := true",
        "allow if true",
        "allow if { true; true }",
        'allow contains {"rule": "x"}',
        'allow contains {"rule": "x"} if true',
        'allow := [{"rule": "x"}]',
        'allow := {{"rule": "x"}}',
        "default permitted := true",
        "allow := false if input.x\nelse := true",
    ],
)
def test_allow_without_a_condition(source: str) -> None:
    assert "allow_unconditional" in codes(f"package ostiary.guardrails\n{source}\n")


@pytest.mark.parametrize(
    "source", ["default allow := false", "allow if input.x", "allow := set()", "allow(x) := true", "allow := input.x"]
)
def test_allow_with_a_condition_is_fine(source: str) -> None:
    assert "allow_unconditional" not in codes(f"package ostiary.guardrails\n{source}\n")


def test_examples_stay_out_of_live_rules() -> None:
    assert codes("package x\np := data.examples.night\n") == ["examples_in_live_rule"]
    assert [each.code for each in findings("package x_test\ntest_p if data.examples.x\n", path="x_test.rego")] == []


def test_words_are_asked_for() -> None:
    bare = 'package ostiary.guardrails\ndeny contains {"rule": "bare"} if input.x\n'
    assert codes(bare) == ["rule_unannotated"]
    silent = (
        "package ostiary.guardrails\n# METADATA\n# title: t\n# custom: {id: silent}\n"
        'deny contains {"rule": "silent"} if input.x\n'
    )
    assert codes(silent) == ["explanation_missing", "remediation_missing"]
    twice = silent + silent.replace("package ostiary.guardrails\n", "").replace("title: t", "title: other")
    assert "rule_id_twice" in codes(twice)


def test_rule_ids_in_shape() -> None:
    found = findings('package ostiary.guardrails\ndeny contains {"rule": "Not An Id"} if input.x\n')
    assert [(each.code, each.severity, each.line) for each in found] == [("rule_id_invalid", "error", 2)]


def test_print_is_a_warning() -> None:
    found = findings("package x\np if print(input.x)\n")
    assert [(each.code, each.severity) for each in found] == [("print_left", "warning")]


def test_roots_hold_for_packages() -> None:
    manifest = '{"roots": ["ostiary"]}'
    assert codes("package x\np := 1\n", **{".manifest": manifest}) == ["outside_roots"]
    assert codes("package ostiary.more\np := 1\n", **{".manifest": manifest}) == []
    assert codes("package ostiary_more\np := 1\n", **{".manifest": manifest}) == ["outside_roots"]


def test_findings_read_like_a_compilers() -> None:
    found = findings("package x\np := time.now_ns()\n")
    assert str(found[0]).startswith("g.rego:2: error: `time.now_ns` reads the clock")
