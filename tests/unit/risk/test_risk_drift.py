"""The reference of training and the drift told against it, with scipy as the oracle."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from ostiary.errors import FaultyInputError
from ostiary.risk.measure.drift import ACT, FEW, LEAST_ROWS, QUIET, WATCH, Counter, stability, verdict_of
from ostiary.risk.measure.reference import MOST_BYTES, parse_reference, reference_of, spread_of

few_values = st.lists(st.integers(-5, 5).map(float), min_size=20, max_size=200).map(np.array)
numbers = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=200).map(np.array)


@given(few_values, few_values)
def test_the_distance_is_the_librarys_for_columns_of_few_values(before: np.ndarray, now: np.ndarray) -> None:
    counter = Counter(spread_of(before))
    counter.add(now)
    told = counter.moved("x").ks
    assert told is not None
    exact = ks_2samp(before, now, method="asymp").statistic
    assert told <= exact + 1e-5
    if set(now) <= set(before):
        assert math.isclose(told, exact, abs_tol=1e-5)


def test_the_distance_of_a_continuous_column_is_off_by_two_percent_at_most() -> None:
    luck = np.random.default_rng(3)
    before, now = luck.normal(size=5_000), luck.normal(0.3, 1.2, 3_000)
    counter = Counter(spread_of(before))
    counter.add(now)
    exact = ks_2samp(before, now, method="asymp").statistic
    assert exact - 0.02 <= (counter.moved("x").ks or 0.0) <= exact + 1e-6


@given(numbers, st.integers(0, 200))
def test_batches_count_like_one(values: np.ndarray, cut: int) -> None:
    spread = spread_of(np.arange(100.0))
    whole, parts = Counter(spread), Counter(spread)
    whole.add(values)
    parts.add(values[:cut])
    parts.add(values[cut:])
    assert whole.moved("x") == parts.moved("x")


@given(numbers)
def test_a_spread_ends_at_one_and_counts_what_is_missing(values: np.ndarray) -> None:
    spread = spread_of(values)
    told = values[np.isfinite(values)] if len(values) else values
    assert len(spread.points) == len(spread.below) <= 51
    assert not len(told) or spread.below[-1] == 1.0
    assert math.isclose(spread.missing, 1 - len(told) / max(1, len(values)), abs_tol=1e-6)


def test_the_index_is_the_textbooks_on_ten_bins() -> None:
    luck = np.random.default_rng(5)
    before, now = luck.normal(size=20_000), luck.normal(0.4, 1.0, 20_000)
    edges = np.quantile(before, np.arange(1, 10) / 10, method="inverted_cdf")
    old = np.histogram(before, [-np.inf, *edges, np.inf])[0] / len(before)
    new = np.histogram(now, [-np.inf, *edges, np.inf])[0] / len(now)
    counter = Counter(spread_of(before))
    counter.add(now)
    assert counter.moved("x").psi == pytest.approx(((new - old) * np.log(new / old)).sum(), rel=0.02)


def test_the_same_distribution_is_quiet_and_a_shift_is_not() -> None:
    luck = np.random.default_rng(7)
    before = np.where(luck.random(4_000) < 0.5, 0.0, luck.exponential(size=4_000))
    for factor, wanted in ((1.0, QUIET), (8.0, ACT)):
        counter = Counter(spread_of(before))
        counter.add(factor * before[luck.permutation(4_000)[:2_000]])
        assert counter.moved("x").verdict == wanted


def test_a_column_that_falls_silent_is_told_though_its_values_did_not_move() -> None:
    counter = Counter(spread_of(np.arange(1_000.0)))
    counter.add(np.where(np.arange(1_000) % 2 == 0, np.nan, np.arange(1_000.0)))
    moved = counter.moved("x")
    assert (moved.verdict, moved.missing_before, moved.missing_now) == (ACT, 0.0, 0.5)
    assert moved.psi is not None
    assert moved.psi < 0.01


def test_few_rows_say_nothing_and_no_rows_are_no_drift() -> None:
    counter = Counter(spread_of(np.arange(1_000.0)))
    assert counter.moved("x").psi is None
    counter.add(np.zeros(LEAST_ROWS - 1))
    assert counter.moved("x").verdict == FEW
    counter.add(np.zeros(1))
    assert counter.moved("x").verdict == ACT


def test_verdicts_stand_at_the_usual_cuts() -> None:
    assert [verdict_of(worst) for worst in (0.0, 0.0999, 0.1, 0.25, 0.26)] == [QUIET, QUIET, WATCH, WATCH, ACT]
    assert stability(np.array([0.5, 1.0]), np.array([0.5, 1.0])) == 0.0


def test_a_reference_comes_back_with_its_groups() -> None:
    luck = np.random.default_rng(9)
    rows, scores = luck.normal(size=(300, 3)), luck.random(300)
    rows[:, 1] = np.nan
    groups = ["people"] * 200 + ["jobs"] * 100
    told = parse_reference(reference_of(rows, scores, ["a", "b", "c"], groups))
    assert told.rows == 300
    assert list(told.columns) == ["a", "b", "c"]
    assert told.columns["b"].missing == 1.0
    assert told.groups["jobs"] == spread_of(scores[200:])
    assert reference_of(rows, scores, ["a", "b", "c"], groups) == reference_of(rows, scores, ["a", "b", "c"], groups)


@given(st.binary(max_size=300))
def test_reading_bytes_ends_in_a_reference_or_an_error(data: bytes) -> None:
    with pytest.raises(FaultyInputError, match="reference"):
        parse_reference(data)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("points", [1.0, 0.0]),
        ("points", [0.0, 1.0, 2.0]),
        ("points", [0.0, 1e999]),
        ("below", [0.9, 0.8]),
        ("below", [0.5, 0.9]),
        ("below", [-0.1, 1.0]),
        ("missing", 1.5),
        ("other", 1),
    ],
)
def test_an_unsound_spread_is_refused(name: str, value: object) -> None:
    told = json.loads(reference_of(np.arange(2.0).reshape(2, 1), np.array([0.1, 0.2]), ["a"]))
    told["columns"]["a"][name] = value
    with pytest.raises(FaultyInputError) as raised:
        parse_reference(json.dumps(told).encode())
    assert raised.value.code == "reference_malformed"


def test_an_endless_reference_is_refused_unread() -> None:
    with pytest.raises(FaultyInputError, match="bytes"):
        parse_reference(b" " * (MOST_BYTES + 1))
