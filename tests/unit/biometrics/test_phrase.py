"""What the model of phrases keeps of the Protocol, with made-up people who type in a rhythm of their own."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.biometrics.known import known, numbers

from ostiary.artifacts.tensors import pack, unpack
from ostiary.biometrics.model import Template
from ostiary.biometrics.phrase import folder
from ostiary.biometrics.phrase.evaluate import Protocol, trials
from ostiary.biometrics.phrase.person import laid, lifted, person_of
from ostiary.biometrics.phrase.timings import LEAST_KEYS, ROW, row_of
from ostiary.biometrics.phrase.training import train
from ostiary.biometrics.phrase.trees import Trees, tables_of
from ostiary.biometrics.training import Row, TrainSettings, trainer_of
from ostiary.biometrics.window import Modality, Window
from ostiary.errors import FaultyInputError

KEYS = 7
SETTINGS = TrainSettings(seed=3, effort=0.2)


def typed(person: int, time: int, keys: int = KEYS, slower: float = 1.0) -> Window:
    """One repetition: a rhythm of the person's own, and some luck."""
    own, luck = np.random.default_rng(person), np.random.default_rng((person, time))
    holds = np.exp(own.normal(4.6, 0.3, keys) + luck.normal(0, 0.12, keys)) * slower
    steps = np.exp(own.normal(5.2, 0.5, keys) + luck.normal(0, 0.2, keys)) * slower
    down = np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    return Window(Modality.KEYSTROKE, np.stack([down, down + holds, np.ones(keys)], axis=1))


def rows_of(people: range, times: int) -> list[Row]:
    return [Row(f"u{who}", f"s{at}", typed(who, at), at) for who in people for at in range(times)]


def silent(_text: str, _share: float) -> None:
    return None


@pytest.fixture(scope="module")
def files():
    return train(rows_of(range(16), 30), SETTINGS, silent).folder


@pytest.fixture(scope="module")
def model(files):
    return folder.read(files, "sha256:0")


def scored(model, person: int, other: int, enrolled: int = 20, **how) -> float:
    template = model.enrol(model.embed([typed(person, at, **how) for at in range(enrolled)]))
    return float(model.scores(template, model.embed([typed(other, 100 + at, **how) for at in range(20)])).mean())


def test_a_phrase_is_trained_by_the_phrases_trainer() -> None:
    assert trainer_of(Modality.KEYSTROKE, [row.window for row in rows_of(range(2), 4)]).endswith("phrase.training")


def test_the_same_rows_and_seed_give_the_same_model(files) -> None:
    assert train(list(reversed(rows_of(range(16), 30))), SETTINGS, silent).folder == files


def test_a_person_nobody_trained_on_is_told_from_others(model) -> None:
    people = {who: rows_of(range(who, who + 1), 40) for who in range(100, 112)}
    found = trials(model, people, list(people), Protocol(20, 20)).figures()
    assert known(found.per_user_eer) < 0.05
    assert known(found.cllr) < 0.4


@pytest.mark.parametrize("enrolled", [1, 2, 5, 50])
def test_few_repetitions_enrol_too(model, enrolled: int) -> None:
    assert scored(model, 200, 200, enrolled) > scored(model, 200, 201, enrolled) + 0.5


@pytest.mark.parametrize("keys", [4, 14, 30])
def test_another_phrase_is_judged_by_the_persons_own_deviations(model, keys: int) -> None:
    assert scored(model, 200, 200, keys=keys) > scored(model, 200, 201, keys=keys) + 0.5


def test_a_much_slower_device_is_judged_as_an_unknown_phrase(model) -> None:
    template = model.enrol(model.embed([typed(200, at, slower=6.0) for at in range(20)]))
    assert not lifted(template.centre).known
    assert scored(model, 200, 200, slower=6.0) > scored(model, 200, 201, slower=6.0) + 0.5


def test_a_window_of_another_length_than_the_template_is_judged_by_its_tempo(model) -> None:
    template = model.enrol(model.embed([typed(200, at) for at in range(20)]))
    own, slow = (model.embed([typed(200, at, keys=9, slower=pace) for at in range(20)]) for pace in (1.0, 4.0))
    assert np.isfinite(model.scores(template, own)).all()
    assert model.scores(template, own).mean() > model.scores(template, slow).mean()


def test_too_few_keys_judge_nothing(model) -> None:
    short = model.embed([typed(1, 0, keys=LEAST_KEYS - 1)])
    assert np.isnan(short).all()
    template = model.enrol(np.concatenate([short, model.embed([typed(1, 1)])]))
    assert template.windows == 1
    assert np.isnan(model.scores(template, short)).all()
    with pytest.raises(FaultyInputError, match="no window"):
        model.enrol(short)


def test_a_long_window_is_cut(model) -> None:
    assert model.embed([typed(1, 0, keys=200)]).shape == (1, ROW)


def test_ratios_are_capped_and_rise_with_the_score(model) -> None:
    told = [model.llr(score, 20, 1) for score in (-1e6, 0.0, 1.0, 1e6)]
    assert told == sorted(told)
    assert abs(told[0]) == abs(told[-1]) == 5.0


