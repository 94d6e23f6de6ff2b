"""People and services judged apart, sessions judged by their own forest, and a model that continues another's scale."""

import math
import random
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ostiary.errors import FaultyInputError
from ostiary.keys import SigningKey
from ostiary.risk.calibration import log_odds, sigmoid
from ostiary.risk.groups import EVERYBODY, PEOPLE, SERVICES
from ostiary.risk.measure.reference import parse_reference
from ostiary.risk.model import RiskModel, load_scorer
from ostiary.risk.reasons import plain_words
from ostiary.risk.session_columns import NAMES as SO_FAR
from ostiary.risk.session_columns import RISING as SO_FAR_RISING
from ostiary.risk.session_forest import SessionSchema, parse_session_schema
from ostiary.risk.session_net import PlainNets, parse_nets
from ostiary.risk.source import Source
from ostiary.risk.stream import Judged, in_words, judge, session_lines, sittings
from ostiary.risk.trail import NAMES as TRAIL
from ostiary.risk.trail import RISING as TRAIL_RISING
from ostiary.risk.training.card import write_card
from ostiary.risk.training.contrast import ContrastSettings, Planter
from ostiary.risk.training.fit import FitSettings, fit, margins
from ostiary.risk.training.nets import SHARE
from ostiary.risk.training.prepare import PrepareSettings, prepare
from ostiary.risk.training.train import Trained, TrainSettings, train
from ostiary.risk.training.wings import MONOTONE, SessionFit, fit_access
from ostiary.risk.training.write import write_model
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import NAMES, SET_DIGEST, extract
from ostiary.signals.formats import format_of
from ostiary.signals.pieces import Accepted
from ostiary.testing.organisation import Organisation
from ostiary.vocabulary.events import AccessEvent

KEY = SigningKey.from_seed("default.models.1", b"m" * 32)
SOURCES = [Source("simulated", "00", 1)]
QUICK = TrainSettings(
    session_rounds=3,
    prepare=PrepareSettings(rounds=2, most_rounds=3, ghost_share=0.02, contrast=ContrastSettings(share=0.08)),
    fit=FitSettings(most_trees=40, leaves=12, column_share=0.3, bins=31),
)


def loaded(trained: Trained, place: Path) -> RiskModel:
    write_model(trained, place, KEY, created_ns=5, tenant="default")
    return load_scorer(place, [KEY.public], feature_set=SET_DIGEST, names=NAMES, words=plain_words)


@pytest.fixture(scope="module")
def history() -> list[AccessEvent]:
    """Forty people and machines; a third of the people are renamed into machines, so that both have enough."""
    events = Organisation(people=30, days=12).history()
    names = sorted({event.subject_id for event in events})
    machines = set(names[::3])
    return [
        msgspec.structs.replace(event, subject_type="service") if event.subject_id in machines else event
        for event in events
    ]


@pytest.fixture(scope="module", autouse=True)
def _few_rows_teach_networks() -> Iterator[None]:
    """Everybody's and people's sessions have networks beside their trees, those of services have not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ostiary.risk.training.nets.LEAST_ROWS", 1_000)
        yield


@pytest.fixture(scope="module")
def trained(history: list[AccessEvent]) -> Trained:
    return train(history, {}, SOURCES, QUICK)


@pytest.fixture(scope="module")
def continued(history: list[AccessEvent], model: RiskModel) -> Trained:
    """What the same history gives when ``model``'s scale is kept."""
    return train(history, {}, SOURCES, QUICK, previous=model)


