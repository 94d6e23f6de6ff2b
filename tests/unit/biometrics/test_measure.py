"""Figures of trials against figures worked out the slow way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.biometrics.measure import auc, cllr, detection, eer, figures, fnmr_at_fmr, per_user_eer

SCORES = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=30).map(np.array)


def slow_rates(genuine, impostor, threshold):
    return float(np.mean(impostor >= threshold)), float(np.mean(genuine < threshold))


@given(SCORES, SCORES)
def test_auc_counts_pairs(genuine, impostor):
    pairs = (genuine[:, None] > impostor[None, :]) + 0.5 * (genuine[:, None] == impostor[None, :])
    assert auc(genuine, impostor) == pytest.approx(pairs.mean())


@given(SCORES, SCORES)
def test_fnmr_is_that_of_the_lowest_threshold_that_keeps_the_rate(genuine, impostor):
    rates = [slow_rates(genuine, impostor, one) for one in [*sorted({*genuine, *impostor}), np.inf]]
    assert fnmr_at_fmr(genuine, impostor, 0.1) == min(fnmr for fmr, fnmr in rates if fmr <= 0.1)


@given(SCORES, SCORES)
def test_eer_lies_between_the_rates_where_they_cross(genuine, impostor):
    rates = [slow_rates(genuine, impostor, one) for one in [*sorted({*genuine, *impostor}), np.inf]]
    rate = eer(genuine, impostor)
    assert min(max(pair) for pair in rates) >= rate - 1e-12
    assert max(min(pair) for pair in rates) <= rate + 1e-12


def test_eer_of_people_told_apart_is_nothing_and_of_none_is_unknown():
    assert eer(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 0.0
    assert np.isnan(eer(np.array([]), np.array([1.0])))


def test_each_persons_own_threshold_flatters():
    scores = np.array([1.0, 0.0, 11.0, 10.0])
    same = np.array([True, False, True, False])
    users = np.array([0, 0, 1, 1])
    told = figures(scores, same, users, np.array([1.0, -1.0, 1.0, np.nan]))
    assert per_user_eer(scores, same, users) == 0.0
    assert told.global_eer == 0.5
    assert told.people == 2
    assert told.cllr == pytest.approx(cllr(np.array([1.0, 1.0]), np.array([-1.0])))


def test_what_could_not_be_judged_is_counted():
    told = figures(np.array([1.0, np.nan]), np.array([True, False]), np.array([0, 0]))
    assert (told.unjudged, told.impostor, told.auc) == (1, 0, None)


def test_alarms_keep_to_the_rate_that_was_stated():
    rng = np.random.default_rng(0)
    honest, others = list(rng.normal(2, 1, (200, 20))), list(rng.normal(0, 1, (200, 20)))
    told = detection(honest, others, rate=0.05, actions=50)
    assert 0.03 < told.alarmed <= 0.05
    assert told.caught > 0.9
    assert told.anga is not None
    assert told.ania is not None
    assert told.anga > 10 * told.ania


def test_cllr_of_bad_ratios_is_worse_than_of_none():
    right = np.array([2.0, 3.0])
    assert cllr(right, -right) < 1.0 < cllr(-right, right)
