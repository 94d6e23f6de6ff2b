"""Certificates agree with brute force over every cell of small forests, whatever is missing or has a direction."""

import itertools
import math
from collections.abc import Sequence
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.risk.measure import certify
from ostiary.risk.measure.certify import Answer, Certifier, as_veritas, certified, declared
from ostiary.risk.training.fit import FitSettings, fit
from ostiary.risk.trees import Trees, parse_trees
from ostiary.signals.attacker import is_movable
from ostiary.signals.features import FEATURES, INDEX, NAMES

veritas = pytest.importorskip("veritas")
COLUMNS = 3
TICKS = (0.0, 1.0, 2.0, 3.0, 4.0)


def forest(rng: Random, trees: int) -> Trees:
    """Return random trees of depth two over three columns, split between ticks."""
    made = Trees(tuple("abc"), [], [], [], [], [], [], [], [])
    for _ in range(trees):
        first, leaf = len(made.feature), len(made.leaf)
        made.roots.append(first)
        made.feature.extend(rng.randrange(COLUMNS) for _ in range(3))
        made.threshold.extend(rng.choice(TICKS) + 0.5 for _ in range(3))
        made.left.extend((first + 1, ~leaf, ~(leaf + 2)))
        made.right.extend((first + 2, ~(leaf + 1), ~(leaf + 3)))
        made.missing.extend(rng.choice((made.left[first + n], made.right[first + n])) for n in range(3))
        made.leaf.extend(rng.uniform(-1, 1) for _ in range(4))
        made.inner.extend([0.0] * 3)
    return made


def brute(trees: Trees, box: Sequence[tuple[float, float]]) -> float:
    """Return the least output over every cell of the box."""
    axes = [
        [low] if math.isnan(low) else [low, high, *(tick for tick in TICKS if low <= tick <= high)] for low, high in box
    ]
    return min(trees.margin(point) for point in itertools.product(*axes))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.floats(-3, 3))
def test_an_answer_is_what_brute_force_finds(seed: int, trees: int, threshold: float) -> None:
    rng = Random(seed)  # noqa: S311 - an experiment
    model = forest(rng, trees)
    row = [float("nan") if rng.random() < 0.2 else rng.choice(TICKS) for _ in range(COLUMNS)]
    boxes = [
        (value, value) if math.isnan(value) else (value - rng.randrange(3), value + rng.randrange(3)) for value in row
    ]
    answer = Certifier(model, (), boxes=lambda _: boxes, monotone=(0, 0, 0)).certify(row, threshold)
    least = brute(model, boxes)
    if abs(least - threshold) < 1e-6:
        return
    assert answer.answer is (Answer.SAFE if least > threshold else Answer.EVADABLE)
    assert answer.least <= answer.margin + 1e-9
    if answer.answer is Answer.EVADABLE and answer.margin >= threshold:
        point = [answer.moved.get(name, (0.0, value))[1] for name, value in zip("abc", row, strict=True)]
        assert model.margin(point) < threshold
        assert all(math.isnan(at) or low <= at <= high for at, (low, high) in zip(point, boxes, strict=True))


def test_conversion_to_veritas_is_exact() -> None:
    rng = Random(5)  # noqa: S311
    model = forest(rng, 30)
    everywhere = [(-10.0, 10.0)] * COLUMNS
    parts = [certify._cut(model, root, everywhere) for root in model.roots]
    told = as_veritas(veritas, [part for part in parts if not isinstance(part, float)], {0: 0, 1: 1, 2: 2})
    fixed = sum(part for part in parts if isinstance(part, float))
    points = [[rng.choice((*TICKS, 0.5, 1.5, 2.5)) for _ in range(COLUMNS)] for _ in range(200)]
    for point, output in zip(points, told.eval(np.array(points))[:, 0].tolist(), strict=True):
        assert output + fixed == pytest.approx(model.margin(point), abs=1e-12)


def test_what_does_not_end_in_time_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    model = forest(Random(9), 12)  # noqa: S311
    row, boxes = [2.0] * COLUMNS, [(-10.0, 10.0)] * COLUMNS
    least = brute(model, [(0.0, 5.0)] * COLUMNS)
    monkeypatch.setattr(certify, "_least_output", lambda *_: (None, -99.0))
    found = Certifier(model, (), boxes=lambda _: boxes, monotone=(0, 0, 0)).certify(row, least - 0.001)
    assert found.answer is Answer.UNDECIDED
    assert certified([found]) == {
        "attacks": 1,
        "evadable": 0,
        "safe": 0,
        "undecided": 1,
        "certified_share": 0.0,
        "by_bounds": 0,
        "moved_by_counterexamples": {},
    }


def test_a_direction_is_taken_at_its_most_harmless_end() -> None:
    rising = Trees(("a",), [0], [0], [1.0], [~0], [~1], [~0], [-1.0, 1.0], [0.0])
    box = [(2.0, math.inf)]
    assert Certifier(rising, (), boxes=lambda _: box, monotone=(1,)).certify([2.0], 0.0).answer is Answer.SAFE
    trust = Trees(("a",), [0], [0], [1.0], [~0], [~1], [~0], [1.0, -1.0], [0.0])
    found = Certifier(trust, (), boxes=lambda _: [(0.5, 1.5)], monotone=(-1,)).certify([0.5], 0.0)
    assert found.answer is Answer.EVADABLE
    assert found.moved == {"a": (0.5, 1.5)}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_whatever_a_certifiable_forest_catches_is_certified(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(400, len(NAMES))).astype(np.float32)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    labels = (np.nan_to_num(rows[:, INDEX["resource_surprise"]] - rows[:, INDEX["device_age"]]) > 1).astype(np.int64)
    chosen = FitSettings(most_trees=12, least_rows=5, hardened=True, certifiable=True)
    monotone = [spec.monotone for spec in FEATURES]
    trees = parse_trees(fit(rows, labels, names=NAMES, monotone=monotone, settings=chosen, seed=seed).text)
    assert trees.columns()
    assert not any(is_movable(FEATURES[column]) for column in trees.columns())
    deviations = np.nanstd(rows, axis=0).tolist()
    for row in rows[:40].tolist():
        found = Certifier(trees, deviations).certify(row, trees.margin(row) - 1e-6)
        assert (found.answer, found.by) == (Answer.SAFE, "bounds")


def test_the_declared_box_takes_no_sign_of_risk_away() -> None:
    row = [1.0] * len(NAMES)
    row[INDEX["country_new"]] = float("nan")
    boxes = declared(row, [0.5] * len(NAMES))
    for spec, (low, high) in zip(FEATURES, boxes, strict=True):
        if spec.name == "country_new":
            assert math.isnan(low)
        elif spec.monotone > 0:
            assert (low, high) == (1.0, math.inf)
        else:
            assert low >= 1.0 - 3 * 0.5 - 1e-12
            assert high <= 1.0 + 3 * 0.5 + 1e-12
    assert boxes[INDEX["tenure"]] == (1.0, 1.0)
    assert msgspec.json.encode(certified([]))
