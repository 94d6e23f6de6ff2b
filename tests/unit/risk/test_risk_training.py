"""Training end to end on a small simulated organisation: the card, the files, the same bits again, and what it sees."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.keys import SigningKey
from ostiary.risk.model import RiskModel, load_scorer
from ostiary.risk.native import NativeTrees
from ostiary.risk.reasons import plain_words
from ostiary.risk.source import Source
from ostiary.risk.stream import event_lines, judge, session_lines, sittings
from ostiary.risk.training.contrast import ContrastSettings
from ostiary.risk.training.fit import FitSettings, margins
from ostiary.risk.training.prepare import PrepareSettings
from ostiary.risk.training.train import Trained, TrainSettings, train
from ostiary.risk.training.write import write_model
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import FEATURES, NAMES, SET_DIGEST, extract
from ostiary.signals.replay import replay
from ostiary.testing.organisation import Organisation
from ostiary.vocabulary.events import AccessEvent

KEY = SigningKey.from_seed("default.models.1", b"m" * 32)
SOURCES = [Source("simulated", "00", 1)]
QUICK = TrainSettings(
    prepare=PrepareSettings(rounds=2, most_rounds=2, ghost_share=0.02, contrast=ContrastSettings(share=0.06)),
    fit=FitSettings(most_trees=30, column_share=0.3, bins=31),
)


@pytest.fixture(scope="module")
def history() -> list[AccessEvent]:
    return Organisation(people=16, days=12).history()


@pytest.fixture(scope="module")
def trained(history: list[AccessEvent]) -> Trained:
    return train(history, {}, SOURCES, QUICK)


@pytest.fixture(scope="module")
def folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models") / "default"
    write_model(trained, place, KEY, created_ns=5, tenant="default")
    return place


@pytest.fixture(scope="module")
def scorer(folder: Path) -> RiskModel:
    return load(folder)


def load(folder: Path, feature_set: str = SET_DIGEST) -> RiskModel:
    return load_scorer(folder, [KEY.public], feature_set=feature_set, names=NAMES, words=plain_words)


def test_the_card_says_what_was_done(trained: Trained) -> None:
    card = trained.card
    assert card.events_figures.positives > 50
    assert card.events_figures.roc_auc is not None
    assert card.events_figures.roc_auc > 0.8
    assert card.sources == tuple(SOURCES)
    assert card.manifest.startswith("sha256:")
    assert abs(sum(card.gain_by_family.values()) - 1) < 1e-3
    assert sum(card.monotone.values()) == len(FEATURES)
    assert "without any label" in card.protocol
    text = trained.files["card.md"].decode()
    assert "injected into real behaviour" in text
    assert json.loads(trained.files["card.json"])["seed"] == 7


def test_the_same_history_and_seed_give_the_same_bytes(history: list[AccessEvent], trained: Trained) -> None:
    assert train(history, {}, SOURCES, QUICK).files == trained.files


def test_another_seed_gives_another_model(history: list[AccessEvent], trained: Trained) -> None:
    other = train(history, {}, SOURCES, msgspec.structs.replace(QUICK, seed=8))
    assert other.files["model.txt"] != trained.files["model.txt"]
    assert other.card.manifest != trained.card.manifest


def test_the_model_loads_and_serves_from_the_library(scorer: RiskModel) -> None:
    assert isinstance(scorer.engine, NativeTrees)
    assert scorer.digest.startswith("sha256:")
    assert [column.monotone for column in scorer.schema.columns] == [spec.monotone for spec in FEATURES]


def test_batch_and_single_row_margins_are_the_same(
    trained: Trained, scorer: RiskModel, history: list[AccessEvent]
) -> None:

    rows = [row for _, row in replay(history[:300], ProfileBook("default"))]
    batch = margins(trained.files["model.txt"].decode(), np.array(rows))
    assert batch.tolist() == [scorer.engine.margin(row) for row in rows]


def test_raising_a_monotone_feature_never_lowers_a_real_score(scorer: RiskModel, history: list[AccessEvent]) -> None:
    for event, row in list(replay(history[-250:], ProfileBook("default")))[::10]:
        before = scorer.score(event, row).score
        for place, spec in enumerate(FEATURES):
            if spec.monotone and row[place] == row[place]:
                riskier = list(row)
                riskier[place] += 5.0 * spec.monotone
                after = scorer.score(event, riskier).score
                assert before is not None
                assert after is not None
                assert after >= before, spec.name


def test_the_night_visit_to_production_stands_out(scorer: RiskModel, history: list[AccessEvent]) -> None:
    """The article's own story: unusual hour, unusual place, a database never touched before."""
    book = ProfileBook("default")
    usual = [one.risk.score or 0.0 for one in judge(history, scorer, book)]
    odd = Organisation(people=16, days=12).story("2am-dba").events[-1]
    row = extract(odd, book.view(odd))
    risk = scorer.score(odd, row)
    assert risk.score is not None
    assert risk.score > sorted(usual)[int(0.99 * len(usual))]
    assert risk.level in {"medium", "high"}
    assert 1 <= len(risk.contributions) <= 3


