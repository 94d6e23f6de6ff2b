"""Grants: the planted oddity comes first, a grant never speaks for itself, and a review says what to do."""

import msgspec
import numpy as np
import pytest

from ostiary.errors import FaultyInputError
from ostiary.risk.entitlements.coding import Vocabulary
from ostiary.risk.entitlements.grant_fit import GrantSettings, fit_grants, matrix_of
from ostiary.risk.entitlements.grant_model import GrantModel
from ostiary.risk.entitlements.grant_words import Standing, recommend, sentences
from ostiary.risk.entitlements.pair_rows import NAMES, nearest, pair_rows
from ostiary.risk.entitlements.review import review, share_used, summary, uses_in
from ostiary.risk.entitlements.sampling import strangers
from ostiary.risk.entitlements.shape import GrantSchema
from ostiary.risk.entitlements.table import Table
from ostiary.risk.entitlements.training import train_grants
from ostiary.risk.schema import Thresholds
from ostiary.testing.entitlements import ODD, made_grants
from ostiary.vocabulary.events import AccessEvent

NOBODY = Standing(
    permission="p",
    known_user=False,
    known_permission=True,
    holders=3,
    users=100,
    peers=0,
    peers_with=0,
    others=0,
    together=0,
)


def quiet(_what: str, _share: float) -> None:
    """Tell nothing."""


@pytest.fixture(scope="module")
def model() -> GrantModel:
    table = made_grants()
    words = Vocabulary.of(table.columns)
    pairs = np.unique(words.codes(table.columns) - 1, axis=0)
    fitted = fit_grants(pairs, (words.sizes[0] - 1, words.sizes[1] - 1), GrantSettings())
    scores = 1 - fitted.held
    levels = Thresholds(medium=float(np.quantile(scores, 0.95)), high=float(np.quantile(scores, 0.99)))
    schema = GrantSchema(words.values["user"], words.values["permission"], "user", "permission", levels)
    return GrantModel(schema, pairs, scores, fitted.forest)


def event(user: str, resource: str, action: str = "read") -> AccessEvent:
    return AccessEvent("e", "t", 1, user, action, "tool", resource)


def test_the_planted_oddity_is_the_first_to_look_at(model: GrantModel) -> None:
    first = next(review(model, None))
    assert (first.user, first.permission) == ODD
    assert (first.recommendation, first.level, first.used) == ("review", "high", None)
    assert first.peers_with == 0
    assert "none of the 11 users with the most similar access hold it" in first.reasons
    assert ODD[0] not in first.who_else
    assert len(first.who_else) == 5


def test_unused_and_unusual_is_to_revoke_and_either_alone_to_review(model: GrantModel) -> None:
    users, items = model.schema.users, model.schema.permissions
    events = [event(users[user], items[item]) for user, item in model.pairs if (users[user], items[item]) != ODD]
    quietly = events[0].subject_id, events[0].resource_id
    used = uses_in(model, events[1:])
    found = {(one.user, one.permission): one for one in review(model, used)}
    assert found[ODD].recommendation == "revoke"
    assert found[ODD].used is False
    assert found[quietly].recommendation == "review"
    assert "not used in the period" in found[quietly].why
    counts = summary(model, used)
    assert counts["revoke"] == 1
    assert counts["revoke"] + counts["review"] + counts["keep"] == counts["grants"] == len(found)
    assert share_used(model, used) == pytest.approx((len(found) - 2) / len(found))


def test_an_event_names_a_grant_in_four_ways(model: GrantModel) -> None:
    user, item = model.pairs[0]
    who, what = model.schema.users[user], model.schema.permissions[item]
    assert uses_in(model, [event(who, what)]) >= {(int(user), int(item))}
    assert (int(user), int(item)) in uses_in(model, [event(who, "elsewhere", what)])
    assert (int(user), int(item)) not in uses_in(model, [event(who, "elsewhere")])


def test_a_review_can_be_of_one_user_or_one_permission(model: GrantModel) -> None:
    assert {one.user for one in review(model, None, user="u3")} == {"u3"}
    assert {one.permission for one in review(model, None, permission=ODD[1])} == {ODD[1]}
    assert list(review(model, None, user="nobody")) == []


