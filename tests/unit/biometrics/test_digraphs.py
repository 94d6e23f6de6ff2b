"""What the model of logs keeps of the Protocol, with made-up people, some of whose keys are nearer to hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.biometrics.known import features, known

from ostiary.artifacts.tensors import pack, unpack
from ostiary.biometrics.digraphs import folder
from ostiary.biometrics.digraphs.evaluate import pairs, shortened
from ostiary.biometrics.digraphs.factors import Factors, Side, ratios
from ostiary.biometrics.digraphs.packing import packed, unpacked
from ostiary.biometrics.digraphs.summary import LEAST_VALUES, Logs, row_of
from ostiary.biometrics.digraphs.training import train
from ostiary.biometrics.model import Template
from ostiary.biometrics.training import Row, TrainSettings, trainer_of
from ostiary.biometrics.window import Modality, Window
from ostiary.errors import FaultyInputError

NAMES = [*(f"{key}-0" for key in range(65, 73)), *(f"{key}-{key + 1}" for key in range(65, 81))]
SETTINGS = TrainSettings(seed=3, effort=0.3)


def log_of(person: int, day: int, values: int = 40) -> Window:
    own, luck = np.random.default_rng(person), np.random.default_rng((person, day))
    usual = 4.8 + own.normal(0, 0.2) + own.normal(0, 0.25, len(NAMES)) + luck.normal(0, 0.08, len(NAMES))
    some = {}
    for name, middle in zip(NAMES, usual, strict=True):
        count = int(luck.integers(0, values))
        if count:
            some[name] = tuple(np.exp(middle + luck.normal(0, 0.4, count)))
    return Window(Modality.FEATURES, some)


def rows_of(people: range, days: int = 3) -> list[Row]:
    return [Row(f"u{who:03}", f"s{day}", log_of(who, day), day) for who in people for day in range(days)]


def silent(_text: str, _share: float) -> None:
    return None


@pytest.fixture(scope="module")
def files():
    return train(rows_of(range(24)), SETTINGS, silent).folder


@pytest.fixture(scope="module")
def model(files):
    return folder.read(files, "sha256:0")


def test_logs_have_a_trainer_of_their_own() -> None:
    assert trainer_of(Modality.FEATURES, [log_of(0, 0)]).endswith("digraphs.training")


def test_the_same_rows_and_seed_give_the_same_model(files) -> None:
    assert train(list(reversed(rows_of(range(24)))), SETTINGS, silent).folder == files


def test_people_nobody_trained_on_are_told_apart_by_one_log(model) -> None:
    found = pairs(model, rows_of(range(100, 110))).figures
    assert known(found.global_eer) < 0.08
    assert known(found.cllr) < 0.5


def test_two_logs_tell_more_than_one_and_a_short_one_less(model) -> None:
    rows, luck = rows_of(range(100, 114)), np.random.default_rng(1)
    short = [shortened(row.window, 60, luck) for row in rows]
    one, two, part = pairs(model, rows), pairs(model, rows, None, 2), pairs(model, rows, short)
    assert known(two.figures.auc) >= known(one.figures.auc) > known(part.figures.auc) > 0.7


def test_the_ratio_is_that_of_the_joint_gaussians() -> None:
    luck = np.random.default_rng(5)
    people, days = luck.normal(size=(4, 2)), luck.normal(size=(4, 1)) * 0.5
    person, day, noise = luck.uniform(0.5, 1, 4), luck.uniform(0.1, 0.3, 4), np.array([0.2, 0.3, 0.4, 0.5])
    factors = Factors(np.zeros(4), person, day, np.ones(4), people, days)
    shared = people @ people.T + np.diag(person)
    own = days @ days.T + np.diag(day + noise)
    one, other = luck.normal(size=4), luck.normal(size=(3, 4))
    precision = np.tile(1 / (day + noise), (3, 1))
    found = ratios(factors, Side(one[None], precision[:1], np.ones(1)), Side(other, precision, np.ones(3)))

    def density(values, covariance) -> float:
        return float(-0.5 * (np.linalg.slogdet(covariance)[1] + values @ np.linalg.solve(covariance, values)))

    both = np.block([[shared + own, shared], [shared, shared + own]])
    for ratio, row in zip(found, other, strict=True):
        apart = density(one, shared + own) + density(row, shared + own)
        assert ratio == pytest.approx(density(np.concatenate([one, row]), both) - apart)


def test_a_feature_that_lacks_says_nothing(model) -> None:
    whole = log_of(200, 0)
    without = Window(Modality.FEATURES, {name: some for name, some in features(whole).items() if name != NAMES[0]})
    strange = Window(Modality.FEATURES, {**features(without), "9-9": (1.0, 2.0), "7-7": ()})
    assert np.array_equal(model.embed([without]), model.embed([strange]))
    template = model.enrol(model.embed([whole]))
    assert np.isfinite(model.scores(template, model.embed([without]))).all()


def test_too_few_values_judge_nothing(model) -> None:
    short = model.embed([Window(Modality.FEATURES, {NAMES[0]: (90.0,) * (LEAST_VALUES - 1)})])
    assert np.isnan(short).all()
    template = model.enrol(np.concatenate([short, model.embed([log_of(1, 1)])]), sessions=1)
    assert (template.windows, template.sessions) == (1, 1)
    assert np.isnan(model.scores(template, short)).all()
    assert model.moved(template, short[0], 0.5) is template
    with pytest.raises(FaultyInputError, match="no window"):
        model.enrol(short)


def test_ratios_are_capped_and_rise_with_the_score(model) -> None:
    told = [model.llr(score, 1, 1) for score in (-1e6, 0.0, 1.0, 1e6)]
    assert told == sorted(told)
    assert abs(told[0]) == abs(told[-1]) == 5.0


def test_a_template_moves_part_of_the_way(model) -> None:
    one, row = model.enrol(model.embed([log_of(200, 0)])), model.embed([log_of(201, 0)])[0]
    half, whole = model.moved(one, row, 0.5), model.moved(one, row, 1.0)
    assert model.apart(one, one) == 0.0
    assert model.apart(one, half) == pytest.approx(model.apart(one, whole) / 2, rel=0.02)
    before, after = (model.scores(some, row[None])[0] for some in (one, whole))
    assert after > before


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(1, 16_383), st.integers(1, 16_383), st.integers(0, 65_535), st.integers(0, 255)),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_packed_comes_out_again(some: list[tuple[int, int, int, int]]) -> None:
    quick, slow, counts, logs = np.array(some, np.float64).T[:, None]
    out = unpacked(packed(Logs(np.stack([quick, slow]) / 2_048, counts, logs)), len(some))
    there = (counts > 0) & (logs > 0)
    assert np.array_equal(out.values, np.where(there, np.stack([quick, slow]) / 2_048, 0))
    assert np.array_equal(out.counts, counts * there)
    assert np.array_equal(out.logs, logs * there)


@pytest.mark.parametrize("centre", [np.zeros((1, 3)), np.full((1, 24), np.nan), np.full((1, 24), -1.0), np.zeros(24)])
def test_numbers_that_are_no_template_are_refused(model, centre) -> None:
    with pytest.raises(FaultyInputError, match="no typing"):
        model.scores(Template(centre, 1), model.embed([log_of(1, 0)]))


def test_people_with_one_log_each_teach_nothing() -> None:
    with pytest.raises(FaultyInputError, match="two logs"):
        train(rows_of(range(6), 1), SETTINGS, silent)


def test_a_handful_of_people_teach_a_model_too() -> None:
    few = folder.read(train(rows_of(range(4), 2), SETTINGS, silent).files)
    assert (pairs(few, rows_of(range(100, 106))).figures.auc or 0.0) > 0.8


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from([*NAMES, "1-1"]), st.lists(st.floats(-1e9, 1e9), max_size=50).map(tuple), max_size=6
    )
)
def test_any_values_give_a_finite_row_or_none(features: dict[str, tuple[float, ...]]) -> None:
    row = row_of(features, {name: at for at, name in enumerate(NAMES)})
    assert np.isfinite(row).all() or np.isnan(row).all()


@pytest.mark.parametrize("name", ["quick_mean", "slow_person", "quick_people", "slow_days", "slow_noise"])
def test_a_table_that_does_not_fit_is_refused(files, name: str) -> None:
    tables = dict(unpack(files[folder.FACTORS_FILE]))
    for wrong in (None, tables[name][:-1], tables[name] * np.nan):
        others = {key: table for key, table in tables.items() if key != name}
        with pytest.raises(FaultyInputError, match="malformed"):
            folder.read({**files, folder.FACTORS_FILE: pack(others if wrong is None else {**others, name: wrong})})


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_any_bytes_in_the_folder_are_read_or_refused(noise: bytes) -> None:
    for name in (folder.SCHEMA_FILE, folder.FACTORS_FILE):
        with pytest.raises(FaultyInputError):
            folder.read({folder.SCHEMA_FILE: b"{}", folder.FACTORS_FILE: b"", name: noise})