@pytest.fixture(scope="module")
def model(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> RiskModel:
    return loaded(trained, tmp_path_factory.mktemp("wings") / "m")


def test_people_and_services_have_forests_of_their_own(trained: Trained, model: RiskModel) -> None:
    assert set(model.groups) == {EVERYBODY, PEOPLE, SERVICES}
    assert set(trained.card.wings) == set(model.groups)
    assert trained.files["people.model.txt"] != trained.files["service-accounts.model.txt"]
    told = {one.group: one.rates["medium"].false_positive_rate for one in trained.card.false_positives}
    assert set(told) == {PEOPLE, SERVICES}
    assert all(rate is not None and rate < 0.05 for rate in told.values())
    assert {name: wing.session_nets for name, wing in trained.card.wings.items()} == {
        EVERYBODY: 3,
        PEOPLE: 3,
        SERVICES: 0,
    }
    text = trained.files["card.md"].decode()
    assert " and 3 networks for sessions" in text
    assert "### People" in text
    assert "False alarms on own accesses, by group" in text


def test_an_impostor_of_a_person_is_a_person(history: list[AccessEvent]) -> None:
    kinds = {event.event_id: event.subject_type for event in history}
    planted = Planter(history, ContrastSettings(share=0.2)).plant(3)
    pairs = {(kinds[event.event_id], event.subject_type) for event in planted.events}
    assert ("service", "user") not in pairs
    assert ("user", "service") in pairs


def test_a_group_without_its_own_forest_is_judged_by_everybodys(model: RiskModel) -> None:
    event = AccessEvent("e", "default", 0, "nightly", "read", "db", "orders", subject_type="cronjob")
    row = [0.5] * len(NAMES)
    assert model.wing(event) is model._everybody
    assert model.score(event, row).score == model.access(EVERYBODY).score(event, row).score


def judged(model: RiskModel, events: list[AccessEvent]) -> list[Judged]:
    return list(judge(events, model, ProfileBook("default"), model.sessions()))


def one_by_one(model: RiskModel, events: Iterable[AccessEvent]) -> list[Judged]:
    """Judge as a live decision does: every feature, each access alone, told before anything is learned."""
    book, sessions, found = ProfileBook("default"), model.sessions(), []
    for event in events:
        history = book.view(event)
        row = extract(event, history)
        risk = model.score(event, row)
        whole = sessions.observe(event, history, row, risk)
        found.append(Judged(event, in_words(risk, event, history), in_words(whole, event, history)))
        book.learn(event)
    return found


def test_a_stream_judged_in_batches_by_a_plan_is_the_live_one_to_the_bit(
    model: RiskModel, history: list[AccessEvent]
) -> None:
    planted = Planter(history, ContrastSettings(share=0.05)).plant(79).events[:1_287]
    assert {model.wing(event) for event in planted} >= {model._wings[PEOPLE], model._wings[SERVICES]}
    assert 20 < len(model.wanted) < len(NAMES), "otherwise the plan is the whole catalogue"
    alone = one_by_one(model, planted)
    assert judged(model, planted) == alone
    assert list(judge(planted, model, ProfileBook("default"))) == [Judged(one.event, one.risk) for one in alone]
    assert any(one.risk.contributions for one in alone)
    assert any(one.session.contributions for one in alone if one.session)


def test_devaccess_judged_in_batches_by_a_plan_is_judged_as_live(model: RiskModel, shared: Path) -> None:
    found = format_of("devaccess").read(shared / "data/risk/devaccess/events.csv.gz", "default", lambda _: None)
    events = [one.event for one in islice(found, 777) if isinstance(one, Accepted)]
    assert judged(model, events) == one_by_one(model, events)


def test_what_a_model_does_not_want_does_not_move_its_score_or_reasons(model: RiskModel) -> None:
    event = AccessEvent("e", "default", 0, "ann", "read", "db", "orders")
    dice, wanted = random.Random(5), model.wanted  # noqa: S311 - a seeded test
    row = [dice.uniform(-2.0, 6.0) for _ in NAMES]
    other = [value if name in wanted else math.nan for name, value in zip(NAMES, row, strict=True)]
    assert model.score(event, other) == model.score(event, row)
    assert model.score_all([event], [other]) == [model.score(event, row)]


def test_session_risk_is_causal_repeatable_and_finds_planted_guests(
    model: RiskModel, history: list[AccessEvent]
) -> None:
    planted = Planter(history, ContrastSettings(share=0.05)).plant(77)
    whole = judged(model, planted.events)
    assert judged(model, planted.events[:900]) == whole[:900]
    guest = np.array([kind > 0 for kind in planted.kind])
    scores = np.array([one.session.score if one.session else np.nan for one in whole])
    assert np.isfinite(scores).all()
    assert np.median(scores[guest]) > 5 * np.median(scores[~guest])


def test_a_session_line_is_the_worst_moment_of_its_session_with_reasons(
    model: RiskModel, history: list[AccessEvent]
) -> None:
    planted = Planter(history, ContrastSettings(share=0.05)).plant(78)
    lines = list(session_lines(sittings(iter(judged(model, planted.events)))))
    assert {line.level for line in lines} >= {"low", "high"}
    for line in lines:
        assert bool(line.reasons) <= (line.level != "low")
    told = {reason for line in lines for reason in line.reasons}
    assert any("these days" in reason or "days before" in reason or "in this session" in reason for reason in told)


def test_a_session_forest_never_falls_where_it_promised_to_rise(model: RiskModel) -> None:
    luck = np.random.default_rng(3)
    for wing in model._wings.values():
        forest = wing.session
        own = tuple(MONOTONE[place] for place in forest._columns)
        rising = (*TRAIL_RISING, *SO_FAR_RISING, *own)
        for _ in range(20):
            row = luck.normal(1.0, 3.0, len(rising))
            row[1:][luck.random(len(row) - 1) < 0.2] = np.nan  # the access's own risk is always told
            place = int(luck.choice(np.flatnonzero(np.array(rising))))
            row[place] = luck.normal(0.0, 2.0)
            scores = []
            for more in (0.0, 0.5, 2.0, 20.0):
                moved = row.copy()
                moved[place] += more * rising[place]
                scores.append(forest.score(moved.tolist()))
            assert scores == sorted(scores), place


def test_the_reference_holds_every_feature_and_group(trained: Trained) -> None:
    told = parse_reference(trained.files["reference.json"])
    assert set(told.columns) == set(NAMES)
    assert set(told.groups) == {PEOPLE, SERVICES}


def test_a_model_trained_in_anothers_place_keeps_alert_rates(model: RiskModel, history: list[AccessEvent]) -> None:
    """Over the own accesses that measured it; just above a score that many accesses share, since ties move together."""
    old_scorer = model.access(EVERYBODY)

    def before(rows: np.ndarray) -> np.ndarray:
        return np.array([sigmoid(old_scorer.scaling.logit(old_scorer.engine.margin(row))) for row in rows.tolist()])

    examples = prepare(history, {}, QUICK.prepare, 7, lambda _what, _share: None)
    later = examples.time_ns >= history[3 * len(history) // 4].time_ns
    access = fit_access(examples, later, QUICK.fit, 8, 0.02, 0.8, before)
    own = examples.label[later] == 0
    old, new = before(examples.rows[later][own]), access.scores[own]
    for share in (0.5, 0.9, 0.97, 0.99):
        threshold = sigmoid(log_odds(float(np.quantile(old, share))) + 0.05)
        assert abs((new >= threshold).mean() - (old >= threshold).mean()) < 0.03


def test_the_card_names_the_model_that_is_continued(model: RiskModel, continued: Trained) -> None:
    card = continued.card
    assert card.continues == model.digest
    assert model.digest in write_card(card).decode()


def test_sessions_do_not_depend_on_whose_scale_is_continued(
    model: RiskModel, continued: Trained, history: list[AccessEvent], tmp_path: Path
) -> None:
    other = loaded(continued, tmp_path / "other")
    pairs = zip(judged(model, history[:1500]), judged(other, history[:1500]), strict=True)
    for a, b in pairs:
        assert a.session is not None
        assert b.session is not None
        assert a.session.score == pytest.approx(b.session.score, rel=1e-6)


def test_the_session_forest_corrects_the_risk_of_the_access(trained: Trained, model: RiskModel) -> None:
    """Its trees start from a share of that risk, and serving adds the same share: to the bit what training saw.

    So do the networks, whose margin is averaged with that of the trees.
    """
    schema = parse_session_schema(trained.files["session.json"])
    assert schema.trail[0] == "trail_llr"
    assert schema.lean == SessionFit().lean > 0
    rows = np.random.default_rng(4).normal(1.0, 3.0, (40, len(schema.names)))
    added = margins(trained.files["session.txt"].decode(), rows).tolist()
    table, told = model.scaling.session_table, rows.tolist()
    nets = parse_nets(trained.files["session_net.json"], dict(zip(schema.names, schema.directions, strict=True)))
    beside = PlainNets(nets, schema.names).margins(told)
    assert schema.net == SHARE > 0
    trees = [more + schema.lean * row[0] for more, row in zip(added, told, strict=True)]
    margin = [(1 - SHARE) * one + SHARE * net for one, net in zip(trees, beside, strict=True)]
    expected = [table.probability(each) for each in margin]
    forest = model.session_forest(AccessEvent("e", "default", 0, "nightly", "read", "db", "t", subject_type="cronjob"))
    assert forest.scores(told) == [forest.score(row) for row in told] == expected


def test_the_trees_learn_what_is_to_be_added_to_an_offset() -> None:
    luck = np.random.default_rng(5)
    rows = luck.normal(size=(4_000, 2))
    label = (luck.random(4_000) < 1 / (1 + np.exp(-2 * rows[:, 0]))).astype(np.int64)
    settings, names = FitSettings(most_trees=40, column_share=1.0), ("known", "noise")
    alone = fit(rows, label, names=names, monotone=(0, 0), settings=settings, seed=1)
    after = fit(rows, label, names=names, monotone=(0, 0), settings=settings, seed=1, offset=2 * rows[:, 0])
    assert np.abs(margins(after.text, rows)).mean() < 0.3 * np.abs(margins(alone.text, rows)).mean()


def test_drawn_cuts_are_the_same_for_the_same_seed_and_keep_their_directions() -> None:
    luck = np.random.default_rng(6)
    rows = luck.normal(size=(3_000, 2))
    label = (luck.random(3_000) < 1 / (1 + np.exp(-2 * rows[:, 0]))).astype(np.int64)
    searched = FitSettings(most_trees=30, column_share=1.0)
    drawn = msgspec.structs.replace(searched, random_cuts=True)
    texts = [
        fit(rows, label, names=("up", "free"), monotone=(1, 0), settings=one, seed=seed).text
        for one, seed in ((drawn, 1), (drawn, 1), (drawn, 2), (searched, 1))
    ]
    assert texts[0] == texts[1]
    assert len({text.split("Tree=0")[1].split("end of trees")[0] for text in texts}) == 3
    along = np.column_stack([np.linspace(-3.0, 3.0, 200), np.full(200, 0.3)])
    told = margins(texts[0], along)
    assert (np.diff(told) >= 0).all()
    assert told[-1] > told[0] + 1


def test_a_model_from_before_there_was_a_lean_judges_by_its_trees_alone() -> None:
    old = msgspec.json.encode({"trail": TRAIL, "features": [], "so_far": SO_FAR})
    assert parse_session_schema(old).lean == 0.0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"trail":[],"features":[]}',
        msgspec.json.encode(SessionSchema(TRAIL, ("x",) * 2_000)),
        msgspec.json.encode(SessionSchema(TRAIL, (), lean=-0.1)),
        msgspec.json.encode(SessionSchema(TRAIL, (), lean=1.5)),
        msgspec.json.encode(SessionSchema(TRAIL, ())).replace(b'"lean":0.0', b'"lean":NaN'),
    ],
)
def test_a_session_schema_of_another_make_is_refused(data: bytes) -> None:
    with pytest.raises(FaultyInputError) as caught:
        parse_session_schema(data)
    assert caught.value.code == "model_malformed"