def test_who_is_new_and_what_is_new_are_scored(model: GrantModel) -> None:
    table = Table({"user": ["u3", "new", "u3", "new"], "permission": [*["t3-tool1"] * 2, *["newer"] * 2]}, 4)
    lines = list(model.score(table))
    assert [line.id for line in lines] == ["1", "2", "3", "4"]
    assert all(0 <= line.score <= 1 for line in lines)
    assert lines[0].score < lines[2].score
    assert model.standing(len(model.schema.users), 0).known_user is False


def test_a_grant_that_is_asked_about_has_the_number_of_the_review(model: GrantModel) -> None:
    table = Table({"user": [ODD[0]], "permission": [ODD[1]]}, 1)
    (line,) = model.score(table)
    assert line.score == next(review(model, None)).score


def test_a_users_only_grant_is_not_called_unusual() -> None:
    table = made_grants()
    more = Table(
        {"user": [*table.columns["user"], "solo"], "permission": [*table.columns["permission"], "t0-tool1"]}, 0
    )
    words = Vocabulary.of(more.columns)
    pairs = np.unique(words.codes(more.columns) - 1, axis=0)
    schema = GrantSchema(words.values["user"], words.values["permission"], "user", "permission", Thresholds(0.0, 0.0))
    fitted = fit_grants(pairs, (words.sizes[0] - 1, words.sizes[1] - 1), GrantSettings(folds=3))
    (one,) = review(GrantModel(schema, pairs, np.ones(len(pairs)), fitted.forest), None, user="solo")
    assert (one.level, one.recommendation) == ("low", "keep")
    assert "only grant" in one.why


def test_a_held_out_pair_is_told_from_what_is_left() -> None:
    """The last user lost one tool that all like them hold: every way of telling but bare counts says it belongs."""
    grants = np.kron(np.eye(2), np.ones((6, 5)))
    grants[11, 9] = 0
    table = matrix_of(np.argwhere(grants), grants.shape)
    rows = pair_rows(table, np.array([11, 11]), np.array([9, 0]))
    told = {name: (rows[0, at], rows[1, at]) for at, name in enumerate(NAMES)}
    assert np.isfinite(rows).all()
    assert all(mine > other for name, (mine, other) in told.items() if name not in {"popularity", "grants"})
    who, cosine = nearest(table, np.array([11]), 3)
    assert set(who[0]) <= set(range(6, 11))
    assert (cosine[0] > 0.8).all()


def test_random_pairs_are_no_grants_and_none_is_left_when_all_is_given() -> None:
    luck = np.random.default_rng(1)
    pairs = np.argwhere(luck.random((3000, 1500)) < 0.001)
    drawn = strangers(pairs, (3000, 1500), 500, luck)
    assert len({tuple(pair) for pair in drawn.tolist()}) == 500
    assert not {tuple(pair) for pair in drawn.tolist()} & {tuple(pair) for pair in pairs.tolist()}
    with pytest.raises(FaultyInputError) as fault:
        strangers(np.argwhere(np.ones((3, 3))), (3, 3), 2, luck)
    assert fault.value.code == "grants_all_given"


def test_training_repeats_bit_for_bit_and_needs_something_to_learn_from() -> None:
    one, two = (train_grants(made_grants(), ("user", "permission"), GrantSettings(), quiet) for _ in range(2))
    assert one.files == two.files
    assert one.card.figures["roc_auc"] > 0.9
    assert one.card.single.keys() == set(NAMES)
    few = Table({"user": ["a"], "permission": ["b"]}, 1)
    with pytest.raises(FaultyInputError) as fault:
        train_grants(few, ("user", "permission"), GrantSettings(), quiet)
    assert fault.value.code == "grants_too_few"


@pytest.mark.parametrize(
    ("level", "used", "advice"),
    [
        ("low", None, "keep"),
        ("low", True, "keep"),
        ("low", False, "review"),
        ("high", None, "review"),
        ("high", True, "review"),
        ("high", False, "revoke"),
    ],
)
def test_only_unusual_and_unused_is_to_revoke(level: str, used: object, advice: str) -> None:
    assert recommend(level, used=None if used is None else bool(used))[0] == advice


def test_words_say_when_there_is_nobody_to_compare_with() -> None:
    told = sentences(NOBODY)
    assert told == (
        "the user holds nothing that is known, so there is nobody to compare with",
        "3 of 100 users hold it",
    )
    assert "nobody else holds it" in sentences(
        msgspec.structs.replace(NOBODY, known_user=True, holders=0, peers=20, others=4)
    )
