"""A draft's file name comes from outside: it is a file of a bundle, or it is refused; the rest stays as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.policy.bundle import Bundle
from ostiary.server.impact.candidates import changed

BUNDLE = Bundle.of({"a.rego": "package a", "b/data.yaml": "limit: 3", "c_test.rego": "package c_test"})
NAMES = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(["..", ".", "", "a", "b", "x.rego", "data.yaml"]), max_size=5).map("/".join),
)


@given(NAMES, st.text(max_size=60))
def test_a_name_is_a_file_of_a_bundle_or_refused(name: str, text: str) -> None:
    try:
        made = changed(BUNDLE, name, text)
    except FaultyInputError:
        return
    assert not {"", ".", ".."} & set(name.split("/"))
    assert name.endswith((".rego", "/data.yaml", "/data.json"))
    assert {path: data for path, data in made.files.items() if path != name} == {
        path: data for path, data in BUNDLE.files.items() if path != name
    }


@pytest.mark.parametrize("text", ["x" * 300_000, "\ud800" * 300_000])
def test_a_draft_has_a_size(text: str) -> None:
    with pytest.raises(FaultyInputError):
        changed(BUNDLE, "a.rego", text)


def test_the_bundle_itself_is_not_touched() -> None:
    before = BUNDLE.digest
    assert changed(BUNDLE, "a.rego", "package a\nx := 1").digest != before
    assert BUNDLE.digest == before
