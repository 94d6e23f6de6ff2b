"""Forests of disjoint groups of sources: one source reaches one forest, and the certificate counts them."""

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.keys import SigningKey
from ostiary.risk.calibration import Calibration
from ostiary.risk.golden import freeze, judge, thaw
from ostiary.risk.model import RiskModel, load_scorer
from ostiary.risk.reasons import plain_words
from ostiary.risk.source import Source
from ostiary.risk.training.audit import audit
from ostiary.risk.training.contrast import OWN, ContrastSettings, Planter
from ostiary.risk.training.fit import FitSettings
from ostiary.risk.training.prepare import Examples, PrepareSettings
from ostiary.risk.training.sources import Caps, Cut, weights
from ostiary.risk.training.train import Trained, TrainSettings, manifest_digest, train
from ostiary.risk.training.votes import fit_votes, others_vote, ranked, standing_out
from ostiary.risk.training.write import write_model
from ostiary.risk.voting import Ballot, VotingTrees, parse_ballot, survives, vote_of
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import NAMES, SET_DIGEST, extract
from ostiary.testing.organisation import Organisation
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

KEY = SigningKey.from_seed("default.models.1", b"m" * 32)
CUT = Cut(sources=60, groups=3)
QUICK = TrainSettings(
    session_rounds=1,
    cut=CUT,
    caps=Caps(),
    prepare=PrepareSettings(rounds=1, most_rounds=1, ghost_share=0.02, contrast=ContrastSettings(share=0.1)),
    fit=FitSettings(most_trees=25, leaves=8, column_share=0.2, bins=15),
)


@pytest.fixture(scope="module")
def history() -> list[AccessEvent]:
    return list(Organisation(people=24, days=9).history())


@pytest.fixture(scope="module")
def trained(history: list[AccessEvent]) -> Trained:
    return train(history, {}, [Source("simulated", "00", 1)], QUICK)


