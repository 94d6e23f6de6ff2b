"""Sigma rules: what they mean, and that nothing in them is silently left out."""

import base64
import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.artifacts.shipped import policies_dir
from ostiary.errors import FaultyInputError
from ostiary.signals.sigma.condition import ConditionFaultError, parse
from ostiary.signals.sigma.rule import LEVELS, read_rule

ID = "5f0e8f0c-7f0f-4b3e-9d5e-3f5d6b7a8c90"
EVENT: dict[str, Any] = {
    "action": "DROP TABLE Customers",
    "ip": "10.1.2.3",
    "labels": ["prod", "pii"],
    "count": 500,
    "mfa": False,
    "user_agent": "curl/8 " + base64.b64encode(b"xxmimikatz.exe").decode(),
    "detail": r"C:\temp\a*b",
}


def rule(detection: Any, **more: Any) -> str:
    whole = {
        "title": "t",
        "id": ID,
        "level": "low",
        "logsource": {"product": "ostiary", "service": "access"},
        "detection": detection,
    }
    return json.dumps({**whole, **more}, indent=1)


def holds(field: str, value: Any) -> bool:
    return read_rule("r.yml", rule({"s": {field: value}, "condition": "s"}).encode()).matches(EVENT)


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("action", "drop table customers", True),
        ("action", "drop*", True),
        ("action", "drop table customer?", True),
        ("action", "drop", False),
        ("action", ["x", "drop*"], True),
        ("action|cased", "drop*", False),
        ("action|contains", "TABLE", True),
        ("action|startswith", "drop", True),
        ("action|endswith", "customers", True),
        ("action|endswith", "customer", False),
        ("action|contains|all", ["drop", "customers"], True),
        ("action|contains|all", ["drop", "users"], False),
        ("action|re", "^DROP TABLE [A-Z]", True),
        ("action|re", "^drop", False),
        ("action|re|i", "^drop", True),
        ("ip|cidr", "10.0.0.0/8", True),
        ("ip|cidr", ["192.168.0.0/16", "2001:db8::/32"], False),
        ("action|cidr", "0.0.0.0/0", False),
        ("labels", "pii", True),
        ("labels|contains", "pi", True),
        ("labels", ["a", "b"], False),
        ("count", 500, True),
        ("count", "500", True),
        ("count|gte", 500, True),
        ("count|gt", 500, False),
        ("count|lt", 500.5, True),
        ("action|gt", 1, False),
        ("mfa", False, True),
        ("mfa", "false", True),
        ("mfa", 0, False),
        ("country", None, True),
        ("action", None, False),
        ("country|exists", False, True),
        ("ip|exists", True, True),
        ("country", "*", False),
        ("detail", r"c:\\temp\\a\*b", True),
        ("detail", r"c:\\temp\\a\?b", False),
        ("user_agent|base64offset|contains", "mimikatz.exe", True),
        ("user_agent|base64offset|contains", "mimidogz.exe", False),
    ],
)
def test_what_a_test_means(field: str, value: Any, wanted: bool) -> None:  # noqa: FBT001 - a case
    assert holds(field, value) is wanted


@given(st.binary(max_size=8), st.text("abcdef", min_size=4, max_size=9), st.binary(max_size=8))
def test_base64offset_finds_a_text_wherever_it_lies(before: bytes, word: str, after: bytes) -> None:
    text = rule({"s": {"user_agent|base64offset|contains": word}, "condition": "s"})
    told = {"user_agent": base64.b64encode(before + word.encode() + after).decode()}
    assert read_rule("r.yml", text.encode()).matches(told)


@given(st.text("ab*?", max_size=6), st.text("ab", max_size=6))
def test_wildcards_are_those_of_a_shell(pattern: str, text: str) -> None:
    wanted = fnmatchcase(text, pattern) if pattern else text == ""
    found = read_rule("r.yml", rule({"s": {"action": pattern}, "condition": "s"}).encode()).matches({"action": text})
    assert found is wanted


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("a", True),
        ("b", False),
        ("a and b", False),
        ("a or b", True),
        ("a and not b", True),
        ("not (a and b)", True),
        ("b or a and not b", True),
        ("1 of them", True),
        ("all of them", False),
        ("1 of _*", True),
        ("all of a*", True),
        ("not 1 of b*", True),
        (["b", "a"], True),
    ],
)
def test_what_a_condition_means(condition: Any, wanted: bool) -> None:  # noqa: FBT001 - a case
    parts = {"a": {"ip": "10.*"}, "b": {"ip": "11.*"}, "_c": {"count": 500}}
    assert read_rule("r.yml", rule({**parts, "condition": condition}).encode()).matches(EVENT) is wanted


