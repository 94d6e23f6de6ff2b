"""Boosted trees so deep that explaining a prediction ends the process, or never ends; a scan called them safe.

LightGBM ended with a fault of memory at 70,000 levels (a file of 2 MiB), XGBoost went on for ever at 20,000.
"""

import json
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from ostiary.artifacts.formats.trees import MAX_LEVELS
from ostiary.artifacts.scanning import scan_bytes

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"


def chain_of_lightgbm(levels: int) -> bytes:
    """Return a model of one tree, each of whose inner nodes has a leaf and the next one."""
    rows = np.random.default_rng(0).normal(size=(60, 3))
    data = lightgbm.Dataset(rows, (rows[:, 0] > 0).astype(int))
    made = str(lightgbm.train({"objective": "binary", "num_leaves": 3, "verbose": -1}, data, 1).model_to_string())
    head, _, rest = made.partition("Tree=0\n")
    _, _, tail = rest.partition("\n\n\nend of trees")
    inner = {"split_feature": 0, "split_gain": 1, "threshold": 0, "decision_type": 2, "internal_value": 0}
    inner |= {"internal_weight": 1, "internal_count": 2}
    told: dict[str, str | int] = {"num_leaves": levels + 1, "num_cat": 0, "is_linear": 0, "shrinkage": 1}
    told |= {name: " ".join([str(value)] * levels) for name, value in inner.items()}
    told |= {name: " ".join(["1"] * (levels + 1)) for name in ("leaf_value", "leaf_weight", "leaf_count")}
    told["left_child"] = " ".join(map(str, [*range(1, levels), -(levels + 1)]))
    told["right_child"] = " ".join(str(-node) for node in range(1, levels + 1))
    tree = "Tree=0\n" + "".join(f"{name}={value}\n" for name, value in told.items()) + "\n\n"
    sizes = head.partition("tree_sizes=")[2].partition("\n")[0]
    return f"{head.replace(f'tree_sizes={sizes}', f'tree_sizes={len(tree)}')}{tree}end of trees{tail}".encode()


def chain_of_xgboost(levels: int) -> bytes:
    """Return the same of XGBoost."""
    whole = json.loads((GOLDEN / "binary.json").read_bytes())
    model = whole["learner"]["gradient_booster"]["model"]
    tree, nodes = model["trees"][0], 2 * levels + 1
    for name, value in tree.items():
        if isinstance(value, list) and name != "tree_param" and not name.startswith("categories"):
            tree[name] = [0] * nodes
    tree["left_children"], tree["right_children"], tree["parents"] = [-1] * nodes, [-1] * nodes, [2**31 - 1] * nodes
    for level in range(levels):
        node = 2 * level
        tree["left_children"][node], tree["right_children"][node] = node + 2, node + 1
        tree["parents"][node + 1] = tree["parents"][node + 2] = node
    tree["tree_param"]["num_nodes"] = str(nodes)
    model["trees"], model["tree_info"], model["iteration_indptr"] = [tree], [0], [0, 1]
    model["gbtree_model_param"]["num_trees"] = "1"
    return json.dumps(whole).encode()


@pytest.mark.parametrize(("name", "chain"), [("model.txt", chain_of_lightgbm), ("model.json", chain_of_xgboost)])
def test_a_tree_has_so_many_levels_and_no_more(name, chain):
    assert scan_bytes(name, chain(MAX_LEVELS - 1)).verdict == "safe"
    assert scan_bytes(name, chain(MAX_LEVELS + 1)).verdict == "refused"
    assert scan_bytes(name, chain(20_000)).verdict == "refused"
