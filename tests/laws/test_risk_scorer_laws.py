"""Laws of the learned scorer: in [0, 1], pure, monotone where declared, total, exact in both engines, thread-safe."""

import math
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import lightgbm
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.errors import UnavailableError
from ostiary.risk.calibration import Calibration
from ostiary.risk.guarded import GuardedScorer
from ostiary.risk.native import NativeTrees
from ostiary.risk.schema import Column, Scaling, Schema, Thresholds
from ostiary.risk.scorer import Engine, LightGbmScorer, pick_engine
from ostiary.risk.swift import SwiftTrees, load_walk
from ostiary.risk.trees import EXAMPLE, Trees, parse_trees
from ostiary.signals import compiled
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

WIDTH = 6
RISING = (0, 1)  # columns declared monotone +1
FALLING = (2,)
EVENT = AccessEvent("e", "default", 0, "ann", "read", "db", "orders")
SIGNS = [1, 1, -1, 0, 0, 0]

LEAF = EXAMPLE.replace("num_leaves=2", "num_leaves=1").replace("leaf_value=-1.0 1.0", "leaf_value=0.25")

numbers = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-3, 3)
rows = st.lists(numbers, min_size=WIDTH, max_size=WIDTH)


@cache
def model_text() -> str:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3_000, WIDTH))
    noise = rng.normal(size=3_000)
    y = (x[:, 0] + x[:, 1] ** 3 - x[:, 2] + x[:, 3] * x[:, 4] + noise > 1).astype(int)
    x[rng.random(x.shape) < 0.1] = np.nan
    options = {
        "objective": "binary",
        "monotone_constraints": SIGNS,
        "num_threads": 1,
        "verbose": -1,
        "deterministic": True,
        "force_row_wise": True,
    }
    names = [f"f{index}" for index in range(WIDTH)]
    return lightgbm.train(options, lightgbm.Dataset(x, y, feature_name=names), 60).model_to_string()


@cache
def booster() -> lightgbm.Booster:
    return lightgbm.Booster(model_str=model_text())


@cache
def walker() -> Trees:
    return parse_trees(model_text())


@cache
def native() -> NativeTrees:
    return NativeTrees(model_text(), WIDTH)


@cache
def swift() -> SwiftTrees:
    if not (compiled.PLACE / compiled.WALK).is_file():
        pytest.skip("no compiled walk of these sources: python tools/compile.py")
    return SwiftTrees(walker(), load_walk(compiled.PLACE))


def make_scorer(engine: Engine) -> LightGbmScorer:
    columns = [Column(f"f{index}", f"family{index // 2}", SIGNS[index]) for index in range(WIDTH)]
    levels = Thresholds(medium=0.01, high=0.1)
    table = Calibration([-2.0, 0.0, 2.0], [-8.0, -6.0, -1.0])
    return LightGbmScorer(
        engine,
        Schema("sha256:x", columns, depth="f5"),
        Scaling(table, levels, levels, table),
        "sha256:m",
        lambda name, value, event: f"{name} is {value}",
    )


@given(rows)
@settings(deadline=None)
def test_both_engines_and_the_library_agree_exactly(row: list[float]) -> None:
    published = float(booster().predict(np.array([row]), raw_score=True)[0])
    assert walker().margin(row) == native().margin(row) == published


@given(rows)
@settings(deadline=None)
def test_contributions_are_the_librarys(row: list[float]) -> None:
    published = booster().predict(np.array([row]), pred_contrib=True)[0][:WIDTH]
    assert native().contributions(row) == list(published)


@given(st.lists(rows, max_size=70))
@settings(deadline=None)
def test_many_rows_at_once_are_each_alone_to_the_last_bit(many: list[list[float]]) -> None:
    alone = [native().margin(row) for row in many]
    assert native().margins(many) == alone == walker().margins(many)


@given(st.lists(rows | st.lists(numbers, max_size=WIDTH + 2), max_size=40))
@settings(deadline=None)
def test_accesses_scored_together_are_each_scored_alone(many: list[list[float]]) -> None:
    scorer = make_scorer(native())
    together, alone = scorer.score_all([EVENT] * len(many), many), [scorer.score(EVENT, row) for row in many]
    assert [str(one) for one in together] == [str(one) for one in alone]  # a reason may tell NaN, which is not itself


@given(st.lists(rows, max_size=150))
@settings(deadline=None)
def test_the_compiled_walk_is_the_plain_one_to_the_last_bit(many: list[list[float]]) -> None:
    wanted = walker().margins(many)
    assert swift().margins(many) == wanted
    assert [swift().margin(row) for row in many] == wanted


@given(st.integers(1, 7), st.lists(st.floats(allow_nan=True), min_size=1, max_size=9))
@settings(deadline=None)
def test_the_compiled_walk_follows_trees_of_one_leaf_and_of_one_column(trees: int, values: list[float]) -> None:
    swift()  # skips where nothing was compiled
    stump, leaf = parse_trees(EXAMPLE), parse_trees(LEAF)
    for forest in (stump, leaf, msgspec.structs.replace(stump, roots=stump.roots * trees)):
        engine, many = SwiftTrees(forest, load_walk(compiled.PLACE)), [[value] for value in values]
        assert engine.margins(many) == forest.margins(many) == [engine.margin(row) for row in many]


