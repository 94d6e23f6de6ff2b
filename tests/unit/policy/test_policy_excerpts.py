"""What OPA is shown of a document: all that rules can read, as it was written, and what happens when that was wrong."""

import copy
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.artifacts.shipped import policies_dir
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import ADAPTIVE, GUARDRAILS, OpaEngine
from ostiary.policy.excerpts import CHECK_EVERY, FIRST, Excerpt, times_missed

PATHS = (("subject", "id"), ("subject", "step up", "acr"), ("class",))
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=2), st.just({})
)


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        (b'{"class": 1.50e2, "x": {}}', b'{"class":1.50e2}'),
        (b'{"class": {"a" : "\\u0041"}, "subject": {"home": 1}}', b'{"subject":{},"class":{"a" : "\\u0041"}}'),
        (b'{"subject": {"id": null, "step up": null}}', b'{"subject":{"id":null,"step up":null}}'),
        (b'{"subject": {"step up": {"acr": [1], "age": 2}}}', b'{"subject":{"step up":{"acr":[1]}}}'),
        (b'{"subject": null}', b'{"subject":null}'),
    ],
)
def test_values_are_handed_on_as_they_were_written(document: bytes, shown: bytes) -> None:
    assert Excerpt(PATHS).of(document) == shown


@pytest.mark.parametrize("document", [b'{"subject": []}', b'{"subject": {"step up": 1}}', b"[]", b"{", b"", b"{} x"])
def test_another_shape_is_shown_whole(document: bytes) -> None:
    assert Excerpt(PATHS).of(document) == document


def test_rules_that_read_everything_are_shown_everything() -> None:
    assert Excerpt([("a",), ()]).of(b'{"b": 1}') == b'{"b": 1}'
    files = {
        "g.rego": 'package ostiary.guardrails\ndecision := {"deny": [{"rule": "x", "n": count(input)}]}',
        "a.rego": "package ostiary.adaptive\ndecision := {}",
    }
    with OpaEngine(Bundle.of(files), sparing=True) as engine:
        assert engine.guardrails(b'{"a": 1, "b": 2}').hits[0].properties == {"n": 2}
        assert engine.shown(ADAPTIVE, b'{"a": 1}') == b"{}"


def test_a_difference_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    files = {
        "g.rego": 'package ostiary.guardrails\ndecision := {"allow": [{"rule": "x"}]} if input.a',
        "a.rego": "package ostiary.adaptive\ndecision := {}",
    }
    before = times_missed()
    with OpaEngine(Bundle.of(files), sparing=True) as engine:
        engine._excerpts[GUARDRAILS] = Excerpt([("b",)])  # as if the reading had missed something
        assert engine.guardrails(b'{"a": 1}').hits[0].rule == "x"
        assert engine.shown(GUARDRAILS, b'{"a": 1}') == b'{"a": 1}'
        assert engine.guardrails(b'{"a": 1}').hits[0].rule == "x"
    assert "ostiary.guardrails.decision" in caplog.text
    assert times_missed() == before + 1  # once, however often it is asked


def test_the_first_are_checked_and_then_some() -> None:
    excerpt = Excerpt(PATHS)
    checked = [number for number in range(1, 2 * CHECK_EVERY + 1) if excerpt.to_check()]
    assert checked == [*range(1, FIRST + 1), CHECK_EVERY, 2 * CHECK_EVERY]


@cache
def _engines() -> tuple[OpaEngine, OpaEngine, list[dict[str, Any]]]:
    bundle = Bundle.load(policies_dir())
    examples = [one for one in bundle.all_data["examples"].values() if isinstance(one, dict) and "subject" in one]
    return OpaEngine(bundle), OpaEngine(bundle, sparing=True), examples


def _places(value: Any) -> list[tuple[dict[str, Any], str]]:
    """Return every member of a document, at any depth."""
    found = [(value, name) for name in value]
    return found + [one for member in value.values() if isinstance(member, dict) for one in _places(member)]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_shipped_rules_say_the_same_of_an_excerpt(data: st.DataObject) -> None:
    plain, sparing, examples = _engines()
    document = copy.deepcopy(data.draw(st.sampled_from(examples)))
    for _ in range(data.draw(st.integers(0, 4))):
        place, name = data.draw(st.sampled_from(_places(document)))
        place[name] = data.draw(ODD)
    scores = {"available": True, "score": data.draw(st.floats(0, 1)), "level": "high", "uncertainty": 0.1}
    document |= {"risk": scores, "session_risk": scores, "biometrics": {"stage": "known", "llr": 3.0, "windows": 4}}
    text = json.dumps(document).encode()
    for question in (GUARDRAILS, ADAPTIVE):
        assert sparing.raw(question, sparing.shown(question, text)) == plain.raw(question, text)
