"""The two-covariance model finds what made the numbers, and its ratios mean what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.biometrics.keystroke.plda import Plda, fit
from ostiary.biometrics.measure import cllr, eer
from ostiary.errors import FaultyInputError

SIZE = 6


def made(people: int, windows: int, seed: int = 1, spread: float = 1.0):
    """Return embeddings of people who differ in two of six directions, their numbers, and lengths."""
    luck = np.random.default_rng(seed)
    turn = np.linalg.qr(np.random.default_rng(9).normal(size=(SIZE, SIZE)))[0]
    keys = luck.integers(15, 70, people * windows).astype(float)
    centres = luck.normal(size=(people, SIZE)) * np.array([4, 2, 0, 0, 0, 0])
    noise = luck.normal(size=(people * windows, SIZE)) * np.sqrt(spread * (0.5 + 20 / keys))[:, None]
    return (np.repeat(centres, windows, axis=0) + noise) @ turn, np.repeat(np.arange(people), windows), keys


def test_the_telling_directions_come_first_and_longer_windows_weigh_more() -> None:
    model = fit(*made(300, 10))
    assert model.between[0] > model.between[1] > 20 * model.between[2]
    weights = model.weights(np.array([15.0, 40.0, 70.0]))
    assert weights[0] < weights[1] < weights[2]


def test_scores_of_unseen_people_are_ratios_without_any_calibration() -> None:
    model = fit(*made(300, 10))
    embeddings, people, keys = made(60, 8, seed=2)
    rows, weights = model.placed(embeddings), model.weights(keys)
    genuine, impostor = [], []
    for person in range(60):
        own = np.flatnonzero(people == person)
        mean, weight = model.pooled(rows[own[:5]], weights[own[:5]])
        found = model.scores(mean, weight, rows, weights)
        genuine += found[own[5:]].tolist()
        impostor += found[people != person].tolist()
    assert eer(np.array(genuine), np.array(impostor)) < 0.16
    assert cllr(np.array(genuine), np.array(impostor)) < 0.55


@settings(max_examples=30)
@given(st.integers(2, 5), st.integers(2, 4))
def test_few_people_still_give_a_model(people: int, windows: int) -> None:
    embeddings, who, keys = made(people, windows)
    model = fit(embeddings, who, keys)
    assert np.isfinite(model.scores(np.zeros(SIZE), 2.0, model.placed(embeddings), model.weights(keys))).all()


def test_the_order_of_rows_does_not_matter_much_and_the_same_rows_give_the_same_bytes() -> None:
    embeddings, people, keys = made(30, 5)
    one, other = fit(embeddings, people, keys), fit(embeddings, people, keys)
    assert all(np.array_equal(one.tables()[name], other.tables()[name]) for name in one.tables())


def test_one_person_teaches_nothing() -> None:
    with pytest.raises(FaultyInputError) as fault:
        fit(*made(1, 5))
    assert fault.value.code == "training_people"


@pytest.mark.parametrize(
    "change",
    [
        {"plda_mean": np.zeros(3)},
        {"plda_basis": np.zeros((2, 3, 1))},
        {"plda_between": np.array([1.0, -1.0])},
        {"plda_noise": np.array([np.nan, 1.0])},
        {"plda_noise": np.array([1.0])},
        {"plda_between": np.zeros(0), "plda_basis": np.zeros((2, 0))},
    ],
)
def test_tables_that_do_not_fit_are_refused(change) -> None:
    tables = Plda(np.zeros(2), np.eye(2), np.ones(2), (1.0, 0.0)).tables()
    assert Plda.of(tables).noise == (1.0, 0.0)
    with pytest.raises(FaultyInputError, match="malformed"):
        Plda.of({**tables, **change})


def test_a_missing_table_is_refused() -> None:
    with pytest.raises(FaultyInputError, match="missing"):
        Plda.of({})


@given(st.integers(0, 10_000), st.floats(1.0, 1e6))
def test_no_window_is_so_strange_that_it_looks_like_somebody(seed: int, far: float) -> None:
    model = fit(*made(40, 6))
    luck = np.random.default_rng(seed)
    mean, weight = model.pooled(model.placed(made(1, 5, seed)[0]), np.ones(5))
    away = luck.normal(size=(1, SIZE))
    near, further = mean + 4 * away, mean + (4 + far) * away
    scores = [model.scores(mean, weight, row, np.ones(1))[0] for row in (mean[None], near, further)]
    # The ratio rises a little on the far side of the person, where others are rarer still, up to this; then it falls.
    known = 1 / (1 / model.between + weight)
    expected, rest = mean * weight * known, model.between - known
    best = 0.5 * (expected**2 / rest + np.log((model.between + 1) / (known + 1))).sum()
    assert max(scores) <= best + 1e-6
    assert model.scores(mean, weight, mean + 1e4 * away, np.ones(1))[0] < scores[0] - 100