@pytest.fixture(scope="module")
def model(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> RiskModel:
    place = tmp_path_factory.mktemp("partitions") / "m"
    write_model(trained, place, KEY, created_ns=5, tenant="default")
    return load_scorer(place, [KEY.public], feature_set=SET_DIGEST, names=NAMES, words=plain_words)


def test_the_model_serves_the_higher_of_vote_and_whole_forest(model: RiskModel, history: list[AccessEvent]) -> None:
    engine = model.engine
    assert isinstance(engine, VotingTrees)
    assert engine.ballot.forests == 3
    book = ProfileBook("default")
    rows = []
    for event in history[:300]:
        rows.append(extract(event, book.view(event)))
        book.learn(event)
    assert engine.margins(rows) == [engine.margin(row) for row in rows]
    found = [model.certificate(event, row) for event, row in zip(history, rows, strict=False)]
    flagged = [model.score(event, row).level != "low" for event, row in zip(history, rows, strict=False)]
    assert [one.flagged for one in found if one] == flagged
    assert all(-1 <= one.survives <= 2 for one in found if one)


def test_card_and_manifest_say_how_sources_were_kept_apart(trained: Trained) -> None:
    assert (trained.card.partitions, trained.card.sources_by) == (3, "account")
    assert b"3 forests of disjoint groups of sources" in trained.files["card.md"]
    other = msgspec.structs.replace(QUICK, cut=Cut(sources=60, groups=4))
    assert manifest_digest([], QUICK) != manifest_digest([], other)


def test_the_manifest_covers_producers_and_batches() -> None:
    plain = Source("imported history", "00", 1)
    swapped = msgspec.structs.replace(plain, batches="sha256:" + "1" * 64)
    assert manifest_digest([plain], QUICK) != manifest_digest([swapped], QUICK)


def made(spoilt: int = -1) -> Examples:
    """Return examples of thirty sources that one column tells apart; ``spoilt`` labels its impostors honest."""
    luck = np.random.default_rng(3)
    count = 3_000
    source = luck.integers(0, 30, count)
    label = (luck.random(count) < 0.2).astype(np.int64)
    rows = np.full((count, len(NAMES)), np.nan, dtype=np.float32)
    rows[:, 0] = luck.normal(size=count)
    rows[:, 1] = luck.normal(size=count) + 3 * label
    label[source == spoilt] = 0
    zeros = np.zeros(count, dtype=np.int64)
    vouched = np.zeros(count, dtype=np.bool_)
    return Examples(rows, label, label, np.arange(count), luck.integers(0, 300, count), zeros, zeros, vouched, source)


def test_what_one_source_did_changes_no_other_groups_forest() -> None:
    cut, fit = Cut(sources=30, groups=5), QUICK.fit
    clean, bad = made(), made(spoilt=7)
    later = clean.time_ns >= 2_000
    before, after = fit_votes(clean, later, cut, fit, 1), fit_votes(bad, later, cut, fit, 1)
    changed = [one for one in range(5) if before.finals[one].text != after.finals[one].text]
    assert changed == [7 % 5]
    assert [one.source for one in after.odd] == [7]
    assert before.odd == ()
    assert after.suspect[(bad.source == 7) & (bad.label == 0)].all()
    assert not after.trusted[bad.source[later] == 7].any()


def test_the_audit_names_the_source_that_is_odd() -> None:
    bad = made(spoilt=7)
    found = audit(bad, bad.time_ns >= 2_000, Cut(sources=30, groups=5), QUICK.fit, 1, None)
    assert sorted(one.group for one in found.groups) == [0, 1, 2, 3, 4]
    assert (found.groups[0].group, found.groups[0].odd, found.groups[0].suspicious) == (2, (7,), True)
    assert sorted(source for one in found.groups for source in one.sources) == list(range(30))
    assert found.yardstick == "later impostors"
    assert 0.3 < found.caught <= 1


def test_impostors_are_of_the_victims_own_group(history: list[AccessEvent]) -> None:
    parts = (CUT.of_events(history) % CUT.groups).tolist()
    planted = Planter(history, ContrastSettings(share=0.2), (), parts).plant(3)
    assert any(kind != OWN for kind in planted.kind)
    for event, kind, part in zip(planted.events, planted.kind, parts, strict=True):
        if kind != OWN:
            assert int(CUT.of_events([event])[0]) % CUT.groups == part


@given(st.lists(st.floats(-5, 5), min_size=7, max_size=7), st.integers(1, 7), st.integers(0, 6), st.data())
def test_no_so_many_sources_change_a_certified_decision(
    margins: list[float], needed: int, limit: int, data: st.DataObject
) -> None:
    ballot, threshold = Ballot(forests=7, needed=needed), float(limit - 3)
    left = survives(margins, threshold, ballot)
    assert left >= 0
    changed = list(margins)
    for place in data.draw(st.lists(st.integers(0, 6), max_size=left, unique=True)):
        changed[place] = data.draw(st.floats(-1e9, 1e9))
    assert (vote_of(changed, ballot) >= threshold) == (vote_of(margins, ballot) >= threshold)


@given(st.lists(st.floats(-5, 5), min_size=5, max_size=5), st.integers(1, 5))
def test_one_more_source_than_certified_can_change_it(margins: list[float], needed: int) -> None:
    ballot = Ballot(forests=5, needed=needed)
    left, flagged = survives(margins, 0.0, ballot), vote_of(margins, ballot) >= 0
    movable = [place for place, one in enumerate(margins) if (one >= 0) == flagged][: left + 1]
    if len(movable) == left + 1:
        changed = [(-9.0 if flagged else 9.0) if place in movable else one for place, one in enumerate(margins)]
        assert (vote_of(changed, ballot) >= 0) != flagged


def test_the_vote_of_the_others_leaves_ones_own_forest_out() -> None:
    told = np.array([[9.0, 9.0], [1.0, 2.0], [3.0, 4.0]])
    assert ranked(told, 2).tolist() == [3.0, 4.0]
    assert others_vote(told, np.array([0, 2]), 2).tolist() == [1.0, 2.0]


def test_a_source_that_the_others_find_odd_stands_out() -> None:
    luck = np.random.default_rng(1)
    source = np.repeat(np.arange(20), 300)
    vote = luck.normal(size=len(source))
    vote[(source == 7) & (luck.random(len(source)) < 0.4)] += 9
    odd, limit = standing_out(vote, source, np.ones(len(source), dtype=np.bool_))
    assert [one.source for one in odd] == [7]
    assert 2 < limit < 3
    assert standing_out(vote[:10], source[:10], np.ones(10, dtype=np.bool_)) == ((), math.inf)


def test_nobody_weighs_more_than_his_cap() -> None:
    label = np.array([0] * 1_000 + [1] * 100)
    source = np.array([0] * 900 + [1 + place % 9 for place in range(100)] + [place % 10 for place in range(100)])
    subject = np.arange(1_100)
    found = weights(label, source, subject, Caps(source=2.0, subject=20.0))
    own = found[label == 0]
    assert own[source[label == 0] == 0].sum() < 0.7 * own.sum()  # it had nine tenths
    assert np.isclose(own.mean(), 1.0)
    assert np.isclose(found[label == 1], 1.0).all()


def test_a_ballot_that_cannot_be_is_refused() -> None:
    scale = Calibration([0.0], [0.0])
    for bad in (
        Ballot(forests=3, needed=4),
        Ballot(forests=3, needed=0),
        Ballot(forests=999, needed=2),
        Ballot(forests=3, needed=2, whole=True),
        Ballot(forests=3, needed=2, scale=scale),
    ):
        with pytest.raises(FaultyInputError) as fault:
            parse_ballot(msgspec.json.encode(bad))
        assert fault.value.code == "model_malformed"
    with pytest.raises(FaultyInputError):
        parse_ballot(b"{" * 9_000)


@pytest.mark.parametrize("groups", [1, 61, -2])
def test_groups_that_cannot_be_made_are_refused(history: list[AccessEvent], groups: int) -> None:
    settings = msgspec.structs.replace(QUICK, cut=Cut(sources=60, groups=groups))
    with pytest.raises(FaultyInputError) as fault:
        train(history, {}, [], settings)
    assert fault.value.code == "option_invalid"


def test_a_group_without_rows_of_its_own_is_refused(history: list[AccessEvent]) -> None:
    few = [event for event in history if event.subject_id in {history[0].subject_id, history[1].subject_id}]
    settings = msgspec.structs.replace(QUICK, cut=Cut(sources=60, groups=60))
    with pytest.raises(FaultyInputError) as fault:
        train(history[:500] + few, {}, [], settings)
    assert fault.value.code == "history_too_small"


class Deaf:
    """A model that flags nothing."""

    digest = "sha256:00"

    def __init__(self, model: RiskModel) -> None:
        self._model = model

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        return msgspec.structs.replace(self._model.score(event, features), level="low")


def test_golden_attacks_are_what_a_new_model_must_still_catch(
    model: RiskModel, history: list[AccessEvent], tmp_path: Path
) -> None:
    planted = Planter(history[:1500], ContrastSettings(share=0.2)).plant(11)
    attacks = {
        event.event_id: (f"a{run}", "stranger")
        for event, kind, run in zip(planted.events, planted.kind, planted.run, strict=True)
        if kind != OWN
    }
    frozen = freeze(planted.events, attacks, model)
    assert any(attack.canary for attack in frozen.golden.attacks)
    again = thaw(frozen.files())
    assert again == frozen
    assert judge(again, model).passed
    failed = judge(again, Deaf(model))
    assert not failed.passed
    assert failed.missed_canaries
    assert (failed.share, failed.unknown_columns) == (0.0, 0)
    for files in ({}, {**frozen.files(), "rows.json": b'"MTIzNA=="'}, {**frozen.files(), "golden.json": b"{"}):
        with pytest.raises(FaultyInputError):
            thaw(files)
    with pytest.raises((FaultyInputError, RefusedError)):
        freeze(history[:50], {}, model)
    assert not list(tmp_path.iterdir())
