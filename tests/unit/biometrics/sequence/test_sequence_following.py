"""A template follows its person and nobody else; sessions are judged window after window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.biometrics.sequence.evaluate import WAYS, evaluate, found_of, read_labels
from ostiary.biometrics.sequence.folder import read
from ostiary.biometrics.sequence.following import Follower, Runs, smoothed
from ostiary.biometrics.sequence.interactions import windows_of
from ostiary.biometrics.sequence.model import SequenceModel
from ostiary.biometrics.training import Row, TrainSettings, train
from ostiary.biometrics.window import Modality, Window
from ostiary.errors import FaultyInputError
from ostiary.testing.application_people import ApplicationPeople

PEOPLE = ApplicationPeople(14)


def rows_of(name: str, windows: int, draw: int = 0, subject: str = "") -> list[Row]:
    told = [window for _, window in windows_of(PEOPLE.events(name, 100 * windows, draw=draw))]
    return [Row(subject or name, f"{name}-{draw}-{place}", window, place) for place, window in enumerate(told)]


@pytest.fixture(scope="module")
def model() -> SequenceModel:
    rows = [row for name in PEOPLE.names[:10] for row in rows_of(name, 9)]
    return read(train(Modality.SEQUENCE, rows, TrainSettings(effort=0.2), lambda _what, _share: None).files)


def test_training_says_the_same_twice_and_tells_it_in_a_card() -> None:
    rows = [row for name in PEOPLE.names[:5] for row in rows_of(name, 6)]
    settings_ = TrainSettings(seed=3, effort=0.2)
    once, again = (train(Modality.SEQUENCE, rows, settings_, lambda _what, _share: None) for _ in range(2))
    assert once == again
    assert "30 windows of 5 people" in once.card
    assert "Must not be used" in once.card
    assert not any(name.encode() in data for name in PEOPLE.names for data in once.folder.values())


@pytest.mark.parametrize(("people", "windows"), [(2, 1), (2, 2), (3, 4), (10, 2)])
def test_few_people_and_windows_train_too(people: int, windows: int) -> None:
    rows = [row for name in PEOPLE.names[:people] for row in rows_of(name, windows)]
    model = read(train(Modality.SEQUENCE, rows, TrainSettings(effort=0.1), lambda _what, _share: None).files)
    embedded = model.embed([row.window for row in rows])
    assert np.isfinite(model.scores(model.enrol(embedded[:1]), embedded)).all()


def test_training_needs_two_people_with_windows() -> None:
    rows = [*rows_of("person-0", 2), Row("person-1", "s", Window(Modality.SEQUENCE, ()), 0)]
    with pytest.raises(FaultyInputError) as refused:
        train(Modality.SEQUENCE, rows, TrainSettings(), lambda _what, _share: None)
    assert refused.value.code == "training_people"


def test_a_template_learns_from_its_person_and_from_nobody_else(model: SequenceModel) -> None:
    follower = Follower(model, model.enrol(model.embed([row.window for row in rows_of("person-11", 8)])))
    own = [follower.seen(row) for row in model.embed([row.window for row in rows_of("person-11", 10, draw=1)])]
    assert sum(step.learned for step in own) >= 7
    before = follower.template
    others = [follower.seen(row) for row in model.embed([row.window for row in rows_of("person-12", 10)])]
    assert not any(step.learned for step in others)
    assert follower.template is before


def test_a_run_of_strange_windows_is_noticed_and_forgotten_again() -> None:
    runs = Runs()
    calm = runs.seen(2.0)
    assert [runs.seen(-2.0) < 0 for _ in range(3)] == [False, False, True]
    last = [runs.seen(4.0) for _ in range(3)][-1]
    assert 0 < last < calm + 4
    assert np.isfinite(smoothed(np.array([np.nan, 1.0]))).all()


def test_sessions_are_measured_in_every_way(model: SequenceModel) -> None:
    names = PEOPLE.names[10:13]
    enrolled = {name: rows_of(name, 8) for name in names}
    sessions = {
        name: rows_of(name, 5, draw=1) + rows_of("person-13", 3, subject=name) + rows_of(name, 2, draw=2)
        for name in names
    }
    others = {(row.subject, row.session): "person-13" in row.session for rows in sessions.values() for row in rows}
    found = evaluate(model, enrolled, sessions, others)
    assert [one.way for one in found] == list(WAYS)
    assert {(one.own, one.others) for one in found} == {(21, 9)}
    assert min(one.auc for one in found) > 0.95
    assert found[1].taught == 0
    with pytest.raises(FaultyInputError) as refused:
        evaluate(model, enrolled, sessions, {})
    assert refused.value.code == "labels_missing"


def test_found_is_the_share_below_the_threshold() -> None:
    found = found_of("alone", np.arange(100.0), np.array([-1.0, 0.5, 2.5, 50.0, np.nan]))
    assert found.found == (0.5, 0.75, 0.75)
    assert found.others == 4


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=5))
def test_labels_of_another_form_are_told_and_left_out(tmp_path_factory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("labels") / "labels.jsonl"
    good = b'{"subject":"a","session":7,"masquerade":1}\n'
    path.write_bytes(good + b"".join(line.replace(b"\n", b"") + b"\n" for line in lines))
    told: list[int] = []
    labels = read_labels(path, lambda rejected: told.append(rejected.line))
    assert labels["a", "7"] is True
    assert all(1 < line <= len(lines) + 1 for line in told)
