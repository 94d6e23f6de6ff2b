"""The runner of Rego tests."""

import pytest

from ostiary.errors import FaultyInputError
from ostiary.policy.bundle import Bundle
from ostiary.policy.rego_tests import document_path, run_tests

LIVE = "package a\n\np if input.x\n\nq if {\n\tinput.y\n\tinput.z\n}\n"
TESTS = """package a_test
import data.a
test_p if a.p with input as {"x": 1}
test_cases[name] if { some name, value in {"one": 1, "two": 2}; value > 0 }
test_listed := [true, a.p] with input as {"x": 1}
test_one_case_fails := {"good": true, "bad": false}
test_no_case := {}
test_false := false
test_number := 1
test_undefined if a.q
todo_test_later if false
helper := 1
"""


def test_outcomes_and_coverage() -> None:
    source = TESTS.replace('test_listed := [true, a.p] with input as {"x": 1}\n', "test_listed := [true, true]\n")
    report = run_tests(Bundle.of({"a.rego": LIVE, "a_test.rego": source}))
    outcomes = {each.name: each.outcome for each in report.tests}
    assert outcomes == {
        "test_p": "pass",
        "test_cases": "pass",
        "test_listed": "pass",
        "test_one_case_fails": "fail",
        "test_no_case": "fail",
        "test_false": "fail",
        "test_number": "fail",
        "test_undefined": "fail",
    }
    places = {each.name: (each.file, each.line) for each in report.tests}
    assert places["test_p"] == ("a_test.rego", 3)
    assert set(report.coverage) == {"a.rego"}
    assert 0 < report.coverage["a.rego"] < 100


def test_an_error_is_one_tests_own() -> None:
    source = 'package a_test\ntest_good if true\ntest_bad if to_number("x") == 1\n'
    report = run_tests(Bundle.of({"a_test.rego": source}))
    assert {each.name: each.outcome for each in report.tests} == {"test_good": "pass", "test_bad": "error"}
    assert "to_number" in report.failed[0].text


def test_examples_are_there_for_tests() -> None:
    source = "package a_test\ntest_example if data.examples.night.hour == 2\n"
    report = run_tests(Bundle.of({"a_test.rego": source, "examples/data.yaml": "night: {hour: 2}"}))
    assert not report.failed


def test_odd_package_names() -> None:
    assert document_path(("a", "b-c", 'd"e')) == b'a["b-c"]["d\\"e"]'
    report = run_tests(Bundle.of({"a_test.rego": 'package a["b-c"]\ntest_x if true\n'}))
    assert [each.outcome for each in report.tests] == ["pass"]


def test_no_tests_is_an_empty_report() -> None:
    assert run_tests(Bundle.of({"a.rego": "package a"})).tests == []


def test_what_does_not_parse_is_refused() -> None:
    with pytest.raises(FaultyInputError) as refused:
        run_tests(Bundle.of({"a_test.rego": "package a\ntest_x if {"}))
    assert (refused.value.code, refused.value.pointer) == ("rego_parse_error", "2")
