"""The reader of LightGBM text: what it refuses, and that it never fails but with its own code."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.risk.calibration import Calibration, check_calibration, log_odds, sigmoid
from ostiary.risk.schema import check_feature_set, parse_scaling, parse_schema
from ostiary.risk.trees import EXAMPLE, parse_trees


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version=v4", "version=v3"),
        ("num_class=1", "num_class=3"),
        ("feature_names=novelty", "feature_names="),
        ("num_leaves=2", "num_leaves=3"),
        ("num_leaves=2", "num_leaves=999999"),
        ("num_leaves=2", "num_leaves=x"),
        ("num_leaves=2\n", ""),
        ("num_cat=0", "num_cat=1"),
        ("num_cat=0", "num_cat=0\nis_linear=1"),
        ("split_feature=0", "split_feature=1"),
        ("split_feature=0", "split_feature=-1"),
        ("threshold=1.0", "threshold=nan"),
        ("decision_type=8", "decision_type=9"),
        ("decision_type=8", "decision_type=4"),
        ("left_child=-1", "left_child=0"),
        ("left_child=-1", "left_child=-2"),
        ("left_child=-1", "left_child=-9"),
        ("leaf_value=-1.0 1.0", "leaf_value=nan 1.0"),
        ("leaf_value=-1.0 1.0", "leaf_value=1.0"),
    ],
)
def test_a_model_that_cannot_be_walked_exactly_is_refused(old: str, new: str) -> None:
    assert old in EXAMPLE
    with pytest.raises(FaultyInputError) as caught:
        parse_trees(EXAMPLE.replace(old, new))
    assert caught.value.code == "model_malformed"


def test_a_tree_of_one_leaf_is_its_value() -> None:
    text = EXAMPLE.partition("Tree=0")[0] + "Tree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=0.25\n\nend of trees\n"
    assert parse_trees(text).margin([math.nan]) == 0.25


@given(st.text(max_size=200), st.integers(0, len(EXAMPLE)), st.integers(0, 40))
def test_any_text_is_read_or_refused_by_code(noise: str, place: int, cut: int) -> None:
    try:
        forest = parse_trees(EXAMPLE[:place] + noise + EXAMPLE[place + cut :])
    except FaultyInputError as fault:
        code = fault.code
    else:
        code = "model_malformed" if math.isfinite(forest.margin([0.5] * len(forest.names))) else "odd"
    assert code == "model_malformed"


@given(st.binary(max_size=120))
def test_any_bytes_as_schema_or_scaling_end_in_a_code(data: bytes) -> None:
    for parse in (parse_schema, parse_scaling):
        with pytest.raises(FaultyInputError):
            parse(data)


def test_another_feature_set_is_refused() -> None:
    schema = parse_schema(b'{"feature_set": "sha256:a", "columns": [{"name": "x", "family": "f"}]}')
    check_feature_set(schema, "sha256:a", ("x",))
    for wanted, names in (("sha256:b", ("x",)), ("sha256:a", ("y",)), ("sha256:a", ("x", "y"))):
        with pytest.raises(Exception, match="feature set") as caught:
            check_feature_set(schema, wanted, names)
        assert getattr(caught.value, "code", "") == "model_feature_set"


@pytest.mark.parametrize(
    "table",
    [
        Calibration([], []),
        Calibration([0.0], [0.0, 1.0]),
        Calibration([0.0, 0.0], [0.0, 1.0]),
        Calibration([0.0, 1.0], [1.0, 1.0]),
        Calibration([0.0, math.inf], [0.0, 1.0]),
        Calibration([0.0], [0.0], slope_low=0.0),
        Calibration([0.0], [0.0], prior=1.0),
    ],
)
def test_a_table_that_does_not_rise_is_refused(table: Calibration) -> None:
    with pytest.raises(FaultyInputError) as caught:
        check_calibration(table)
    assert caught.value.code == "calibration_malformed"


@given(st.floats(-30, 30), st.floats(0, 30))
def test_the_table_rises_everywhere(margin: float, step: float) -> None:
    table = check_calibration(Calibration([-2.0, 0.5, 1.0], [-9.0, -4.0, 2.0], 0.3, 0.2))
    assert table.probability(margin) <= table.probability(margin + step)


@given(st.floats(allow_nan=False))
def test_sigmoid_is_a_probability_for_any_number(logit: float) -> None:
    assert 0.0 <= sigmoid(logit) <= 1.0


@given(st.floats(1e-9, 1 - 1e-9))
def test_log_odds_turn_back(probability: float) -> None:
    assert math.isclose(sigmoid(log_odds(probability)), probability, rel_tol=1e-9)
