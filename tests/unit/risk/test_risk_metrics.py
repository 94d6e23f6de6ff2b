"""Our figures of merit against scikit-learn's, ties and all."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

from ostiary.risk.measure.metrics import (
    average_precision,
    brier,
    calibration_error,
    groups_caught,
    recall_at,
    roc_auc,
    threshold_at,
)

pairs = st.lists(st.tuples(st.integers(0, 12).map(lambda n: n / 12), st.integers(0, 1)), min_size=2, max_size=80)


def split(drawn: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in drawn]), np.array([truth for _, truth in drawn], dtype=np.int64)


@given(
    pairs.filter(lambda drawn: 0 < sum(truth for _, truth in drawn) < len(drawn)), st.sampled_from([0.001, 0.01, 0.2])
)
def test_figures_are_the_librarys(drawn: list[tuple[float, int]], rate: float) -> None:
    scores, truth = split(drawn)
    assert math.isclose(roc_auc(scores, truth), roc_auc_score(truth, scores), abs_tol=1e-12)
    assert math.isclose(average_precision(scores, truth), average_precision_score(truth, scores), abs_tol=1e-12)
    assert math.isclose(brier(scores, truth), brier_score_loss(truth, scores), abs_tol=1e-12)
    false, true, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert math.isclose(recall_at(scores, truth, rate), true[false <= rate].max(), abs_tol=1e-12)


@given(pairs, st.floats(0, 1))
def test_the_threshold_never_lets_more_through_than_allowed(drawn: list[tuple[float, int]], rate: float) -> None:
    scores, truth = split(drawn)
    negatives = truth == 0
    flagged = (scores[negatives] >= threshold_at(scores, truth, rate)).mean() if negatives.any() else 0.0
    assert flagged <= rate


def test_what_cannot_be_measured_is_nan() -> None:
    scores = np.array([0.1, 0.2])
    assert math.isnan(roc_auc(scores, np.array([0, 0])))
    assert math.isnan(recall_at(scores, np.array([0, 0]), 0.01))
    assert math.isnan(average_precision(scores, np.array([0, 0])))
    assert math.isnan(groups_caught(scores, np.array([0, 0]), np.array([-1, -1]), 0.5))


def test_perfect_calibration_has_no_error() -> None:
    scores = np.repeat([0.0, 1.0], 50)
    assert calibration_error(scores, scores.astype(np.int64)) == 0.0
    assert calibration_error(1 - scores, scores.astype(np.int64)) == pytest.approx(1.0, abs=0.1)


def test_an_attack_is_caught_by_one_flag() -> None:
    scores = np.array([0.9, 0.1, 0.2, 0.3, 0.95])
    truth = np.array([1, 1, 1, 1, 0])
    groups = np.array([0, 0, 1, 1, -1])
    assert groups_caught(scores, truth, groups, 0.5) == 0.5
