"""Windows of behaviour come from outside: whatever is odd is refused with a code, and nothing else is raised."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.biometrics.window import MOST_EVENTS, Modality, window_of
from ostiary.errors import FaultyInputError

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("modality", "raw", "code"),
    [
        (Modality.KEYSTROKE, [], "window_empty"),
        (Modality.KEYSTROKE, None, "window_empty"),
        (Modality.KEYSTROKE, [[1, 2]], "window_malformed"),
        (Modality.KEYSTROKE, [[1, 2, "a"]], "window_malformed"),
        (Modality.KEYSTROKE, [[1, 2, float("nan")]], "window_malformed"),
        (Modality.KEYSTROKE, [[1, 2, 1e300]], "window_malformed"),
        (Modality.KEYSTROKE, [[1, 2, 3], [1, 2]], "window_malformed"),
        (Modality.POINTER, [[1, 2, 3]], "window_malformed"),
        (Modality.POINTER, {"a": 1}, "window_malformed"),
        (Modality.SEQUENCE, "text", "window_malformed"),
        (Modality.SEQUENCE, ["a", 1], "window_malformed"),
        (Modality.SEQUENCE, [""], "window_malformed"),
        (Modality.SEQUENCE, ["a"] * (MOST_EVENTS + 1), "window_too_long"),
        (Modality.FEATURES, [["65-0", [1]]], "window_malformed"),
        (Modality.FEATURES, {"65-0": 1}, "window_malformed"),
        (Modality.FEATURES, {"65-0": [True]}, "window_malformed"),
        (Modality.FEATURES, {"": [1]}, "window_malformed"),
    ],
)
def test_what_is_odd_is_refused(modality: Modality, raw: Any, code: str) -> None:
    with pytest.raises(FaultyInputError) as refused:
        window_of(modality, raw)
    assert refused.value.code == code


@given(modality=st.sampled_from(Modality), raw=JSON)
def test_nothing_else_is_ever_raised(modality: Modality, raw: Any) -> None:
    try:
        window = window_of(modality, raw)
    except FaultyInputError:
        return
    assert len(window.content) > 0


def test_features_are_values_by_name() -> None:
    assert window_of(Modality.FEATURES, {"65-0": [90, 101.5]}).content == {"65-0": (90.0, 101.5)}
