"""Normalised scores of different people can be compared."""

import numpy as np

from ostiary.biometrics.norm import by_spreads, s_norm, spread


def test_a_stretched_and_moved_scale_makes_no_difference():
    rng = np.random.default_rng(0)
    raw, cohort, probes = rng.normal(size=4), rng.normal(size=20), rng.normal(size=(4, 20))
    plain, moved = s_norm(raw, cohort, probes), s_norm(3 * raw + 2, 3 * cohort + 2, 3 * probes + 2)
    assert np.allclose(plain, moved)


def test_only_the_most_alike_count():
    cohort = np.array([[0.0, 0.0, 5.0, 7.0]])
    assert [one.tolist() for one in spread(cohort, 2)] == [[6.0], [1.0]]
    assert np.allclose(spread(cohort, 9)[0], spread(cohort)[0])


def test_a_cohort_that_agrees_makes_nothing_endless():
    low, wide = spread(np.zeros((1, 5)))
    told = by_spreads(np.array([1.0, np.nan]), (float(low[0]), float(wide[0])), (np.zeros(2), np.ones(2)))
    assert np.isfinite(told[0])
    assert np.isnan(told[1])
