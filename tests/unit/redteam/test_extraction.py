"""The thief of the red team: what he is told, what his copy agrees on, and that the budgets hold him to the number."""

import random
from typing import Any

import numpy as np
import pytest

from ostiary.redteam.attacks import extraction
from ostiary.redteam.attacks.injection_corpus import ATTACK as INJECTIONS
from ostiary.redteam.thief import agreement, beside, copy_of, steal
from ostiary.redteam.world import Scale, World
from ostiary.vocabulary.scoring import RiskScore

pytest.importorskip("lightgbm")


def luck() -> random.Random:
    return random.Random(1)  # noqa: S311 - an experiment


class FakeModel:
    """Scores a row by a few of its columns."""

    digest = "sha256:fake"

    def score(self, event: object, row: Any) -> RiskScore:
        del event
        share = float(np.tanh(np.nansum(np.abs(row[:40])) / 400))
        return RiskScore(available=True, score=share)


def test_budgets_hold_a_thief_to_the_number_whatever_names_he_has(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(5).normal(size=(900, 45))
    monkeypatch.setattr(extraction, "_rows", lambda _: rows)
    monkeypatch.setattr(extraction, "_score", lambda world, row: world.model.score(None, row).score)
    with World(seed=3, scale=Scale(people=6, days=6, tries=60), model=FakeModel()) as world:  # type: ignore[arg-type]
        outcomes = [attack.check().run(world) for attack in extraction.ATTACKS]
    for outcome, identities in zip(outcomes, (1, 10), strict=True):
        assert outcome.without.rate == 1.0
        assert outcome.guarded.successes <= extraction._most(identities)
        assert outcome.passed
        assert 0.0 <= outcome.notes["near_with"] <= 1.0
    assert outcomes[0].guarded.rate < 1.0


def test_without_a_quarantine_a_model_that_obeys_does_what_it_is_told_and_with_it_nothing() -> None:
    outcome = INJECTIONS.check().run(World(seed=3))
    assert outcome.without.rate > 0.8
    assert (outcome.guarded.successes, outcome.guarded.tries) == (0, outcome.notes["texts"])


def test_a_refused_question_is_asked_as_one_that_comes_naturally() -> None:
    rng = np.random.default_rng(1)
    pool = rng.normal(size=(400, 3))

    def ask(rows: Any, kind: str) -> Any:
        told = (rows[:, 0] > 0).astype(float)
        return told if kind == "plain" else np.full(len(rows), np.nan)

    loot = steal(pool, ask, 100, luck())
    assert (loot.walked, len(loot.rows), len(loot.answers)) == (0, 100, 100)
    assert loot.refused > 0
    assert not np.isnan(loot.answers).any()


def test_a_copy_of_an_easy_scorer_agrees_and_one_of_a_single_answer_repeats_it() -> None:
    rng = np.random.default_rng(1)
    pool, measured = rng.normal(size=(2000, 3)), rng.normal(size=(500, 3))
    loot = steal(pool, lambda rows, _: (rows[:, 0] > 0).astype(float), 1000, luck())
    assert loot.walked == 500
    copied = copy_of(loot, labels=True)(measured)
    assert agreement(copied, measured[:, 0], 0.5, 0.0) > 0.97
    near = beside(measured[:, 0], 0.0, 20)
    assert (len(near), float(np.abs(measured[near, 0]).max()) < 0.2) == (40, True)
    only = steal(pool, lambda rows, _: np.ones(len(rows)), 50, luck())
    assert set(copy_of(only, labels=True)(measured)) == {1.0}
