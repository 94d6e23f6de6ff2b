"""XGBoost's own model, in JSON or UBJSON: the learner's shape, and every tree as one tree.

1. ``learner`` and ``version`` and nothing else; a booster that is ``gbtree``, ``dart`` or ``gblinear``.
2. Every array of a tree has ``num_nodes`` members; features and categories lie inside; children make one tree.
3. The counts that a reader allocates by are those of the arrays that are there.
4. Each tree and weight adds to a score that there is: XGBoost writes where they say, and does not look.
5. The names of categories are those of the features (``xgboost_categories``).

https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html, and its JSON schema.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

from ostiary.artifacts.formats.limits import DEFAULT_LIMITS, FormatLimits
from ostiary.artifacts.formats.misfit import Bytes, Misfit, shown, within
from ostiary.artifacts.formats.strict_json import strict_json
from ostiary.artifacts.formats.trees import check_tree
from ostiary.artifacts.formats.ubjson import read_ubjson
from ostiary.artifacts.formats.xgboost_categories import check_names

_LEARNER: Final = frozenset({
    "attributes", "feature_names", "feature_types", "gradient_booster", "learner_model_param", "objective",
})  # fmt: skip
_BOOSTERS: Final = frozenset({"gbtree", "dart", "gblinear"})
_NODE_ARRAYS: Final = ("left_children", "right_children", "parents", "split_conditions", "split_indices")
_NODE_ARRAYS_TOLD: Final = ("default_left", "split_type", "loss_changes", "sum_hessian")
_CATEGORY_ARRAYS: Final = ("categories_nodes", "categories_segments", "categories_sizes")
_MAX_DIGITS: Final = 10
_LEAF: Final = -1
_NO_PARENT: Final = frozenset({-1, 2**31 - 1})


def check_xgboost_json(data: Bytes, limits: FormatLimits = DEFAULT_LIMITS) -> None:
    """Check a model in JSON.

    Raises:
        Misfit: ``format_xgboost_model``, ``format_tree_shape``, or a reason of strict JSON.
    """
    check_model(strict_json(data, limits), limits)


def check_xgboost_ubjson(data: Bytes, limits: FormatLimits = DEFAULT_LIMITS) -> None:
    """Check a model in UBJSON.

    Raises:
        Misfit: ``format_xgboost_model``, ``format_tree_shape``, or a ``format_ubjson_…``.
    """
    within("bytes", len(data), limits.max_tree_bytes)
    check_model(read_ubjson(data, limits), limits)


def is_model(value: Any) -> bool:
    """Return whether a JSON value means to be a model of XGBoost."""
    return isinstance(value, dict) and "learner" in value  # it is loaded without a `version` as well


def check_model(value: Any, limits: FormatLimits) -> None:
    """Check a model that is read.

    Raises:
        Misfit: ``format_xgboost_model``, ``format_tree_shape``.
    """
    model = _object(value, "the model")
    if model.keys() != {"learner", "version"} or not _naturals(model["version"], 3):
        raise _fault("it is not told by `learner` and `version`")
    learner = _object(model["learner"], "`learner`")
    if not {"gradient_booster", "learner_model_param", "objective"} <= learner.keys() <= _LEARNER:
        raise _fault("`learner` lacks a member or has one that is not known")
    features = _told(learner["learner_model_param"], "num_feature")
    scores = _scores(learner["learner_model_param"], limits)
    for name in ("feature_names", "feature_types"):
        named = learner.get(name, [])
        if not isinstance(named, list) or len(named) not in {0, features} or not _texts(named):
            raise _fault(f"`{name}` does not name {features} features")
    _check_booster(_object(learner["gradient_booster"], "`gradient_booster`"), features, scores, limits)


def _scores(parameters: Any, limits: FormatLimits) -> int:
    """Return how many scores a row has: one a class or target, and one at least."""
    told = _object(parameters, "a set of parameters")
    scores = max([1, *(_told(told, name) for name in ("num_class", "num_target") if name in told)])
    within("scores of a row", scores, limits.max_trees)
    return scores


def _check_booster(booster: dict[str, Any], features: int, scores: int, limits: FormatLimits) -> None:
    kind = booster.get("name")
    if not isinstance(kind, str) or kind not in _BOOSTERS:
        raise _fault(f"there is no booster {shown(kind)}")
    inner = _object(booster.get("gbtree"), "`gbtree`") if kind == "dart" else booster
    model = _object(inner.get("model"), "`model`")
    if kind == "gblinear":
        wanted = {0, (features + 1) * scores}  # none before the first round: XGBoost makes room itself
        if not _is_array(model.get("weights")) or len(model["weights"]) not in wanted:
            raise _fault("`weights` is not as long as the features and scores say")
        return
    trees = model.get("trees")
    count = _told(model.get("gbtree_model_param"), "num_trees")
    if not isinstance(trees, list) or len(trees) != count or not _naturals(model.get("tree_info"), count):
        raise _fault(f"it says {count} trees and has not as many")
    if any(score >= scores for score in model["tree_info"]):
        raise _fault(f"a tree adds to a score that there is not, of {scores}")
    if kind == "dart" and (not _is_array(booster.get("weight_drop")) or len(booster["weight_drop"]) != count):
        raise _fault(f"it says {count} trees and does not weigh as many")
    within("trees", count, limits.max_trees)
    _check_rounds(model.get("iteration_indptr", [0, count]), count)
    if "cats" in model:
        check_names(model["cats"], features)
    for tree in trees:
        _check_one(_object(tree, "a tree"), features, scores)


def _check_rounds(begins: Any, count: int) -> None:
    """Check where each round's trees begin; the last number is where the last round ends."""
    if not _is_array(begins) or not len(begins) or not _integers(begins):
        raise _fault("`iteration_indptr` is no list of natural numbers")
    if begins[0] or begins[-1] != count or any(low > high for low, high in pairwise(begins)):
        raise _fault(f"its rounds do not lead through its {count} trees")