def test_a_template_moves_part_of_the_way(model) -> None:
    one = model.enrol(model.embed([typed(200, at) for at in range(20)]))
    row = model.embed([typed(201, 0)])[0]
    half, whole = model.moved(one, row, 0.5), model.moved(one, row, 1.0)
    assert model.apart(one, one) == 0.0
    assert model.apart(one, half) == pytest.approx(model.apart(one, whole) / 2)
    assert model.moved(one, model.embed([typed(201, 0, keys=9)])[0], 0.5) is one
    other = model.enrol(model.embed([typed(200, at, keys=9) for at in range(5)]))
    assert model.apart(one, other) > 0


@pytest.mark.parametrize("keys", [KEYS, 11, 14])
def test_ten_thousand_templates_fit_in_fifty_megabytes(model, keys: int) -> None:
    template = model.enrol(model.embed([typed(200, at, keys=keys) for at in range(60)]))
    assert template.centre.nbytes < 5_400


def test_a_templates_numbers_are_the_person() -> None:
    rows = np.stack([row_of(numbers(typed(5, at))) for at in range(20)])
    one = person_of(rows)
    again = lifted(laid(one))
    assert np.allclose(again.covariance, one.covariance)
    assert np.allclose(again.means, one.means)
    unknown = msgspec.structs.replace(one, covariance=one.covariance[:0])
    assert np.allclose(lifted(laid(unknown)).latest, one.latest)


@pytest.mark.parametrize(
    "centre", [np.zeros((9, 13)), np.zeros((2, 13)), np.full((15, 13), np.nan), np.zeros((9, 6)), np.zeros(5)]
)
def test_numbers_that_are_no_template_are_refused(model, centre) -> None:
    with pytest.raises(FaultyInputError, match="no typed phrase"):
        model.scores(Template(centre, 3), model.embed([typed(1, 0)]))


def test_few_people_know_no_phrase_and_are_judged_all_the_same() -> None:
    few = folder.read(train(rows_of(range(4), 8), SETTINGS, silent).files)
    assert few.expert is None
    assert scored(few, 200, 200) > scored(few, 200, 201) + 0.5


def test_one_person_alone_teaches_nothing() -> None:
    with pytest.raises(FaultyInputError, match="two people"):
        train([*rows_of(range(1), 8), *rows_of(range(1, 2), 2)], SETTINGS, silent)


@settings(max_examples=60)
@given(st.lists(st.tuples(*[st.floats(-1e9, 1e9)] * 3), min_size=1, max_size=40))
def test_any_numbers_give_a_finite_row_or_none(keys: list[tuple[float, float, float]]) -> None:
    row = row_of(np.array(keys))
    assert np.isfinite(row).all() if len(keys) >= LEAST_KEYS else np.isnan(row).all()


def test_trees_sum_what_the_learner_sums() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    luck = np.random.default_rng(1)
    rows = luck.normal(size=(400, 5))
    data = lightgbm.Dataset(rows, (rows[:, 0] * rows[:, 1] > 0).astype(float))
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "use_missing": False, "num_threads": 1}, data, 9)
    trees = Trees(tables_of(booster.dump_model()), 5)
    assert np.allclose(trees.sums(rows), booster.predict(rows, raw_score=True))


@pytest.mark.parametrize(
    ("name", "number"), [("left", 0), ("right", 10_000), ("column", -1), ("column", 10_000), ("value", np.nan)]
)
def test_trees_that_lead_back_or_nowhere_are_refused(files, name: str, number: float) -> None:
    tables = {key: table.copy() for key, table in unpack(files[folder.TABLES_FILE]).items()}
    tables[name][0, 1 if name == "left" else 0] = number
    with pytest.raises(FaultyInputError, match="malformed"):
        folder.read({**files, folder.TABLES_FILE: pack(tables)})


@pytest.mark.parametrize("name", ["mean", "within", "between", "deviation", "threshold"])
def test_a_table_that_does_not_fit_is_refused(files, name: str) -> None:
    tables = dict(unpack(files[folder.TABLES_FILE]))
    for wrong in (None, tables[name][:-1], -np.abs(tables[name]) * np.inf):
        others = {key: table for key, table in tables.items() if key != name}
        with pytest.raises(FaultyInputError, match="malformed"):
            folder.read({**files, folder.TABLES_FILE: pack(others if wrong is None else {**others, name: wrong})})


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_any_bytes_in_the_folder_are_read_or_refused(noise: bytes) -> None:
    for name in (folder.SCHEMA_FILE, folder.TABLES_FILE):
        with pytest.raises(FaultyInputError):
            folder.read({folder.SCHEMA_FILE: b"{}", folder.TABLES_FILE: b"", name: noise})


def test_another_phrase_of_as_many_keys_is_not_taken_for_the_known_one(model) -> None:
    rows = model.embed([typed(200, at) for at in range(20)])
    digits = rows.copy()
    digits[:, -1] = 77.0
    assert lifted(model.enrol(rows).centre).known
    assert not lifted(model.enrol(digits).centre).known
