"""What the keystroke model keeps of the Protocol, with an encoder that takes means of channels."""

from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np
import pytest
from tests.unit.biometrics.known import numbers

from ostiary.artifacts.tensors import pack
from ostiary.biometrics import kinds
from ostiary.biometrics.calibration import Calibration
from ostiary.biometrics.graph import MOST_BYTES
from ostiary.biometrics.keystroke.model import ENCODER, KIND, SCHEMA, TABLES, KeystrokeModel, Schema, model_of
from ostiary.biometrics.keystroke.plda import Plda, fit
from ostiary.biometrics.keystroke.tensor import LEAST, channels
from ostiary.biometrics.window import Modality, Window
from ostiary.errors import FaultyInputError
from ostiary.testing.typists import Typists

if TYPE_CHECKING:
    from ostiary.biometrics.keystroke.encoder import Encoder

SIZE = 8


class Means:
    """An encoder without a network."""

    size = SIZE

    def embeddings(self, tables):
        """Return means and deviations of the first four channels."""
        return np.array([[*table[:4].mean(axis=1), *table[:4].std(axis=1)] for table in tables]).reshape(-1, SIZE)


def windows_of(person: int, count: int = 8) -> list[Window]:
    typist = Typists(3).typist(person)
    return [Window(Modality.KEYSTROKE, np.array(typist.sentence(at // 3, at))) for at in range(count)]


@pytest.fixture(scope="module")
def model() -> KeystrokeModel:
    encoder = Means()
    everybody = [window for person in range(60) for window in windows_of(person)]
    embeddings = encoder.embeddings([channels(numbers(window)) for window in everybody])
    keys = np.array([len(window.content) for window in everybody], dtype=float)
    plda = fit(embeddings, np.repeat(np.arange(60), 8), keys)
    return KeystrokeModel(
        "sha256:1", cast("Encoder", encoder), plda, Calibration([1, 5], [1], [[0.5], [1.0]], [[0.0], [0.1]])
    )


def test_the_same_person_scores_higher_than_another(model) -> None:
    rows = [model.embed(windows_of(person)) for person in range(70, 90)]
    templates = [model.enrol(one[:5]) for one in rows]
    own = [model.scores(template, one[5:]).mean() for template, one in zip(templates, rows, strict=True)]
    other = [model.scores(template, one[5:]).mean() for template, one in zip(templates, rows[1:], strict=False)]
    assert np.mean(own) > 1 > np.mean(other)
    assert sum(a > b for a, b in zip(own, other, strict=False)) >= 17


def test_too_few_keys_judge_nothing(model) -> None:
    whole = windows_of(1, 1)[0]
    short = Window(Modality.KEYSTROKE, numbers(whole)[: LEAST - 1])
    rows = model.embed([short, whole, short])
    assert np.isnan(rows[[0, 2]]).all()
    assert np.isfinite(rows[1]).all()
    template = model.enrol(rows)
    assert template.windows == 1
    assert np.isnan(model.scores(template, rows)[[0, 2]]).all()
    with pytest.raises(FaultyInputError) as fault:
        model.enrol(rows[:1])
    assert fault.value.code == "enrolment_empty"
    assert model.embed([]).shape == rows[:0].shape


def test_a_long_window_is_pooled_and_weighs_more(model) -> None:
    later = np.array([60_000.0, 60_000.0, 0.0])
    keys = np.concatenate([window.content + at * later for at, window in enumerate(windows_of(1))])
    long, short = model.embed([Window(Modality.KEYSTROKE, keys), windows_of(1, 1)[0]])
    assert long[-1] > 2 * short[-1]


def test_a_row_does_not_depend_on_its_neighbours(model) -> None:
    windows = windows_of(2)
    assert np.allclose(model.embed(windows), np.concatenate([model.embed([window]) for window in windows]))


def test_a_template_moves_by_a_share_and_lies_apart_by_it(model) -> None:
    rows = model.embed([*windows_of(1), *windows_of(2)])
    one, other = model.enrol(rows[:8]), model.enrol(rows[8:])
    assert model.apart(one, one) == 0
    assert model.apart(one, other) == model.apart(other, one) > 0
    towards = np.append(other.centre[0], 1.0)
    assert model.moved(one, towards, 0.0).centre.tolist() == one.centre.tolist()
    assert model.apart(model.moved(one, towards, 0.25), one) == pytest.approx(0.25 * model.apart(one, other))
    assert model.apart(model.moved(one, towards, 1.0), other) == pytest.approx(0)
    assert model.moved(one, np.full(len(towards), np.nan), 0.5) is one


def test_the_ratio_is_calibrated_by_how_much_was_enrolled(model) -> None:
    assert model.llr(2.0, 1, 1) == 1.0
    assert model.llr(2.0, 5, 1) == pytest.approx(2.1)
    assert model.llrs(np.array([2.0, 100.0]), 5, 1).tolist() == [pytest.approx(2.1), 5.0]


def files(**changed: bytes) -> dict[str, bytes]:
    schema = Schema(KIND, 1, Calibration([1], [1], [[1.0]], [[0.0]]))
    plda = Plda(np.zeros(2), np.eye(2), np.ones(2), (1.0, 0.0))
    return {SCHEMA: msgspec.json.encode(schema), ENCODER: b"no graph", TABLES: pack(plda.tables()), **changed}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {ENCODER: b""},
        {ENCODER: b"x" * (MOST_BYTES + 1)},
        {SCHEMA: b"{"},
        {SCHEMA: b'{"kind":"keystroke-conv","format":2,"calibration":{}}'},
        {SCHEMA: b"[" * 100_000},
        {TABLES: b"short"},
        {TABLES: pack({})},
    ],
)
def test_a_folder_that_is_not_whole_is_refused(changed) -> None:
    with pytest.raises(FaultyInputError):
        model_of(files(**changed))


@pytest.mark.parametrize("name", [SCHEMA, ENCODER, TABLES])
def test_a_missing_file_is_refused(name: str) -> None:
    found = files()
    del found[name]
    with pytest.raises(FaultyInputError, match="missing"):
        model_of(found)


def test_another_format_is_refused() -> None:
    schema = Schema(KIND, 2, Calibration([1], [1], [[1.0]], [[0.0]]))
    with pytest.raises(FaultyInputError, match="another kind or format"):
        model_of(files(**{SCHEMA: msgspec.json.encode(schema)}))


def test_the_kind_is_registered() -> None:
    assert KIND in kinds.LOADERS
