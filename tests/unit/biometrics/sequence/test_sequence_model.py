"""The model of sequences: rows, templates, scores; and a folder that is checked whole before it is used."""

from random import Random
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.artifacts.tensors import pack
from ostiary.biometrics.calibration import Calibration
from ostiary.biometrics.sequence.folder import HABITS_FILE, KIND, SCHEMA_FILE, Schema, read, written
from ostiary.biometrics.sequence.habits import NOBODY, Habits
from ostiary.biometrics.sequence.model import WIDTH, Keeping, SequenceModel
from ostiary.biometrics.sequence.ratio import Smoothing
from ostiary.biometrics.sequence.tokens import Vocabulary
from ostiary.biometrics.sequence.transitions import MOST_BASE, SLOTS, packed, transitions, unpacked
from ostiary.biometrics.window import Modality, Window
from ostiary.errors import FaultyInputError, OstiaryError

WORDS = ("cat", "mail", "vi", "make", "ls", "cc", "ld")
ANNA = ("ls", "vi", "make", "cc", "ld")
BEN = ("mail", "cat", "mail", "ls")


def window(*tokens: str) -> Window:
    return Window(Modality.SEQUENCE, tokens)


def of(habit: tuple[str, ...], count: int, seed: int = 0) -> list[Window]:
    luck = Random(seed)  # noqa: S311 - made-up windows
    return [window(*(habit[(place + luck.randrange(2)) % len(habit)] for place in range(60))) for _ in range(count)]


def model_of(*people: list[Window], buckets: int = 8, naive: float = 0.2) -> SequenceModel:
    vocabulary = Vocabulary(WORDS, buckets)
    empty = SequenceModel(vocabulary, [], Smoothing(), Calibration([1], [1], [[0.1]], [[0.0]]))
    habits = [empty._habits(empty.embed(windows)) for windows in people]
    return SequenceModel(vocabulary, habits, Smoothing(naive=naive), Calibration([1], [1], [[0.1]], [[0.0]]), 0.5)


@pytest.fixture
def model() -> SequenceModel:
    return model_of(of(ANNA, 10), of(BEN, 10), of(WORDS, 10))


def test_a_person_is_likelier_than_another(model: SequenceModel) -> None:
    template = model.enrol(model.embed(of(ANNA, 5, 1)))
    own = model.scores(template, model.embed(of(ANNA, 5, 2)))
    other = model.scores(template, model.embed(of(BEN, 5, 3)))
    assert own.min() > other.max()
    assert model.llr(float(own.mean()), 5, 5) > 0 > model.llr(float(other.mean()), 5, 5)


def test_words_that_nobody_ever_used_still_tell_people_apart(model: SequenceModel) -> None:
    new = ("kubectl", "helm", "argo")
    template = model.enrol(model.embed(of(new, 5, 1)))
    own = model.scores(template, model.embed(of(new, 3, 2)))
    other = model.scores(template, model.embed(of(("terraform", "aws", "jq"), 3, 2)))
    assert own.min() > other.max()


def test_what_follows_by_anybodys_habit_is_held_against_nobody() -> None:
    model = model_of(of(ANNA, 10), of(BEN, 10), of(WORDS, 10), naive=0.0)
    template = model.enrol(model.embed(of(BEN, 8, 1)))
    begun = [window("vi"), window("vi", "make"), window("vi", "make", "cc"), window("vi", "make", "cc", "ld")]
    first, *rest = np.diff(model.scores(template, model.embed(begun)), prepend=0.0)
    assert first < -1
    assert min(rest) > first / 2


def test_whoever_is_judged_is_not_everybody_else(model: SequenceModel) -> None:
    own = model.enrol(model.embed(of(ANNA, 10)))
    assert own.centre[0, 0] == 0
    assert model.enrol(model.embed(of(("helm", "argo"), 4))).centre[0, 0] == NOBODY
    grown = own
    for row in model.embed(of(ANNA, 5, 9)):
        grown = model.grown(grown, row)
    assert grown.centre[0, 0] == 0
    assert grown.windows == 15


@pytest.mark.parametrize("length", [1, 2, 7, 99, 100, 101, 350, 5_000])
def test_any_length_is_judged(model: SequenceModel, length: int) -> None:
    luck = Random(length)  # noqa: S311 - made-up windows
    rows = model.embed([window(*(f"w{luck.randrange(900)}" for _ in range(length)))])
    assert rows.shape == (1, WIDTH)
    assert np.isfinite(model.scores(model.enrol(rows), rows)).all()


def test_empty_and_foreign_windows_judge_nothing(model: SequenceModel) -> None:
    rows = model.embed([window(), Window(Modality.KEYSTROKE, np.zeros((3, 3))), window("cat")])
    template = model.enrol(rows)
    assert template.windows == 1
    assert np.isnan(model.scores(template, rows)).tolist() == [True, True, False]
    assert model.moved(template, rows[0], 0.5) is template
    assert model.grown(template, rows[0]) is template
    with pytest.raises(FaultyInputError) as refused:
        model.enrol(rows[:2])
    assert refused.value.code == "enrolment_empty"