def test_depth_of_history_lowers_uncertainty(scorer: RiskModel, history: list[AccessEvent]) -> None:
    stream = [one.risk.uncertainty for one in judge(history, scorer, ProfileBook("default"))]
    assert stream[0] == 1.0
    assert sum(stream[-200:]) / 200 < 0.5


def test_lines_are_causal_complete_and_in_order(scorer: RiskModel, history: list[AccessEvent]) -> None:
    whole = list(event_lines(judge(history[:600], scorer, ProfileBook("default"))))
    part = list(event_lines(judge(history[:300], scorer, ProfileBook("default"))))
    assert whole[:300] == part
    assert [line.event_id for line in whole] == [event.event_id for event in history[:600]]
    sessions = list(session_lines(sittings(judge(history[:600], scorer, ProfileBook("default")))))
    best = max(line.score for line in whole if line.score is not None)
    assert max(line.score for line in sessions if line.score is not None) == best


def test_verdicts_join_in(history: list[AccessEvent]) -> None:
    told = {event.event_id: int(place % 29 == 0) for place, event in enumerate(history)}
    card = train(history, told, SOURCES, QUICK).card
    assert card.labels == {"impostor": sum(told.values()), "own": len(told) - sum(told.values())}
    assert "labelled" in card.events_figures.auc_by_kind
    assert "joined by verdicts" in card.protocol


def test_too_little_history_is_refused(history: list[AccessEvent]) -> None:
    for few in ([], history[:100], [event for event in history if event.subject_id == history[0].subject_id] * 30):
        with pytest.raises(FaultyInputError) as caught:
            train(few, {}, SOURCES, QUICK)
        assert caught.value.code == "history_too_small"


def test_a_folder_with_other_things_is_left_alone(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "thesis.md").write_text("mine")
    with pytest.raises(RefusedError) as caught:
        write_model(trained, tmp_path, KEY, created_ns=1)
    assert caught.value.code == "folder_in_use"
    assert (tmp_path / "thesis.md").read_text() == "mine"


def test_a_newer_model_replaces_the_older(trained: Trained, tmp_path: Path) -> None:
    place = tmp_path / "m"
    first = write_model(trained, place, KEY, created_ns=1)
    second = write_model(trained, place, KEY, created_ns=2)
    assert first != second
    assert load(place).digest == second
    assert [each.name for each in tmp_path.iterdir()] == ["m"]


def test_a_model_of_another_catalogue_is_refused(folder: Path) -> None:
    with pytest.raises(VerificationError) as caught:
        load(folder, "sha256:" + "0" * 64)
    assert caught.value.code == "model_feature_set"


MODEL_FILES = [
    "model.txt",
    "session.txt",
    "session.json",
    "schema.json",
    "calibration.json",
    "card.json",
    "reference.json",
]


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_changed_file_of_the_model_is_refused(trained: Trained, tmp_path: Path, name: str) -> None:
    place = tmp_path / "m"
    write_model(trained, place, KEY, created_ns=1)
    (place / name).write_bytes((place / name).read_bytes() + b" ")
    with pytest.raises(VerificationError) as caught:
        load(place)
    assert caught.value.code == "artifact_modified"
