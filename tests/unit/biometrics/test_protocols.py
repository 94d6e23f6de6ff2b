"""Who is tried against what."""

import numpy as np
import pytest

from ostiary.biometrics.measure.pictures import det_png
from ostiary.biometrics.measure.protocols import Protocol, Tried, cut, protocols
from ostiary.biometrics.measure.trials import measured, run
from ostiary.biometrics.model import Template
from ostiary.biometrics.window import Modality, window_of
from ostiary.errors import FaultyInputError
from ostiary.testing import behaviour


class Lengths:
    """A window is its length; nothing else is looked at."""

    modality, digest = Modality.KEYSTROKE, "sha256:0"

    def embed(self, windows):
        return np.array([[float(len(window.content))] for window in windows])

    def enrol(self, rows, sessions=0):
        if rows.min() < 2:
            raise FaultyInputError("enrolment_empty", "too short")
        return Template(rows.mean(axis=0, keepdims=True), len(rows), sessions)

    def scores(self, template, rows):
        return np.where(rows[:, 0] < 2, np.nan, -abs(rows[:, 0] - template.centre[0, 0]))

    def llr(self, score, enrolled, windows):
        return score + 1.0

    def moved(self, template, row, share):
        return template

    def apart(self, one, other):
        return 0.0


def keys(count):
    return window_of(Modality.KEYSTROKE, [[k, k, 0] for k in range(count)])


def test_each_modality_has_its_protocols():
    told = {
        modality: [one.name for one in protocols(modality, behaviour.people(modality, sessions=4, windows=4))]
        for modality in Modality
    }
    assert told[Modality.KEYSTROKE][-1] == "10 enrolled, mean of 5"
    assert told[Modality.POINTER] == ["1 blocks"]
    assert told[Modality.SEQUENCE] == ["first half"]
    assert told[Modality.FEATURES] == ["log against log"]
    assert [one.name for one in protocols(Modality.KEYSTROKE, behaviour.phrases())] == ["phrase"]


def test_probes_are_never_enrolled_and_impostors_are_always_others():
    rows = behaviour.people(Modality.KEYSTROKE, count=5, sessions=3, windows=5)
    five = next(one for one in protocols(Modality.KEYSTROKE, rows) if one.name == "5 enrolled, 1 probe")
    assert {len(one.enrol) for one in five.tried} == {len(one.genuine) for one in five.tried} == {5}
    for one in five.tried:
        assert not {id(w) for w in one.enrol} & {id(w) for group in one.genuine for w in group}
    trials = run(Lengths(), five)
    assert trials.same.sum() == 25
    assert len(trials.same) == 25 + 5 * 4


def test_a_mean_is_over_what_can_be_judged_and_who_cannot_be_enrolled_is_left_out():
    a, b, c = (keys(9),), (keys(20),), (keys(1),)
    tried = (Tried("a", a, ((keys(9), keys(1)),)), Tried("b", b, (b,)), Tried("c", c, (c,)))
    trials = run(Lengths(), Protocol("made", tried, {"a": (a,), "b": (b,), "c": (c,)}))
    assert trials.users.tolist() == [0, 0, 0, 1, 1, 1]
    assert trials.scores[:2].tolist() == [0.0, -11.0]
    assert np.isnan(trials.scores[2])
    told = measured("made", trials)
    assert told.figures.unjudged == 2
    assert told.figures.global_eer == 0.0
    assert told.detection is not None
    with pytest.raises(FaultyInputError, match="nobody"):
        run(Lengths(), Protocol("none", tried[2:], {}))


def test_long_pointing_is_cut_into_blocks():
    window = window_of(Modality.POINTER, [[8, 1, 1, 0]] * 300)
    assert [len(block.content) for block in cut(window)] == [128, 128]


def test_the_picture_is_one_and_the_same():
    curves = {"1 probe": (np.linspace(0, 3, 50), np.linspace(-3, 1, 90))}
    picture = det_png(curves, "made")
    assert picture.startswith(b"\x89PNG")
    assert picture == det_png(curves, "made")
