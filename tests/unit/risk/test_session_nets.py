"""The networks beside a session's trees: what they learn, what they promise, and that nobody else's are taken."""

import copy
import math
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ostiary.errors import FaultyInputError
from ostiary.risk.calibration import Calibration, sigmoid
from ostiary.risk.schema import Scaling, Thresholds
from ostiary.risk.session_forest import Nets, SessionForest
from ostiary.risk.session_net import Net, PlainNets, SessionNets, parse_nets
from ostiary.risk.swift import load_kernel
from ostiary.risk.swift_net import SwiftNets, net_engine
from ostiary.risk.trail import NAMES as TRAIL
from ostiary.risk.training.fit import FitSettings
from ostiary.risk.training.nets import LEAST_ROWS, NetFit, enough, grow_nets, net_margins, nets_of
from ostiary.signals import compiled

COLUMNS = ("rises", "either", "falls", "sometimes", "other", "never", "always")
DIRECTIONS = {"rises": 1, "falls": -1, "other": 1} | dict.fromkeys(("either", "sometimes", "never", "always"), 0)
SMALL = NetFit(nets=2, bound=6, free=4, second=3, epochs=12, batch=64, pace=5e-3)

numbers = st.one_of(st.floats(), st.floats(-5, 5), st.just(math.nan))
rows = st.lists(numbers, min_size=len(COLUMNS), max_size=len(COLUMNS))


def drawn(count: int = 1_500) -> tuple[Any, Any]:
    """Rows in which the answer depends on a product, on a direction and on what is not told."""
    draw = np.random.default_rng(3)
    made = draw.normal(size=(count, len(COLUMNS))).astype(np.float32)
    made[draw.random(count) < 0.3, COLUMNS.index("sometimes")] = np.nan
    made[:, COLUMNS.index("never")] = np.nan
    made[:, COLUMNS.index("always")] = 1.0
    told = made[:, 0] * (made[:, 1] > 0) - made[:, 2] + np.isnan(made[:, 3])
    return made, (told + 0.3 * draw.normal(size=count) > 0.5).astype(np.int64)


def grown(seed: int = 1) -> SessionNets:
    nets = grow_nets(*drawn(), COLUMNS, [DIRECTIONS[name] for name in COLUMNS], seed, SMALL)
    assert nets is not None
    return nets


@cache
def trained() -> SessionNets:
    return grown()


@cache
def plain() -> PlainNets:
    return PlainNets(trained(), COLUMNS)


@cache
def swift() -> SwiftNets:
    if not (compiled.PLACE / compiled.NET).is_file():
        pytest.skip("the signals are not compiled here: tools/compile.py does it")
    return SwiftNets(trained(), COLUMNS, load_kernel(compiled.NET, compiled.PLACE))


def test_they_learn_what_depends_on_several_columns_and_on_silence() -> None:
    made, label = drawn()
    assert roc_auc_score(label, net_margins(trained(), COLUMNS, made)) > 0.95


def test_columns_that_say_nothing_are_not_asked() -> None:
    assert set(COLUMNS) - set(trained().columns) == {"never", "always"}
    assert [trained().columns[place] for place in trained().unsaid] == ["sometimes"]
    assert grow_nets(np.full((9, 1), np.nan), np.ones(9, dtype=np.int64), ("never",), (0,), 1, SMALL) is None


def test_the_same_seed_gives_the_same_bits_and_another_others() -> None:
    assert msgspec.json.encode(grown()) == msgspec.json.encode(trained())
    assert grown(seed=9).nets[0] != trained().nets[0]


@given(rows, st.sampled_from(["rises", "falls", "other"]), st.floats(0, 1e9))
def test_a_column_with_a_direction_moves_the_answer_its_way_alone(row: list[float], name: str, step: float) -> None:
    place = COLUMNS.index(name)
    if math.isnan(row[place]):
        return
    moved = [*row]
    moved[place] += step * DIRECTIONS[name]
    assert math.isnan(moved[place]) or plain().margin(moved) >= plain().margin(row)


@given(st.lists(rows, max_size=70))
@settings(deadline=None)
def test_the_compiled_networks_are_the_plain_ones_to_the_last_bit(many: list[list[float]]) -> None:
    told = plain().margins(many)
    assert swift().margins(many) == told == [swift().margin(row) for row in many]
    assert all(math.isfinite(each) for each in told)


def test_training_measures_what_serves() -> None:
    made, _ = drawn(200)
    assert np.allclose(net_margins(trained(), COLUMNS, made), plain().margins(made.tolist()), atol=1e-5)


def test_without_compiled_networks_plain_python_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "PLAIN", "not today")
    assert isinstance(net_engine(trained(), COLUMNS), PlainNets)


