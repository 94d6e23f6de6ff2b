"""Somebody else types a person's phrase: as themselves, practised, like the average, with a key too many, key by key.

The people are made up; the models are trained here, without any of them.
"""

import numpy as np
import pytest

from ostiary.biometrics.phrase import folder
from ostiary.biometrics.phrase.training import train
from ostiary.biometrics.training import Row, TrainSettings
from ostiary.biometrics.window import Modality, Window

KEYS = 9
VICTIM = 500
PEOPLE = 16
TIMES = 30


def rhythm(person: int) -> tuple[np.ndarray, np.ndarray]:
    own = np.random.default_rng(person)
    return own.normal(4.6, 0.3, KEYS), own.normal(5.2, 0.5, KEYS)


def typed(holds: np.ndarray, steps: np.ndarray, seed: tuple[int, int], steady: float = 1.0) -> Window:
    luck = np.random.default_rng(seed)
    held = np.exp(holds + luck.normal(0, 0.12 * steady, len(holds)))
    down = np.concatenate([[0.0], np.cumsum(np.exp(steps + luck.normal(0, 0.2 * steady, len(steps))))[:-1]])
    return Window(Modality.KEYSTROKE, np.stack([down, down + held, np.ones(len(holds))], axis=1))


@pytest.fixture(scope="module")
def model():
    rows = [Row(f"u{who}", "s", typed(*rhythm(who), (who, at)), at) for who in range(PEOPLE) for at in range(TIMES)]
    return folder.read(train(rows, TrainSettings(effort=0.3), lambda *_: None).files)


@pytest.fixture(scope="module")
def template(model):
    return model.enrol(model.embed([typed(*rhythm(VICTIM), (VICTIM, at)) for at in range(TIMES)]))


@pytest.fixture(scope="module")
def least(model, template) -> float:
    """The score that nineteen of twenty of the person's own repetitions reach."""
    own = model.embed([typed(*rhythm(VICTIM), (VICTIM, 1_000 + at)) for at in range(60)])
    return float(np.quantile(model.scores(template, own), 0.05))


def passed(model, template, least: float, windows: list[Window]) -> float:
    return float((model.scores(template, model.embed(windows)) >= least).mean())


def test_who_knows_the_phrase_does_not_know_the_rhythm(model, template, least) -> None:
    others = [typed(*rhythm(600 + who), (600 + who, at)) for who in range(20) for at in range(5)]
    assert passed(model, template, least, others) < 0.05


def test_practice_makes_steady_and_not_the_person(model, template, least) -> None:
    steady = [typed(*rhythm(600 + who), (600 + who, at), 0.2) for who in range(20) for at in range(5)]
    assert passed(model, template, least, steady) < 0.05


def test_the_average_of_everybody_is_nobody(model, template, least) -> None:
    average = [typed(np.full(KEYS, 4.6), np.full(KEYS, 5.2), (7, at), 0.3) for at in range(40)]
    assert passed(model, template, least, average) < 0.05


def test_a_key_more_or_less_never_speaks_for_the_person(model, template) -> None:
    holds, steps = rhythm(VICTIM)
    longer = [typed(np.append(holds, 4.6), np.append(steps, 5.2), (8, at)) for at in range(20)]
    shorter = [typed(holds[:-1], steps[:-1], (9, at)) for at in range(20)]
    assert model.scores(template, model.embed([*longer, *shorter])).max() <= 0.0


def test_a_program_that_types_evenly_is_not_the_person(model, template, least) -> None:
    even = [
        typed(np.full(KEYS, hold), np.full(KEYS, step), (10, 0), 0.0) for hold in (4.2, 4.6, 5.0) for step in (4.8, 5.2)
    ]
    assert passed(model, template, least, even) == 0.0
