"""Laws of a session's behavioural evidence: bounded, averaged, fading, and deaf to what is missing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.biometrics.evidence import DEFAULTS, SessionEvidence, Stage, stage_of
from ostiary.biometrics.window import Modality

NS = 10**9
LLR = st.floats(-1e6, 1e6) | st.just(math.nan) | st.sampled_from([math.inf, -math.inf])
STAGES = st.sampled_from(list(Stage))
WINDOW = st.tuples(st.sampled_from(list(Modality)), LLR, st.integers(0, 7_200 * NS), STAGES)
WINDOWS = st.lists(WINDOW, max_size=30)


def session(windows):
    told = SessionEvidence()
    for modality, llr, at_ns, stage in windows:
        told = told.seen(modality, llr, at_ns, stage)
    return told


@given(WINDOWS, st.integers(0, 10_000 * NS))
def test_a_verdict_is_finite_and_never_beyond_one_windows_cap(windows, at_ns):
    told = session(windows).verdict(at_ns)
    assert abs(told.llr) <= DEFAULTS.cap
    assert 0.0 <= told.confidence <= 1.0
    assert (told.stage is Stage.NONE) == (not told.modalities)


@given(st.lists(st.floats(-4, 4), min_size=1, max_size=40))
def test_windows_are_averaged_and_never_summed(llrs):
    told = session([(Modality.KEYSTROKE, llr, i * NS, Stage.ENROLLED) for i, llr in enumerate(llrs)])
    verdict = told.verdict(len(llrs) * NS)
    assert min(0.0, *llrs) - 1e-9 <= verdict.llr <= max(0.0, *llrs) + 1e-9


@given(WINDOWS, st.integers(0, 29), st.floats(0, 8))
def test_a_window_that_fits_better_never_speaks_more_for_another(windows, place, better):
    if place >= len(windows) or math.isnan(windows[place][1]):
        return
    modality, llr, at_ns, stage = windows[place]
    raised = [*windows[:place], (modality, llr + better, at_ns, stage), *windows[place + 1 :]]
    assert session(raised).verdict(7_200 * NS).llr >= session(windows).verdict(7_200 * NS).llr - 1e-9


@given(WINDOWS, st.lists(st.integers(0, 36_000 * NS), min_size=2, max_size=2))
def test_idle_time_only_takes_away(windows, moments):
    told = session(windows)
    if len(told.parts) > 1:
        told = SessionEvidence({next(iter(told.parts)): next(iter(told.parts.values()))})
    sooner, later = (told.verdict(7_200 * NS + moment) for moment in sorted(moments))
    assert later.confidence <= sooner.confidence
    assert abs(later.llr) <= abs(sooner.llr) + 1e-12


def test_a_night_later_nothing_is_left():
    told = session([(Modality.KEYSTROKE, -4.0, i * NS, Stage.ENROLLED) for i in range(20)]).verdict(12 * 3_600 * NS)
    assert abs(told.llr) < 1e-9
    assert told.confidence < 1e-9


@given(WINDOWS)
def test_the_order_of_modalities_makes_no_difference(windows):
    apart = sorted(windows, key=lambda window: window[0])
    assert session(windows).verdict(7_200 * NS) == session(apart).verdict(7_200 * NS)


@given(WINDOWS, st.sampled_from(list(Modality)))
def test_a_modality_that_is_missing_says_nothing(windows, missing):
    rest = [window for window in windows if window[0] is not missing]
    silent = [*rest, (missing, math.nan, 0, Stage.ENROLLED), (missing, -4.0, 0, Stage.NONE)]
    assert session(silent).verdict(7_200 * NS) == session(rest).verdict(7_200 * NS)


def test_one_that_has_faded_is_as_if_it_were_missing():
    typing = [(Modality.KEYSTROKE, -3.0, 100_000 * NS, Stage.ENROLLED)]
    both = [(Modality.POINTER, 4.0, 0, Stage.ENROLLED), *typing]
    assert session(both).verdict(100_000 * NS).llr == pytest.approx(session(typing).verdict(100_000 * NS).llr)


def test_an_honest_morning_does_not_vouch_for_somebody_elses_afternoon():
    honest = [(Modality.KEYSTROKE, 4.0, i * NS, Stage.ENROLLED) for i in range(500)]
    taken = [(Modality.KEYSTROKE, -4.0, (500 + i) * NS, Stage.ENROLLED) for i in range(20)]
    assert session([*honest, *taken]).verdict(520 * NS).llr < -2.0


@given(st.integers(0, 100), st.integers(0, 9), st.sampled_from(list(Modality)))
def test_stages_only_rise_with_what_was_enrolled(windows, sessions, modality):
    order = list(Stage)
    here = order.index(stage_of(modality, windows, sessions))
    assert order.index(stage_of(modality, windows + 1, sessions)) >= here
    assert order.index(stage_of(modality, windows, sessions + 1)) >= here


def test_stages_are_those_of_the_decision_record():
    assert stage_of(Modality.KEYSTROKE, 1, 1) is Stage.NONE
    assert stage_of(Modality.KEYSTROKE, 4, 1) is Stage.PROVISIONAL
    assert stage_of(Modality.KEYSTROKE, 10, 1) is Stage.PROVISIONAL
    assert stage_of(Modality.KEYSTROKE, 10, 2) is Stage.ENROLLED
    assert stage_of(Modality.POINTER, 20, 1) is Stage.ENROLLED


def test_reasons_are_told_only_where_they_speak_for_another():
    why = ("typing rhythm differs: holds 40 % longer than usual",)
    against = SessionEvidence().seen(Modality.KEYSTROKE, -2.0, 0, Stage.ENROLLED, why)
    assert against.verdict(0).reasons == why
    assert SessionEvidence().seen(Modality.KEYSTROKE, 2.0, 0, Stage.ENROLLED, why).verdict(0).reasons == ()


def test_signals_have_it_the_other_way_round():
    told = SessionEvidence().seen(Modality.KEYSTROKE, -2.0, 0, Stage.ENROLLED).verdict(0)
    assert told.facts(drift=0.5).llr == pytest.approx(1.0)
    assert SessionEvidence().verdict(0).facts().llr is None