def test_what_is_written_is_what_is_read() -> None:
    assert parse_nets(msgspec.json.encode(trained()), DIRECTIONS) == trained()


def turned(part: int, at: int, weight: float) -> SessionNets:
    """The networks with one weight of the first changed."""
    nets = trained()
    flat = np.frombuffer(nets.nets[0].weights, dtype="<f4").copy()
    begin = sum(math.prod(shape) for shape in nets.shapes[:part])
    flat[begin + at] = weight
    return msgspec.structs.replace(nets, nets=(Net(flat.tobytes()), *nets.nets[1:]))


def changed(**members: Any) -> SessionNets:
    return msgspec.structs.replace(copy.deepcopy(trained()), **members)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: turned(0, 0, -0.5), id="a rising column pulls down"),
        pytest.param(lambda: turned(0, SMALL.bound, 0.5), id="a rising column reaches units that may turn it"),
        pytest.param(lambda: turned(2, 0, -0.5), id="a unit that sees it turns it in the second layer"),
        pytest.param(lambda: turned(4, 0, -0.5), id="the second layer is turned"),
        pytest.param(lambda: turned(5, 0, -0.5), id="the first layer is turned"),
        pytest.param(lambda: turned(6, 0, -0.5), id="the straight way is turned"),
        pytest.param(lambda: turned(6, 0, math.nan), id="no number"),
        pytest.param(lambda: turned(1, 0, 1e30), id="too large a number"),
        pytest.param(lambda: changed(width=(-1.0, *trained().width[1:])), id="a width of the other sign"),
        pytest.param(lambda: changed(width=(0.0, *trained().width[1:])), id="no width"),
        pytest.param(lambda: changed(columns=trained().columns[::-1]), id="directions come last"),
        pytest.param(lambda: changed(columns=("unheard", *trained().columns[1:])), id="an unknown column"),
        pytest.param(lambda: changed(columns=(trained().columns[1], *trained().columns[1:])), id="a column twice"),
        pytest.param(lambda: changed(unsaid=(99,)), id="silence of a column that is not there"),
        pytest.param(lambda: changed(nets=()), id="no network"),
        pytest.param(lambda: changed(nets=trained().nets * 9), id="too many networks"),
        pytest.param(lambda: changed(second=2), id="other weights than it names"),
        pytest.param(lambda: changed(bound=-1), id="fewer than no units"),
        pytest.param(lambda: changed(units=10**9, second=10**9), id="too large a network"),
    ],
)
def test_networks_that_do_not_hold_together_are_refused(make: Any) -> None:
    with pytest.raises(FaultyInputError) as refused:
        parse_nets(msgspec.json.encode(make()), DIRECTIONS)
    assert refused.value.code == "model_malformed"


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(msgspec.json.encode))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FaultyInputError):
        parse_nets(data, DIRECTIONS)


class Told:
    """Says the same of every row."""

    def __init__(self, margin: float) -> None:
        self._margin = margin

    def margin(self, row: Any) -> float:
        return self._margin

    def margins(self, many: Any) -> list[float]:
        return [self._margin for _ in many]

    def contributions(self, row: Any) -> list[float]:
        return [0.0 for _ in row]


@pytest.mark.parametrize(("net", "margin"), [(None, 1.0), ((0.25, Told(5.0)), 2.0)])
def test_a_session_s_score_is_of_both_margins(net: tuple[float, Nets] | None, margin: float) -> None:
    straight, levels = Calibration([-9.0, 9.0], [-9.0, 9.0]), Thresholds(medium=0.6, high=0.9)
    trees = Told(1.0)
    forest = SessionForest(trees, trees, (), Scaling(straight, levels, levels, straight), so_far=False, net=net)
    row = [0.0] * len(TRAIL)
    assert forest.score(row) == pytest.approx(sigmoid(margin))
    assert forest.scores([row, row]) == [forest.score(row)] * 2


def test_a_short_history_and_one_class_teach_the_trees_alone() -> None:
    _, label = drawn(LEAST_ROWS)
    assert enough(label)
    assert not any(enough(few) for few in (label[1:], np.zeros_like(label), np.ones_like(label)))


def test_what_hardened_trees_may_not_ask_networks_may_not_either() -> None:
    many, label = drawn(LEAST_ROWS)
    names = ("odds_24h", *COLUMNS[1:])
    for hardened in (False, True):
        nets = nets_of(many, label, names, [DIRECTIONS[name] for name in COLUMNS], FitSettings(hardened=hardened), 1)
        assert nets is not None
        assert ("odds_24h" in nets.columns) is not hardened
