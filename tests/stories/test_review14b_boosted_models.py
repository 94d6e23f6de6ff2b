"""Boosted models that a scan called safe and whose loader then wrote beside its memory.

LightGBM and XGBoost make room for a row's scores by one number of the file and write by others; LightGBM ends a line at
a carriage return, where our parser read on. Each model here ended the loader's process with a fault of memory.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from ostiary.artifacts.scanning import scan_bytes

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"


def _verdict(name: str, data: bytes) -> str:
    return scan_bytes(name, data).verdict


@pytest.fixture(scope="module")
def told() -> str:
    luck = np.random.default_rng(0)
    rows = luck.normal(size=(60, 3))
    data = lightgbm.Dataset(rows, (rows[:, 0] > 0).astype(int))
    return str(lightgbm.train({"objective": "binary", "num_leaves": 4, "verbose": -1}, data, 2).model_to_string())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("num_tree_per_iteration=1", "num_tree_per_iteration=3000000"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=2"),
        ("num_class=1", "num_class=3"),
        ("objective=binary sigmoid:1", "objective=multiclass num_class:3000000"),
        ("objective=binary sigmoid:1", "objective=multiclassova num_class:1 num_class:9"),
        ("objective=binary sigmoid:1", "objective=multiclass"),
        ("num_class=1\nnum_tree_per_iteration=1", "num_class=4000000000\nnum_tree_per_iteration=4000000000"),
    ],
)
def test_a_model_whose_scores_do_not_fit_their_room(told: str, before: str, after: str) -> None:
    assert _verdict("model.txt", told.encode()) == "safe"
    assert before in told
    assert _verdict("model.txt", told.replace(before, after, 1).encode()) == "refused"


def test_a_line_that_only_the_loader_sees(told: str) -> None:
    hidden = "leaf_coeff=0\rsplit_feature=1900000000 1900000000 1900000000\n"
    sizes = told.partition("tree_sizes=")[2].partition("\n")[0]
    first, _, rest = sizes.partition(" ")
    lying = told.replace("is_linear=0", f"{hidden}is_linear=0", 1)
    lying = lying.replace(f"tree_sizes={sizes}", f"tree_sizes={int(first) + len(hidden)} {rest}".rstrip(), 1)
    assert _verdict("model.txt", lying.encode()) == "refused"
    assert _verdict("model.txt", lying.replace("\rsplit_feature", "1 leaf", 1).encode()) == "refused"
    assert _verdict("model.txt", told.replace("label_index=0", "label_index=0\rnum_class=9", 1).encode()) == "refused"


@pytest.mark.parametrize("name", ["leaf_weight", "leaf_count", "internal_count", "split_gain"])
def test_a_line_without_its_numbers(told: str, name: str) -> None:
    """LightGBM ends the whole process at such a line."""
    line = f"{name}={told.partition(f'{name}=')[2].partition(chr(10))[0]}"
    sizes = told.partition("tree_sizes=")[2].partition("\n")[0]
    first, _, rest = sizes.partition(" ")
    shorter = int(first) - len(line) + len(name) + 1
    lying = told.replace(f"\n{line}\n", f"\n{name}=\n", 1)
    lying = lying.replace(f"tree_sizes={sizes}", f"tree_sizes={shorter} {rest}".rstrip(), 1)
    assert _verdict("model.txt", lying.encode()) == "refused"


def _tree_info(learner: dict[str, Any]) -> None:
    learner["gradient_booster"]["model"]["tree_info"][0] = 300_000_000


def _classes(learner: dict[str, Any]) -> None:
    learner["learner_model_param"]["num_class"] = "2000000000"


def _leaves(learner: dict[str, Any]) -> None:
    learner["gradient_booster"]["model"]["trees"][0]["tree_param"]["size_leaf_vector"] = "9"


def _parents(learner: dict[str, Any]) -> None:
    tree = learner["gradient_booster"]["model"]["trees"][0]
    tree["parents"] = [tree["parents"][0], *(1 << 30 for _ in tree["parents"][1:])]


def _root(learner: dict[str, Any]) -> None:
    learner["gradient_booster"]["model"]["trees"][0]["parents"][0] = 1 << 30


def _targets(learner: dict[str, Any]) -> None:
    learner["learner_model_param"]["num_target"] = "77"


@pytest.mark.parametrize("lie", [_tree_info, _classes, _leaves, _parents, _root])
def test_a_tree_that_leads_beside_the_memory(lie: Callable[[dict[str, Any]], None]) -> None:
    seen = 0
    for file in sorted(GOLDEN.glob("*.json")):
        model = json.loads(file.read_bytes())
        if "trees" in model.get("learner", {}).get("gradient_booster", {}).get("model", {}):
            seen += 1
            assert _verdict("model.json", file.read_bytes()) == "safe"
            lie(model["learner"])
            assert _verdict("model.json", json.dumps(model).encode()) == "refused", file.name
    assert seen


def test_weights_that_end_before_their_scores() -> None:
    model = {
        "version": [3, 2, 0],
        "learner": {
            "learner_model_param": {"num_feature": "1", "num_class": "0", "num_target": "1"},
            "objective": {"name": "reg:squarederror"},
            "gradient_booster": {"name": "gblinear", "model": {"weights": [0.5, 0.25]}},
        },
    }
    assert _verdict("model.json", json.dumps(model).encode()) == "safe"
    _targets(model["learner"])  # type: ignore[arg-type]
    assert _verdict("model.json", json.dumps(model).encode()) == "refused"
