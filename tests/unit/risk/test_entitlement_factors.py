"""The access graph's embedding follows a change almost as a new fit would."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from ostiary.risk.entitlements.factors import Embedding, decompose

TEAMS, PEOPLE, TOOLS = 6, 30, 25
RANK = 6


def organisation(seed: int = 3) -> np.ndarray:
    """Six teams; each person holds most of the team's tools and a few of others'."""
    luck = np.random.default_rng(seed)
    team_of = np.arange(TEAMS * PEOPLE) % TEAMS
    own = team_of[:, None] == (np.arange(TEAMS * TOOLS) % TEAMS)[None, :]
    chance: np.ndarray = np.where(own, 0.6, 0.01)
    return np.asarray(luck.random(own.shape) < chance, float)


def test_what_a_team_holds_is_expected_of_its_people() -> None:
    grants = organisation()
    held = np.argwhere(grants > 0)
    luck = np.random.default_rng(1)
    out = held[luck.permutation(len(held))[:200]]
    left = grants.copy()
    left[out[:, 0], out[:, 1]] = 0
    embedding = decompose(sparse.csr_matrix(left), RANK)
    others = np.argwhere(grants == 0)
    others = others[luck.permutation(len(others))[:200]]
    pairs = np.vstack([out, others])
    scores = embedding.score(pairs[:, 0], pairs[:, 1])
    assert roc_auc_score([1] * 200 + [0] * 200, scores) > 0.9


@pytest.mark.parametrize("people", [1, 9, 36])
def test_an_update_ranks_as_a_full_fit_does(people: int) -> None:
    """Bound: rank correlation above .98 and an AUC within .01 of a full fit's, up to a fifth of the people being new.

    The rank is that of the structure: dimensions beyond it are noise, and differ between any two fits.
    """
    grants = organisation()
    known = len(grants) - people
    before = decompose(sparse.csr_matrix(grants[:known]), RANK)
    now = sparse.csr_matrix(grants)
    fresh = np.arange(known, len(grants))
    touched = np.unique(now[fresh].indices).astype(np.int64)
    followed, anew = before.update(now, fresh, touched), decompose(now, RANK)
    pairs = np.argwhere(np.ones((people, grants.shape[1])))
    users, items = fresh[pairs[:, 0]], pairs[:, 1]
    mine, theirs = followed.score(users, items), anew.score(users, items)
    held = grants[users, items]
    assert spearmanr(mine, theirs).statistic > 0.98
    assert abs(roc_auc_score(held, mine) - roc_auc_score(held, theirs)) < 0.01


def test_a_revoked_grant_is_less_expected_after_the_update() -> None:
    grants = organisation()
    user = 0
    before = decompose(sparse.csr_matrix(grants), RANK)
    mine = np.flatnonzero(grants[user])
    left = grants.copy()
    left[user, mine[1:]] = 0
    after = before.update(sparse.csr_matrix(left), np.array([user]), mine)
    ask = np.full(len(mine) - 1, user), mine[1:]
    assert after.score(*ask).mean() < before.score(*ask).mean()


def test_others_stay_as_they_were_and_new_permissions_are_folded_in() -> None:
    grants = organisation()
    wider = np.hstack([grants, grants[:, :1]])  # a new permission, held by the holders of the first
    before = decompose(sparse.csr_matrix(grants), RANK)
    new = grants.shape[1]
    after = before.update(sparse.csr_matrix(wider), np.array([], np.int64), np.array([new]))
    assert np.array_equal(after.users, before.users)
    assert np.array_equal(after.items[:new], before.items)
    everyone = np.arange(len(grants))
    alike = spearmanr(
        after.score(everyone, np.full(len(grants), new)), before.score(everyone, np.zeros(len(grants), int))
    )
    assert alike.statistic > 0.97


def test_a_small_matrix_and_an_empty_one_have_an_embedding() -> None:
    tiny = decompose(sparse.csr_matrix(np.eye(3)), 64)
    assert tiny.rank == 3
    empty: Embedding = decompose(sparse.csr_matrix((100, 90)), 4)
    assert np.allclose(empty.score(np.arange(5), np.arange(5)), 0)
