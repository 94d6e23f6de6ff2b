"""The forest over actions: LightGBM learns whose an action is, and its trees are kept as one ONNX graph.

- At most ``MOST_PEOPLE`` people are told apart, those with most actions; everybody else is like some of them.
- Each session teaches twice: as it was delivered, and relayed at a drawn interval, so that how often events came is no
  sign of anybody.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ostiary.biometrics.pointer.actions import NAMES, actions
from ostiary.biometrics.pointer.delivery import relayed
from ostiary.biometrics.pointer.network import INPUT, OUTPUT
from ostiary.biometrics.pointer.training.people import Person
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

MOST_PEOPLE: Final = 40
ROUNDS: Final = 120
EVERY_MS: Final = (60.0, 125.0)
_LEAST_ACTIONS: Final = 10
_PARAMETERS: Final = {
    "objective": "multiclass",
    "num_leaves": 31,
    "learning_rate": 0.12,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
_LEQ: Final = 0


def forest(people: Sequence[Person], seed: int, effort: float, threads: int, told: Callable[[float], None]) -> bytes:
    """Return the trained forest as ONNX: raw scores, one for each person.

    Raises:
        FaultyInputError: ``training_people``, when fewer than two people did anything.
        ModuleNotFoundError: without onnx.
    """
    import lightgbm  # noqa: PLC0415 - the extra `biometrics`

    luck = np.random.default_rng(seed)
    rows = [taught(person, luck) for person in people]
    order = sorted(range(len(rows)), key=lambda at: (-len(rows[at]), at))[:MOST_PEOPLE]
    rows = [rows[at] for at in sorted(order) if len(rows[at]) >= _LEAST_ACTIONS]
    if len(rows) < 2:  # noqa: PLR2004 - one person has nobody to be told from
        raise FaultyInputError("training_people", "training needs two people who moved, clicked or scrolled at least")
    who = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
    weight = np.concatenate([np.full(len(one), 1.0 / len(one)) for one in rows])
    parameters = {**_PARAMETERS, "num_class": len(rows), "seed": seed, "num_threads": threads}
    parameters["min_data_in_leaf"] = min(60, max(len(who) // (20 * len(rows)), 1))
    rounds = max(round(effort * ROUNDS * min(1.0, 10 / len(rows))), 2)
    data = lightgbm.Dataset(np.concatenate(rows), who, weight=weight * len(who) / len(rows))

    def progress(state: Any) -> None:
        told((state.iteration + 1) / rounds)

    learned = lightgbm.train(parameters, data, rounds, callbacks=[progress])
    return graph(learned.dump_model()["tree_info"], len(rows))


def taught(person: Person, luck: np.random.Generator) -> Floats:
    """Return a person's actions, as delivered and relayed."""
    copies = [(session, relayed(session, luck.uniform(*EVERY_MS))) for session in person.sessions]
    return np.concatenate([actions(one).astype(np.float32) for both in copies for one in both])


class _Flat:
    """Branches and leaves of all trees in lists, as ONNX wants them."""

    def __init__(self) -> None:
        self.roots: list[int] = []
        self.feature: list[int] = []
        self.split: list[float] = []
        self.children: list[list[int]] = []
        self.are_leaves: list[list[int]] = []
        self.target: list[int] = []
        self.weight: list[float] = []

    def leaf(self, value: float, target: int) -> int:
        self.target.append(target)
        self.weight.append(value)
        return len(self.weight) - 1

    def branch(self, node: Any, target: int) -> int:
        """Add a branch and what is below it; a tree that is one leaf becomes a branch with it on both sides."""
        at = len(self.feature)
        self.feature.append(int(node.get("split_feature", 0)))
        self.split.append(float(node.get("threshold", 0.0)))
        self.children.append([0, 0])
        self.are_leaves.append([1, 1])
        for side, child in enumerate((node.get("left_child", node), node.get("right_child", node))):
            leaf = "left_child" not in child
            self.are_leaves[at][side] = int(leaf)
            self.children[at][side] = self.leaf(child["leaf_value"], target) if leaf else self.branch(child, target)
        return at


def floored(splits: Floats) -> npt.NDArray[np.float32]:
    """Return the highest float32 not above each split: what was on a split's left stays there."""
    near = splits.astype(np.float32)
    return np.where(near > splits, np.nextafter(near, np.float32(-np.inf)), near)


def graph(trees: Sequence[Any], people: int) -> bytes:
    """Return LightGBM's trees as an ONNX graph of raw scores ``[n, people]``."""
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - the extra `train`

    flat = _Flat()
    for number, tree in enumerate(trees):
        flat.roots.append(flat.branch(tree["tree_structure"], number % people))
    children, leaves = np.array(flat.children), np.array(flat.are_leaves)

    def table(values: npt.NDArray[Any]) -> Any:
        return numpy_helper.from_array(values)

    node = helper.make_node(
        "TreeEnsemble",
        [INPUT],
        [OUTPUT],
        domain="ai.onnx.ml",
        n_targets=people,
        aggregate_function=1,
        post_transform=0,
        tree_roots=flat.roots,
        nodes_featureids=flat.feature,
        nodes_splits=table(floored(np.array(flat.split))),
        nodes_modes=table(np.full(len(flat.feature), _LEQ, dtype=np.uint8)),
        nodes_truenodeids=children[:, 0].tolist(),
        nodes_falsenodeids=children[:, 1].tolist(),
        nodes_trueleafs=leaves[:, 0].tolist(),
        nodes_falseleafs=leaves[:, 1].tolist(),
        leaf_targetids=flat.target,
        leaf_weights=table(np.array(flat.weight, dtype=np.float32)),
    )
    given = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", len(NAMES)])
    made = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", people])
    whole = helper.make_graph([node], "actions", [given], [made])
    opsets = [helper.make_opsetid("ai.onnx.ml", 5), helper.make_opsetid("", 17)]
    return bytes(helper.make_model(whole, opset_imports=opsets, ir_version=9).SerializeToString())
