"""Judgements in words."""

import pytest

from ostiary.biometrics.habits import differences, traits_of, usual_of
from ostiary.biometrics.window import Modality, window_of


def moved(step, dt=10):
    return window_of(Modality.POINTER, [[dt, step, 0, 0] for _ in range(30)])


def features(hold):
    return window_of(Modality.FEATURES, {"65-0": [hold] * 6, "65-66": [200, 210, 220, 200, 190]})


def test_a_pointer_that_is_faster_is_told():
    usual = usual_of([moved(4), moved(4), moved(4)])
    assert differences(Modality.POINTER, usual, [traits_of(moved(6))]) == (
        "pointer movement differs: movements 50 % faster than usual",
        "pointer movement differs: steps of the pointer 50 % longer than usual",
    )
    assert differences(Modality.POINTER, usual, [traits_of(moved(12, 30))]) == (
        "pointer movement differs: steps of the pointer 3.0 times as long as usual",
    )


def test_what_is_as_ever_is_not_told():
    usual = usual_of([features(90), features(110)])
    assert differences(Modality.FEATURES, usual, [traits_of(features(101))]) == ()
    assert differences(Modality.FEATURES, usual, [traits_of(features(60))]) == (
        "typing rhythm differs: holds 40 % shorter than usual",
    )


@pytest.mark.parametrize(
    ("modality", "raw"),
    [
        (Modality.KEYSTROKE, [[0, 0, 0]]),
        (Modality.KEYSTROKE, [[0, -5, 0]] * 9),
        (Modality.POINTER, [[0, 0, 0, 0]] * 9),
        (Modality.SEQUENCE, ["ls"]),
        (Modality.FEATURES, {"1-0": []}),
    ],
)
def test_too_little_has_no_traits(modality, raw):
    assert traits_of(window_of(modality, raw)) == {}
    assert differences(modality, {}, [traits_of(window_of(modality, raw))]) == ()


def test_work_of_more_kinds_is_told():
    usual = usual_of([window_of(Modality.SEQUENCE, ["ls", "cat"] * 10)] * 3)
    now = traits_of(window_of(Modality.SEQUENCE, ["ls", "cat", "vi", "make"] * 5))
    assert differences(Modality.SEQUENCE, usual, [now]) == (
        "way of working differs: kinds of actions 2.0 times as many as usual",
    )
