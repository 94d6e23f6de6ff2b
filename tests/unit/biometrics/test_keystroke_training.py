"""A tiny training on made-up typists, from rows to a model that tells people apart (needs the extra ``train``)."""

import numpy as np
import pytest
from tests.unit.biometrics.known import known

from ostiary.biometrics.keystroke.protocol import typenet
from ostiary.biometrics.keystroke.training.bank import bank_of
from ostiary.biometrics.keystroke.training.trials import cells
from ostiary.biometrics.keystroke.training.units import units_of
from ostiary.biometrics.training import Row, TrainSettings
from ostiary.biometrics.window import Modality, Window
from ostiary.errors import FaultyInputError
from ostiary.testing.typists import Typists


def rows_of(people: int, windows: int, joined: int = 1) -> list[Row]:
    """Return rows of made-up typists; ``joined`` sentences make a window."""
    return [
        Row(f"u{person:03}", f"s{at}", Window(Modality.KEYSTROKE, long(person, at, joined)), at)
        for person in range(people)
        for at in range(windows)
    ]


def long(person: int, at: int, joined: int) -> np.ndarray:
    typist = Typists(5).typist(person)
    later = np.array([60_000.0, 60_000.0, 0.0])
    return np.concatenate([np.array(typist.sentence(at, part)) + part * later for part in range(joined)])


def trained(rows: list[Row], effort: float = 0.02, seed: int = 1):
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from ostiary.biometrics.keystroke.training import train  # noqa: PLC0415 - torch is there

    return train(rows, TrainSettings(seed=seed, effort=effort), lambda what, share: None)


@pytest.mark.filterwarnings("ignore")
def test_a_small_training_tells_people_apart_and_repeats_to_the_byte() -> None:
    rows = rows_of(48, 6)
    one, other = trained(rows), trained(rows)
    assert one == other
    assert len(one.files["encoder.onnx"]) < 1_000_000
    from ostiary.biometrics.keystroke.model import model_of  # noqa: PLC0415

    model = model_of(one.files)
    people = [[row.window for row in rows_of(80, 15) if row.subject == f"u{person:03}"] for person in range(60, 80)]
    line = next(line for line in typenet(model, people) if (line.enrolled, line.windows) == (5, 1))
    assert line.figures.people == 20
    assert known(line.figures.global_eer) < 0.3
    assert known(line.figures.cllr) < 1.0
    assert "held out of the encoder" in one.card


@pytest.mark.filterwarnings("ignore")
def test_one_long_sitting_a_person_is_enough() -> None:
    found = trained(rows_of(10, 1, joined=9), effort=0.01)
    assert "flatter" in found.card
    assert {"model.json", "encoder.onnx", "tables.safetensors"} <= set(found.files)


def test_people_with_one_short_window_teach_nothing() -> None:
    with pytest.raises(FaultyInputError) as fault:
        units_of(rows_of(5, 1), 1)
    assert fault.value.code == "training_people"


def test_a_share_of_people_is_held_out_where_there_are_enough() -> None:
    assert not units_of(rows_of(20, 4), 1).spared
    units = units_of(rows_of(100, 4), 1)
    assert len(units.spared) == 10
    assert units.spared == units_of(rows_of(100, 4), 1).spared
    _, people = units.taught()
    assert sorted(set(people.tolist())) == list(range(90))


def test_a_sample_is_made_of_one_persons_keys() -> None:
    pieces = [np.array([[100.0 * key, 100.0 * key + 50 + person, 0] for key in range(20)]) for person in (0, 1, 0, 1)]
    bank = bank_of(pieces, np.array([0, 1, 0, 1]))
    luck = np.random.default_rng(1)
    for _ in range(20):
        groups, people = bank.batch(np.array([0, 1, 2, 3]), luck)
        samples = [sample for group in groups for sample in group]
        assert len(samples) == len(people) == 4
        for sample, person in zip(samples, people, strict=True):
            there = sample[-1] > 0
            shown = sample[:-1].any(axis=0)
            assert 14 <= there.sum() <= 20
            assert not (shown & ~there).any()
            assert np.allclose(sample[1, shown], (50 + person) / 100 - 1.05, atol=1e-5)


def test_of_half_of_the_samples_a_stretch_of_at_most_half_of_the_keys_is_hidden() -> None:
    bank = bank_of([np.array([[100.0 * key, 100.0 * key + 50, 0] for key in range(40)])] * 2, np.array([0, 1]))
    luck = np.random.default_rng(1)
    shares, holes = [], []
    for _ in range(100):
        for sample in [sample for group in bank.batch(np.array([0, 1, 0, 1]), luck)[0] for sample in group]:
            there = sample[-1] > 0
            hidden = ~sample[:-1, there].any(axis=0)
            shares.append(hidden.mean())
            holes.append(int((np.diff(np.concatenate([[0], hidden, [0]])) > 0).sum()))
    assert max(holes) == 1
    assert 0.4 < np.mean(np.array(holes) > 0) < 0.6
    assert max(shares) <= 0.5 + 1 / 14
    assert 0.1 < np.mean(shares) < 0.15


def test_the_grid_of_trials_fits_the_windows_that_there_are() -> None:
    assert cells([15, 15, 15]) == [(1, 1), (1, 5), (2, 1), (2, 5), (5, 1), (5, 5), (10, 1), (10, 5)]
    assert cells([4, 4]) == [(1, 1), (2, 1)]
    assert cells([2, 2]) == [(1, 1)]