def test_without_a_compiled_walk_another_serves(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        load_walk(tmp_path)
    assert caught.value.code == "walk_unavailable"


@given(rows)
@settings(deadline=None)
def test_path_shares_explain_the_margin(row: list[float]) -> None:
    """The fallback's shares and the trees' bases add up to the margin."""
    base = walker().margin(row) - sum(walker().contributions(row))
    other = walker().margin([0.0] * WIDTH) - sum(walker().contributions([0.0] * WIDTH))
    assert math.isclose(base, other, abs_tol=1e-9)


@given(rows)
@settings(deadline=None)
def test_scores_are_probabilities_and_pure(row: list[float]) -> None:
    for engine in (walker(), native()):
        scorer = make_scorer(engine)
        kept = list(row)
        first = scorer.score(EVENT, row)
        assert first.available
        assert first.score is not None
        assert 0.0 <= first.score <= 1.0
        assert 0.0 <= first.uncertainty <= 1.0
        assert first.level in {"low", "medium", "high"}
        assert len(first.contributions) <= 3
        assert scorer.score(EVENT, row) == first
        assert [str(value) for value in row] == [str(value) for value in kept]


@given(rows, st.sampled_from([*RISING, *FALLING]), st.floats(0, 1e6))
@settings(deadline=None)
def test_a_monotone_feature_never_lowers_the_score(row: list[float], column: int, step: float) -> None:
    if math.isnan(row[column]):
        row[column] = 0.0
    riskier = list(row)
    riskier[column] += step if column in RISING else -step
    scorer = make_scorer(native())
    before, after = scorer.score(EVENT, row).score, scorer.score(EVENT, riskier).score
    assert before is not None
    assert after is not None
    assert after >= before


odd = st.none() | st.text(max_size=3) | st.integers(-(10**400), 10**400) | st.booleans() | st.floats() | st.binary()


@given(st.lists(odd, min_size=WIDTH, max_size=WIDTH))
@settings(deadline=None)
def test_odd_values_are_scored_and_never_raise(row: list[object]) -> None:
    answers = [make_scorer(engine).score(EVENT, row) for engine in (walker(), native())]  # type: ignore[arg-type]
    assert all(answer.available for answer in answers)


@given(st.lists(st.floats(), max_size=12).filter(lambda row: len(row) != WIDTH))
def test_a_row_of_another_length_has_no_score(row: list[float]) -> None:
    answer = make_scorer(native()).score(EVENT, row)
    assert (answer.available, answer.reason, answer.score) == (False, "risk_error", None)


def test_reasons_come_only_from_the_threshold_up_and_one_a_family() -> None:
    rng = np.random.default_rng(2)
    scorer = make_scorer(native())
    for row in rng.normal(size=(300, WIDTH)).tolist():
        answer = scorer.score(EVENT, row)
        assert bool(answer.contributions) <= (answer.level != "low")
        families = [int(reason.signal[1:]) // 2 for reason in answer.contributions]
        assert len(set(families)) == len(families)
        assert all(reason.weight > 0 and reason.text for reason in answer.contributions)
        weights = [reason.weight for reason in answer.contributions]
        assert weights == sorted(weights, reverse=True)


def test_many_threads_get_the_single_threads_numbers() -> None:
    data = np.random.default_rng(3).normal(size=(400, WIDTH)).tolist()
    wanted = [walker().margin(row) for row in data]
    faults: list[int] = []

    def work() -> None:
        for _ in range(3):
            faults.extend(i for i, row in enumerate(data) if native().margin(row) != wanted[i])
            native().contributions(data[0])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_the_library_serves_where_it_agrees() -> None:
    assert isinstance(pick_engine(model_text(), walker()), NativeTrees)


def test_the_walker_serves_where_the_library_disagrees() -> None:
    skewed = msgspec.structs.replace(walker(), leaf=[value + 1e-9 for value in walker().leaf])
    assert pick_engine(model_text(), skewed) is skewed


class Broken:
    """A scorer that fails in a chosen way."""

    digest = "sha256:b"

    def __init__(self, answer: RiskScore | Exception) -> None:
        self._answer = answer

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@given(st.floats().filter(lambda score: not 0 <= score <= 1))
def test_the_fence_turns_numbers_outside_into_no_score(score: float) -> None:
    answer = GuardedScorer(Broken(RiskScore(available=True, score=score))).score(EVENT, [])
    assert (answer.available, answer.reason) == (False, "risk_error")


def test_the_fence_turns_errors_into_no_score_and_tells() -> None:
    told: list[Exception] = []
    fault = MemoryError("too much")
    scorer = GuardedScorer(Broken(fault), told.append)
    assert scorer.score(EVENT, []).reason == "risk_error"
    assert told == [fault]
    assert scorer.digest == "sha256:b"


def test_the_fence_lets_sound_answers_through() -> None:
    sound = RiskScore(available=True, score=0.5)
    assert GuardedScorer(Broken(sound)).score(EVENT, []) is sound