def test_a_template_moves_by_its_share_and_tells_how_far(model: SequenceModel) -> None:
    template = model.enrol(model.embed(of(ANNA, 6)))
    (row,) = model.embed(of(BEN, 1))
    steps = [model.apart(template, model.moved(template, row, share)) for share in (0.0, 0.1, 0.5, 1.0)]
    assert steps == sorted(steps)
    assert steps[0] < 0.02
    assert model.apart(template, template) == 0
    assert model.moved(template, row, 0.3).windows == template.windows


def test_ten_thousand_templates_stay_small(model: SequenceModel) -> None:
    luck = Random(1)  # noqa: S311 - made-up windows
    rows = model.embed([window(*(f"w{luck.randrange(25)}" for _ in range(100))) for _ in range(50)])
    assert model.enrol(rows).centre.nbytes * 10_000 < 60e6


def test_templates_of_another_model_are_refused(model: SequenceModel) -> None:
    rows = model.embed([window("cat")])
    template = model.enrol(rows)
    for centre in (np.array([[99.0, 1.0]]), np.array([[-1.0, np.nan]]), np.array([[-1.0, 2.0**51]]), np.zeros((1, 0))):
        with pytest.raises(FaultyInputError) as refused:
            model.scores(msgspec.structs.replace(template, centre=centre), rows)
        assert refused.value.code == "template_malformed"


def test_a_folder_reads_back_as_it_was(model: SequenceModel) -> None:
    schema = Schema(KIND, model.vocabulary, model.rule, model.calibration, model.spread, Keeping(-3.0, 4.0))
    files = written(schema, model.population.people)
    again = read(files)
    assert again.keeping == Keeping(-3.0, 4.0)
    rows = again.embed(of(ANNA, 4, 5))
    template = model.enrol(rows)
    assert np.allclose(again.scores(again.enrol(rows), rows), model.scores(template, rows), atol=1e-4)
    assert written(schema, model.population.people) == files


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"spread": 0.0},
        {"spread": 1e999},
        {"vocabulary": {"words": ["a", "a"], "buckets": 1}},
        {"vocabulary": {"words": [""], "buckets": 1}},
        {"vocabulary": {"words": [], "buckets": 0}},
        {"vocabulary": {"words": [], "buckets": MOST_BASE}},
        {"keeping": {"accept": 5.0, "update": 1.0}},
        {"rule": {"context": 0.0}},
        {"rule": {"shared": 1.5}},
        {"more": 1},
    ],
)
def test_a_schema_out_of_range_is_refused(model: SequenceModel, change: dict[str, object]) -> None:
    schema = Schema(KIND, model.vocabulary, model.rule, model.calibration, model.spread, Keeping())
    files = written(schema, model.population.people)
    told = msgspec.json.decode(files[SCHEMA_FILE]) | change
    with pytest.raises(FaultyInputError):
        read({**files, SCHEMA_FILE: msgspec.json.encode(told).replace(b"null", b"1e999")})


TABLES: dict[str, npt.NDArray[Any]] = {
    "codes": np.array([3, 5], np.int64),
    "weights": np.array([1.0, 2.0], np.float32),
    "sizes": np.array([1, 1], np.int64),
}


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("codes", np.array([-1, 5], np.int64)),
        ("codes", np.array([3, 10**9], np.int64)),
        ("codes", np.array([3.0, 5.0])),
        ("codes", np.array([3], np.int64)),
        ("codes", np.array([[3, 5]], np.int64)),
        ("weights", np.array([1.0, np.nan], np.float32)),
        ("weights", np.array([1.0, -2.0], np.float32)),
        ("sizes", np.array([3, -1], np.int64)),
        ("sizes", np.array([1, 2], np.int64)),
        ("sizes", np.ones(300, np.int64)),
    ],
)
def test_tables_that_do_not_fit_are_refused(model: SequenceModel, name: str, table: npt.NDArray[Any]) -> None:
    schema = Schema(KIND, model.vocabulary, model.rule, model.calibration, model.spread, Keeping())
    files = written(schema, model.population.people)
    assert read({**files, HABITS_FILE: pack(TABLES)}).population.people[0].weights.tolist() == [1.0]
    with pytest.raises(FaultyInputError):
        read({**files, HABITS_FILE: pack({**TABLES, name: table})})


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_odd_bytes_are_refused_and_nothing_else_is_raised(schema: bytes, tables: bytes) -> None:
    with pytest.raises(OstiaryError):
        read({SCHEMA_FILE: schema, HABITS_FILE: tables})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=300))
def test_any_tokens_give_a_row_that_can_be_judged(tokens: list[str]) -> None:
    model = model_of(of(ANNA, 3), of(BEN, 3))
    rows = model.embed([window(*tokens), window("ls", "vi")])
    assert np.isfinite(rows).all()
    assert np.isfinite(model.scores(model.enrol(rows[1:]), rows)).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=500))
def test_packing_loses_less_than_half_a_step(ids: list[int]) -> None:
    codes, weights = transitions(np.array(ids), 42)
    assert len(codes) <= SLOTS
    again, about = unpacked(packed(codes, weights))
    assert (again == codes).all()
    assert np.abs(about - weights).max() <= 1 / 64


def test_habits_of_nobody_are_empty() -> None:
    nothing = Habits.of(np.zeros(0, np.int64), np.zeros(0), 10)
    assert nothing.at(np.array([1, 2])).tolist() == [0, 0]
