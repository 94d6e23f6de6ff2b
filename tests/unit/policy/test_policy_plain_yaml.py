"""YAML as plain data: nothing changes its meaning, nothing unfolds."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.policy.plain_yaml import MAX_DEPTH, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: NO", {"a": "NO"}),
        ("a: on", {"a": "on"}),
        ("a: 2001-01-01", {"a": "2001-01-01"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 0x10", {"a": "0x10"}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 010", {"a": 10}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: .5", {"a": 0.5}),
        ("a: true", {"a": True}),
        ("a: True", {"a": "True"}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: ''", {"a": ""}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("", None),
    ],
)
def test_values_keep_their_meaning(text: str, value: object) -> None:
    found = parse_yaml(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: &x 1", "yaml_alias"),
        ("a: *x", "yaml_alias"),
        ("a: !!python/object:os.system x", "yaml_tag"),
        ("!!set {a}", "yaml_tag"),
        ("a: 1\na: 2", "yaml_duplicate_key"),
        ("1: 2", "yaml_key"),
        ("true: 2", "yaml_key"),
        ("? [a]\n: 1", "yaml_key"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "yaml_too_deep"),
        ("a: [", "yaml_malformed"),
        ("a: b: c", "yaml_malformed"),
        ("\0", "yaml_malformed"),
        ("a: " + "9" * 5000, "yaml_malformed"),
        ("--- 1\n--- 2", "yaml_malformed"),
    ],
)
def test_faults_have_codes(text: str, code: str) -> None:
    with pytest.raises(FaultyInputError) as refused:
        parse_yaml(text)
    assert refused.value.code == code


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(FaultyInputError):
        parse_yaml(text)


_PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(st.characters(codec="ascii", exclude_categories=["C"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(_PLAIN)
def test_json_reads_the_same(value: object) -> None:
    assert parse_yaml(json.dumps(value)) == value
