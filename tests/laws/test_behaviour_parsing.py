"""Whatever a page sends: it is a window within its limits, or refused with a code of ours; and nothing else is kept."""

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ostiary.biometrics.window import Modality
from ostiary.errors import FaultyInputError
from ostiary.server.biometrics.asked import CLASSES, MOST_EVENTS, MOST_STEP, TOKEN, Told, told_of

NAME = "A" * 22
NUMBERS = st.integers(-10, 10**6) | st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.text(max_size=3)
EVENTS = st.lists(st.lists(NUMBERS, max_size=5) | NUMBERS, max_size=140)
KEYS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 300), st.integers(0, 9)).map(list), max_size=60)
TOKENS = st.lists(st.from_regex(TOKEN) | st.text(max_size=12), max_size=60)
STEPS = st.lists(
    st.tuples(st.integers(-1, 30), st.integers(-5000, 5000), st.integers(-50, 50), st.integers(-1, 70)).map(list),
    max_size=140,
)
BODIES = st.fixed_dictionaries(
    {
        "stream": st.just(NAME) | st.text(max_size=30),
        "nonce": st.just(NAME),
        "sequence": st.just(1) | st.integers(-2, 2**40),
        "modality": st.sampled_from(["keystroke", "pointer", "sequence", "keystroke-features", "x"]),
        "began": st.just(0) | st.floats(allow_nan=False, allow_infinity=False),
        "lasted": st.just(5_000) | st.integers(-5, 10**9),
        "events": KEYS | STEPS | EVENTS | TOKENS,
    },
    optional={"untrusted": st.integers(-1, 200), "session": st.text(max_size=300), "title": st.text(max_size=5)},
)


def check(body: bytes) -> None:
    try:
        told = told_of(body)
    except FaultyInputError as fault:
        code = fault.code
    else:
        within(told, body)
        return
    assert code == "request_invalid" or code.startswith(("body_", "window_"))


def within(told: Told, body: bytes) -> None:
    window = told.window
    assert "title" not in msgspec.json.decode(body)
    assert 0 < len(window.content) <= MOST_EVENTS[window.modality]
    if window.modality is Modality.SEQUENCE:
        assert not any(sign.isdigit() for one in window.content for sign in str(one))
        return
    content = np.asarray(window.content)
    assert (content == np.round(content)).all()
    if window.modality is Modality.KEYSTROKE:
        assert set(content[:, 2]) <= set(CLASSES)
        assert content[:, 1].max() <= told.lasted_ms + 1
    else:
        assert np.abs(content[:, 1:3]).max() <= MOST_STEP
        assert content[:, 0].sum() <= told.lasted_ms + 1


@given(BODIES)
def test_a_body_is_a_window_or_refused(body: object) -> None:
    check(msgspec.json.encode(body))


@given(st.binary(max_size=200))
def test_bytes_are_refused_by_name(body: bytes) -> None:
    check(body)


@given(KEYS)
def test_keys_are_taken_only_in_order(keys: list[list[int]]) -> None:
    body = {"stream": NAME, "nonce": NAME, "sequence": 1, "modality": "keystroke", "began": 0, "lasted": 400}
    check(msgspec.json.encode({**body, "events": keys}))
