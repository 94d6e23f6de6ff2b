"""The scanner: it must never see less nesting than the parser will."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.rego_text import Chain, chains, nesting, raw_nesting, tokens


@pytest.mark.parametrize(
    ("source", "depth"),
    [
        ("", 0),
        ("p := [[1]]", 2),
        ('p := "[[["', 0),
        ("p := `[[[`", 0),
        ("p := `\n[[[\n`", 0),
        ("# [[[\np := [1]", 1),
        ('p := "\\"[["', 0),
        ('p := "[" [', 1),
        ('p := $"[[{input.x}"', 1),
        ('p := $"{[[1]]}[[["', 3),
        ('p := $"\\{[[["', 0),
        ("p := $`{ {1} }[[`", 2),
        ('p := $"{ $"{[1]}" }"', 3),
        ("]]]][[", 2),
    ],
)
def test_nesting(source: str, depth: int) -> None:
    assert nesting(source) == depth


def test_an_open_quote_hides_one_line_at_most() -> None:
    assert nesting('p := "[[\nq := [[[1]]]') == 3


def test_raw_nesting_cannot_be_fooled() -> None:
    assert raw_nesting('p := "' + "[" * 600) == 600
    assert raw_nesting("]]]" + "([{" * 3) == 9


def test_chains_know_their_line() -> None:
    source = 'package a\n\np if {\n  input["risk"].score > 1\n  x := data . b["c"][i]\n}'
    found = chains(source)
    assert Chain(4, ("input", "risk", "score")) in found
    assert Chain(5, ("data", "b", "c")) in found


@given(st.text(max_size=200))
def test_any_text_is_scanned_to_its_end(source: str) -> None:
    scanned = list(tokens(source))
    assert nesting(source) <= raw_nesting(source) + source.count("$")
    assert all(1 <= token.line <= source.count("\n") + 1 for token in scanned)


@given(st.text(alphabet='[](){}"`$\\#\n a', max_size=60))
def test_odd_text_is_scanned_too(source: str) -> None:
    assert nesting(source) >= 0
    assert isinstance(chains(source), list)