def _check_one(tree: dict[str, Any], features: int, scores: int) -> None:
    nodes, wide = _told(tree.get("tree_param"), "num_nodes"), _told(tree.get("tree_param"), "size_leaf_vector")
    if wide not in {0, 1, scores}:
        raise _fault(f"a leaf holds {wide} scores of {scores}")
    for name in _NODE_ARRAYS + tuple(name for name in _NODE_ARRAYS_TOLD if name in tree):
        if not _is_array(tree.get(name)) or len(tree[name]) != nodes:
            raise _fault(f"`{name}` does not hold {nodes} numbers")
    if _told(tree.get("tree_param"), "num_feature") != features or not nodes:
        raise _fault("a tree has no node, or not the features of the model")
    weights = tree.get("base_weights")
    if not _is_array(weights) or weights is None or len(weights) not in {nodes, nodes * max(wide, 1)}:
        raise _fault("`base_weights` is not as long as the nodes say")
    _check_nodes(tree, features, wide)
    _check_categories(tree, nodes)


def _check_nodes(tree: dict[str, Any], features: int, wide: int) -> None:
    """Here a leaf is a node whose children are -1; so each node stands for itself, and a leaf leads nowhere."""
    left, right, looked = tree["left_children"], tree["right_children"], tree["split_indices"]
    if not (_integers(left) and _integers(right) and _integers(looked)):
        raise _fault("the indices of a tree are no integers")
    if wide > 1:  # a leaf of a tree with vectors keeps their place where its right child would be
        right = _right_without_places(tree, wide)
    if any((a == _LEAF) != (b == _LEAF) for a, b in zip(left, right, strict=True)):
        raise Misfit("format_tree_shape", "a node of a tree has one child")
    leaves = check_tree(left, right, is_leaf=lambda child: child == _LEAF)
    if len(leaves) != 2 * sum(1 for child in left if child == _LEAF):
        raise Misfit("format_tree_shape", "a tree has leaves that nothing leads to")
    if not all(0 <= feature < features for feature in looked):
        raise _fault("a tree looks at a feature that there is not")
    _check_parents(tree["parents"], left, right)


def _check_parents(parents: Any, left: Any, right: Any) -> None:
    """Compare the way up with the way down: XGBoost walks it when it loads, and does not look."""
    up = {child: node for node, children in enumerate(zip(left, right, strict=True)) for child in children}
    if parents[0] not in _NO_PARENT or any(up[node] != parents[node] for node in range(1, len(parents))):
        raise Misfit("format_tree_shape", "a node of a tree calls another one its parent than the one that leads to it")


def _right_without_places(tree: dict[str, Any], wide: int) -> list[int]:
    left, right, held = tree["left_children"], tree["right_children"], tree.get("leaf_weights", [])
    places = [b for a, b in zip(left, right, strict=True) if a == _LEAF]
    if places and max(places) >= 0:
        if not _is_array(held) or len(held) != len(places) * wide or sorted(places) != list(range(len(places))):
            raise _fault("`leaf_weights` is not as long as the leaves say")
        return [_LEAF if a == _LEAF else b for a, b in zip(left, right, strict=True)]
    return list(right)


def _check_categories(tree: dict[str, Any], nodes: int) -> None:
    held = tree.get("categories", [])
    where, begins, sizes = (tree.get(name, []) for name in _CATEGORY_ARRAYS)
    if not all(_is_array(part) and _integers(part) for part in (held, where, begins, sizes)):
        raise _fault("the categories of a tree are no integers")
    if len(begins) != len(where) or len(sizes) != len(where):
        raise _fault("the categories of a tree are not told completely")
    inside = all(begin >= 0 and 0 <= size <= len(held) - begin for begin, size in zip(begins, sizes, strict=True))
    if not inside or not all(0 <= node < nodes for node in where) or any(category < 0 for category in held):
        raise _fault("a tree looks at categories that there are not")


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _fault(f"{name} is no object")
    return value


def _told(value: Any, name: str) -> int:
    """Return a number that XGBoost writes as text."""
    told = _object(value, "a set of parameters").get(name)
    if not isinstance(told, str) or not told.isascii() or not told.isdigit() or len(told) > _MAX_DIGITS:
        raise _fault(f"`{name}` is no natural number")
    return int(told)


def _is_array(value: Any) -> bool:
    return not isinstance(value, (str, dict)) and hasattr(value, "__len__") and all(_is_number(one) for one in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def _integers(values: Iterable[Any]) -> bool:
    return all(type(value) is int for value in values)


def _naturals(value: Any, count: int) -> bool:
    return _is_array(value) and len(value) == count and all(type(one) is int and one >= 0 for one in value)


def _texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _fault(text: str) -> Misfit:
    return Misfit("format_xgboost_model", text)
