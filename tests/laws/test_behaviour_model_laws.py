"""Laws of every model of behaviour: whatever ``kinds.LOADERS`` reads, made by its own training or shipped.

A kind that needs PyTorch to be trained is judged where PyTorch is, and by its shipped model everywhere.
"""

import warnings
from importlib.util import find_spec
from types import MappingProxyType

import numpy as np
import pytest

from ostiary.artifacts import ArtifactPredicate, VerifiedArtifact
from ostiary.biometrics import kinds, training
from ostiary.biometrics.model import Model
from ostiary.biometrics.shipped import shipped_model, shipped_pins
from ostiary.biometrics.training import Row, TrainSettings
from ostiary.biometrics.window import MOST_MS, Modality, Window, window_of
from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.testing import behaviour


def is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


REFERENCE, SHIPPED, PHRASE = "reference", "shipped", "phrase"
TRAINERS = {**{one.value: trainer for one, trainer in training._TRAINERS.items()}, PHRASE: training.PHRASE_TRAINER}
MADE = [
    *(f"{REFERENCE}/{modality.value}" for modality in Modality),
    *(f"trained/{name}" for name, trainer in TRAINERS.items() if is_there(trainer)),
    *(f"{SHIPPED}/{modality.value}" for modality in shipped_pins()),
]
MOST_NATS = 10
MOST_BYTES = 50 * 2**20 // 10_000  # 10,000 people in 50 MiB
CACHE: dict[str, Model | str] = {}


def rows_of(name: str, first: int = 0) -> list[Row]:
    if name.endswith(PHRASE):
        return behaviour.phrases(first=first)
    return behaviour.people(Modality(name.partition("/")[2]), count=16, sessions=4, windows=3, first=first)


def artifact(files: dict[str, bytes]) -> VerifiedArtifact:
    return VerifiedArtifact("sha256:0", MappingProxyType(files), ArtifactPredicate(kinds.ARTIFACT_KIND, 0))


def made(name: str) -> Model | str:
    """Return the model, or why it cannot be made here."""
    if name.startswith(SHIPPED):
        return shipped_model(Modality(name.partition("/")[2]))
    rows = rows_of(name)
    if name.startswith(REFERENCE):
        return behaviour.load(artifact(behaviour.train(rows, TrainSettings(), lambda what, share: None).folder))
    try:
        with warnings.catch_warnings():  # of PyTorch's own doings
            warnings.simplefilter("ignore")
            quick = TrainSettings(effort=0.02)
            trained = training.train(rows[0].window.modality, rows, quick, lambda what, share: None)
    except UnavailableError as fault:
        return fault.message
    return kinds.load(artifact(trained.folder))


def model_of(name: str) -> Model:
    if name not in CACHE:
        CACHE[name] = made(name)
    model = CACHE[name]
    if isinstance(model, str):
        pytest.skip(model)
    return model


@pytest.fixture(params=MADE)
def named(request) -> tuple[str, Model]:
    return request.param, model_of(request.param)


def own_windows(name: str) -> dict[str, list[Window]]:
    people: dict[str, list[Window]] = {}
    for row in rows_of(name, first=200):
        people.setdefault(row.subject, []).append(row.window)
    return people


def odd_windows(modality: Modality) -> list[Window]:
    raws: dict[Modality, list[object]] = {
        Modality.KEYSTROKE: [
            [[0, 0, 0]],
            [[0, 1, 99], [5, 2, -1]],
            [[0, 10, 1]] * 400,
            [[k * 1e6, k * 1e6 + 5e5, 8] for k in range(40)],
            [[-k, -2 * k, 3] for k in range(30)],
            [[MOST_MS, -MOST_MS, 0], [-MOST_MS, MOST_MS, 0]] * 9,
        ],
        Modality.POINTER: [
            [[0, 0, 0, 0]],
            [[0, 0, 0, 0]] * 500,
            [[-5, 3, 3, 255]] * 200,
            [[0, 1e8, -1e8, 1]] * 150,
            [[MOST_MS, MOST_MS, -MOST_MS, 0], [0, 0, 0, -7]] * 90,
        ],
        Modality.SEQUENCE: [["a"], ["never seen before"] * 300, ["\u202e", "\x00", "x" * 256], ["ls"] * 5_000],
        Modality.FEATURES: [
            {"a": [1]},
            {"65-0": []},
            {"65-0": [-1.0, 0.0, 1e9], "-": [5], "65-66": [0.0] * 50},
            {f"{i}-0": [100.0] for i in range(300)},
        ],
    }
    return [window_of(modality, raw) for raw in raws[modality]]