def test_lists_of_maps_and_words() -> None:
    def asked(search: Any) -> bool:
        return read_rule("r.yml", rule({"s": search, "condition": "s"}).encode()).matches(EVENT)

    assert asked([{"ip": "11.*"}, {"count": 500, "mfa": False}])
    assert not asked([{"ip": "11.*"}, {"count": 501}])
    assert asked(["nothing", "customers"])
    assert not asked(["nothing"])


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        (rule({"s": {"action": 1}, "condition": "s | count() > 5"}), 13, "sigma_unsupported"),
        (rule({"s": {"action": 1}, "condition": "2 of them"}), 13, "sigma_unsupported"),
        (rule({"s": {"action": 1}, "timeframe": "5m", "condition": "s"}), 13, "sigma_unsupported"),
        (rule({"s": {"EventID": 1}, "condition": "s"}), 11, "sigma_unsupported"),
        (rule({"s": {"action|windash": "-x"}, "condition": "s"}), 11, "sigma_unsupported"),
        (rule({"s": {"action|base64": "x", "ip|cidr|re": "y"}, "condition": "s"}), 12, "sigma_unsupported"),
        (rule({"s": {"action": 1}, "condition": "t"}), 13, "sigma_invalid"),
        (rule({"s": {"action": 1}, "condition": "s and"}), 13, "sigma_invalid"),
        (rule({"s": {"action": 1}, "condition": "(s"}), 13, "sigma_invalid"),
        (rule({"s": {"action|re": "(a"}, "condition": "s"}), 11, "sigma_invalid"),
        (rule({"s": {"action|re": "(?=a)"}, "condition": "s"}), 11, "sigma_invalid"),
        (rule({"s": {"ip|cidr": "10.0.0.0/99"}, "condition": "s"}), 11, "sigma_invalid"),
        (rule({"s": {}, "condition": "s"}), 10, "sigma_invalid"),
        (rule({"s": {"action": []}, "condition": "s"}), 11, "sigma_invalid"),
        (rule({"s": {"action": 1}, "condition": "s"}, level="loud"), 4, "sigma_invalid"),
        (rule({"s": {"action": 1}, "condition": "s"}, id="x"), 3, "sigma_invalid"),
        (rule({"s": {"action": 1}, "condition": "s"}, logsource={"product": "windows"}), 5, "sigma_unsupported"),
        (rule({"s": {"action": 1}, "condition": "s"}, logsource={"category": "dns"}), 6, "sigma_unsupported"),
        (rule({"s": {"action": 1}, "condition": "s"}, correlation={"type": "event_count"}), 15, "sigma_unsupported"),
        ("title: x\n- y\n", 2, "sigma_invalid"),
        ("a: &x 1\nb: *x\n", 2, "sigma_invalid"),
        ("a: !!python/object:os.system x\n", 1, "sigma_invalid"),
        ("a: 1\na: 2\n", 2, "sigma_invalid"),
        ("[" * 40, 1, "sigma_invalid"),
        ("", 1, "sigma_invalid"),
        ("x" * 70_000, 1, "sigma_invalid"),
    ],
)
def test_nothing_is_silently_left_out(text: str, line: int, code: str) -> None:
    with pytest.raises(FaultyInputError) as no:
        read_rule("r.yml", text.encode())
    assert no.value.code == code
    assert re.match(r"r\.yml:\d+: ", no.value.message)
    assert abs(int(no.value.pointer) - line) <= 1, no.value.message


KEYS = st.sampled_from(
    ["title", "id", "level", "logsource", "detection", "condition", "action|re", "ip|cidr", "s", "x"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from([ID, "s", "low", "1 of them"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(KEYS, VALUES, max_size=6).map(json.dumps) | st.text(max_size=200))
def test_no_file_breaks_the_reader(text: str) -> None:
    try:
        read_rule("r.yml", text.encode("utf-8", "replace"))
    except FaultyInputError as no:
        assert no.code in {"sigma_invalid", "sigma_unsupported"}  # noqa: PT017 - most are refused


@given(st.dictionaries(KEYS, VALUES, max_size=3), VALUES)
def test_no_detection_breaks_the_reader(parts: dict[str, Any], condition: Any) -> None:
    try:
        found = read_rule("r.yml", rule({**parts, "condition": condition}).encode())
    except FaultyInputError:
        return
    assert found.matches(EVENT) in {True, False}


@given(st.text("()abc1 ofthem*andnotor_|", max_size=40))
def test_no_condition_breaks_the_parser(text: str) -> None:
    try:
        parse(text, ["a", "b", "or_x"])
    except ConditionFaultError as no:
        assert no.why  # noqa: PT017 - most are refused


@given(st.integers(0, 63), st.integers(0, 63))
def test_a_condition_is_read_as_python_reads_it(seed: int, bits: int) -> None:
    words = ["a", "b", "not a", "(a or b)", "not (b and c)", "c"]
    text = f"{words[seed % 6]} and {words[bits % 6]} or {words[(seed // 6) % 6]}"
    facts = {"a": bool(bits & 1), "b": bool(bits & 2), "c": bool(bits & 4)}

    def value(tree: Any) -> bool:
        if tree[0] == "name":
            return facts[tree[1]]
        parts = [value(one) for one in tree[1:]]
        return not parts[0] if tree[0] == "not" else all(parts) if tree[0] == "and" else any(parts)

    assert value(parse(text, facts)) is eval(text, {}, facts)  # noqa: S307 - our own words


def test_a_pattern_that_would_hang_another_engine_is_quick() -> None:
    text = rule({"s": {"action|re": "(a+)+$"}, "condition": "s"})
    assert not read_rule("r.yml", text.encode()).matches({"action": "a" * 50_000 + "b"})


def test_the_shipped_rules_can_run_and_are_ten() -> None:
    rules = [read_rule(path.name, path.read_bytes()) for path in sorted((policies_dir() / "sigma").glob("*.yml"))]
    assert len({one.rule_id for one in rules}) == len(rules) == 10
    assert all(one.attack and one.level in LEVELS for one in rules)