def test_every_kind_that_can_be_read_is_judged_here() -> None:
    made_here = [model for model in (CACHE.setdefault(name, made(name)) for name in MADE) if not isinstance(model, str)]
    if find_spec("torch") is None:
        pytest.skip("not every kind can be trained without PyTorch")
    assert len({type(model) for model in made_here}) >= len(kinds.LOADERS)


def test_a_window_has_one_row_whatever_it_is_embedded_with(named) -> None:
    name, model = named
    windows = [window for some in own_windows(name).values() for window in some[:2]]
    together, again = model.embed(windows), model.embed(windows)
    assert np.array_equal(together, again, equal_nan=True)
    alone = np.concatenate([model.embed([window]) for window in windows])
    assert np.allclose(together, alone, atol=1e-4, equal_nan=True)
    assert together.dtype == np.float64


def test_odd_windows_judge_nothing_or_something_and_never_raise(named) -> None:
    name, model = named
    odd = odd_windows(model.modality)
    rows = model.embed(odd)
    assert len(rows) == len(odd)
    usable = np.isfinite(rows).all(axis=1)
    assert (usable | np.isnan(rows).any(axis=1)).all()
    template = model.enrol(model.embed(next(iter(own_windows(name).values()))))
    scores = model.scores(template, rows)
    assert scores.shape == (len(odd),)
    assert (np.isfinite(scores) == usable).all()


def test_nothing_usable_enrols_nobody(named) -> None:
    name, model = named
    rows = model.embed(next(iter(own_windows(name).values())))
    with pytest.raises(FaultyInputError) as fault:
        model.enrol(np.full_like(rows, np.nan))
    assert fault.value.code == "enrolment_empty"


def test_a_template_is_small_counts_what_it_is_made_of_and_knows_its_own(named) -> None:
    name, model = named
    for windows in own_windows(name).values():
        rows = model.embed(windows)
        template = model.enrol(np.concatenate([rows, np.full((1, rows.shape[1]), np.nan)]), sessions=2)
        assert (template.windows, template.sessions) == (len(windows), 2)
        assert template.centre.nbytes <= MOST_BYTES
        assert np.isfinite(model.scores(template, rows)).all()


def test_people_score_higher_against_themselves(named) -> None:
    name, model = named
    if name.startswith(SHIPPED):
        pytest.skip("what is shipped learned from people, not from invented ones")
    people = [model.embed(windows) for windows in own_windows(name).values()]
    half = len(people[0]) // 2
    templates = [model.enrol(rows[:half]) for rows in people]
    told = np.array([[model.scores(template, rows[half:]).mean() for rows in people] for template in templates])
    assert np.diag(told).mean() > (told.sum() - np.trace(told)) / (told.size - len(told))


def test_a_ratio_is_capped_and_rises_with_the_score(named) -> None:
    _, model = named
    rng = np.random.default_rng(0)
    for enrolled, windows in rng.integers(1, 10_000, (40, 2)).tolist():
        scores = np.sort(rng.normal(0, 1, 9) * 10.0 ** rng.integers(-2, 7))
        ratios = [model.llr(float(score), enrolled, windows) for score in scores]
        assert ratios == sorted(ratios)
        assert max(map(abs, ratios)) <= MOST_NATS


def test_templates_move_where_they_are_moved(named) -> None:
    name, model = named
    some, others = list(own_windows(name).values())[:2]
    template, row = model.enrol(model.embed(some)), model.embed(others[:1])[0]
    before = template.centre.copy()
    away = [model.apart(template, model.moved(template, row, share)) for share in (0.0, 0.02, 0.2, 0.5, 1.0)]
    assert away[0] == pytest.approx(0.0, abs=1e-6)
    assert away[1] > 0
    assert away == sorted(away)
    assert np.array_equal(before, template.centre)
    moved = model.moved(template, row, 0.5)
    assert model.scores(moved, row[None, :])[0] > model.scores(template, row[None, :])[0]
    assert model.apart(template, moved) == pytest.approx(model.apart(moved, template), rel=0.5)
