"""Models that the real libraries wrote are accepted, at least 99 in 100 of each kind; models that lie are not."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnx
import pytest
import safetensors.numpy
from onnx import TensorProto, helper

from ostiary.artifacts.formats import Misfit, check_format, judge
from ostiary.errors import VerificationError

GOLDEN = Path(__file__).parents[2] / "golden" / "formats"
KINDS = [
    np.float64, np.float32, np.float16, np.int64, np.uint64, np.int32, np.uint32, np.int16, np.uint16, np.int8,
    np.uint8, np.bool_, np.complex64,
]  # fmt: skip
OBJECTIVES = ["binary", "regression", "multiclass", "poisson", "quantile", "cross_entropy", "tweedie", "lambdarank"]


def _accepted(name: str, models: list[bytes]) -> float:
    refused = []
    for data in models:
        try:
            judge(name, memoryview(data))
        except Misfit as fault:
            refused.append((fault.reason, fault.text))
    return 1 - len(refused) / len(models)


def _safetensors(luck: np.random.Generator) -> bytes:
    tensors: dict[str, Any] = {
        f"layer.{number}.{'w' * int(luck.integers(1, 30))}": np.array(
            luck.random(tuple(luck.integers(0, 5, size=luck.integers(0, 4)))) * 9,
            dtype=KINDS[luck.integers(len(KINDS))],
        )
        for number in range(luck.integers(0, 25))
    }
    told = {"format": "np", "note": "y" * int(luck.integers(0, 60))} if luck.random() < 0.7 else None
    return bytes(safetensors.numpy.save(tensors, told))


def test_a_thousand_safetensors_files() -> None:
    luck = np.random.default_rng(1)
    assert _accepted("m.safetensors", [_safetensors(luck) for _ in range(1_000)]) == 1.0


def _lightgbm(number: int, luck: np.random.Generator) -> bytes:
    objective = OBJECTIVES[number % len(OBJECTIVES)]
    features = int(luck.integers(1, 8))
    data = luck.normal(size=(120, features))
    categorical = number % 3 == 0
    if categorical:
        data[:, 0] = luck.integers(0, 40, 120)
    target = {
        "binary": luck.integers(0, 2, 120), "multiclass": luck.integers(0, 3, 120),
        "lambdarank": luck.integers(0, 3, 120), "cross_entropy": luck.random(120),
    }.get(objective, np.abs(luck.normal(size=120)))  # fmt: skip
    linear = objective == "regression" and not categorical
    if number % 5 == 0 and not linear:
        data[luck.random(data.shape) < 0.2] = np.nan
    boosting = "gbdt" if objective == "lambdarank" or linear else ["gbdt", "dart", "rf"][number % 3]
    parameters = {
        "objective": objective, "verbose": -1, "num_threads": 1, "num_leaves": int(luck.integers(2, 20)),
        "min_data_in_leaf": int(luck.integers(1, 30)), "boosting": boosting, "linear_tree": linear,
    }  # fmt: skip
    if boosting == "rf":
        parameters |= {"bagging_freq": 1, "bagging_fraction": 0.7}
    if objective == "multiclass":
        parameters["num_class"] = 3
    told = lightgbm.Dataset(
        data,
        target,
        categorical_feature=[0] if categorical else "auto",
        group=[60, 60] if objective == "lambdarank" else None,
        feature_name=[f"f {n}" if number % 2 else f"f{n}" for n in range(features)],
    )
    return lightgbm.train(parameters, told, int(luck.integers(1, 5))).model_to_string().encode()


def test_two_hundred_models_of_lightgbm() -> None:
    luck = np.random.default_rng(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = [_lightgbm(number, luck) for number in range(200)]
    assert _accepted("model.txt", models) == 1.0


@pytest.mark.slow
def test_the_models_of_onnx_own_conformance_suite() -> None:
    """A model for every operator of ONNX and ONNX-ML, as the project generates them for its back ends."""
    from onnx.backend.test.case.node import collect_testcases  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    models = [case.model.SerializeToString() for case in cases if case.model is not None]
    assert len(models) > 1_500
    assert _accepted("m.onnx", models) >= 0.99


@pytest.mark.parametrize(
    "file", sorted(GOLDEN.glob("*.json")) + sorted(GOLDEN.glob("*.ubj")), ids=lambda path: path.name
)
def test_models_of_xgboost(file: Path) -> None:
    check_format(file.name, file.read_bytes())


# -- ONNX that lies


def _onnx(**changes: Any) -> onnx.ModelProto:
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 2], [1.0, 2.0, 3.0, 4.0])
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "xy"]
    graph = helper.make_graph([node], "g", value[:1], value[1:], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    for name, change in changes.items():
        change(model) if callable(change) else setattr(model, name, change)
    return model


def _external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def _attribute_external(model: onnx.ModelProto) -> None:
    tensor = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    tensor.external_data.add(key="location", value="evil.bin")
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def _deep(model: onnx.ModelProto) -> None:
    graph = helper.make_graph([], "g", [], [])
    for _ in range(20):
        graph = helper.make_graph([helper.make_node("If", ["x"], ["y"], then_branch=graph)], "g", [], [])
    model.graph.CopyFrom(graph)


def _tensor(change: Any) -> Callable[[onnx.ModelProto], object]:
    return lambda model: change(model.graph.initializer[0])


ONNX_LIES: dict[str, list[Any]] = {
    "format_onnx_external": [_external, _attribute_external],
    "format_onnx_custom_operator": [
        lambda model: setattr(model.graph.node[0], "domain", "com.evil"),
        lambda model: model.opset_import.append(helper.make_opsetid("com.microsoft", 1)),
    ],
    "format_onnx_functions": [
        lambda model: model.functions.append(
            helper.make_function("f", "f", ["x"], ["y"], [], [helper.make_opsetid("", 21)])
        ),
        lambda model: setattr(model.graph.node[0], "overload", "f"),
    ],
    "format_onnx_training": [lambda model: model.training_info.add()],
    "format_onnx_version": [
        lambda model: setattr(model, "ir_version", 99),
        lambda model: setattr(model.opset_import[0], "version", 900),
    ],
    "format_onnx_settings": [lambda model: model.metadata_props.add(key="ort_config", value="{}")],
    "format_onnx_tensor": [
        _tensor(lambda tensor: tensor.dims.append(3)),
        _tensor(lambda tensor: tensor.dims.__setitem__(0, -1)),
        _tensor(lambda tensor: setattr(tensor, "data_type", 99)),
        _tensor(lambda tensor: setattr(tensor, "raw_data", b"\0" * 16)),
        _tensor(lambda tensor: tensor.float_data.append(1.0)),
        _tensor(lambda tensor: tensor.int64_data.append(1)),
        _tensor(lambda tensor: tensor.ClearField("float_data")),
    ],
    "format_overflow": [_tensor(lambda tensor: tensor.dims.extend([2**40, 2**40]))],
    "format_too_large": [_deep, lambda model: setattr(model, "producer_name", "x" * 5_000)],
    "format_onnx_malformed": [lambda model: model.ClearField("graph"), lambda model: model.ClearField("ir_version")],
}


@pytest.mark.parametrize(
    ("reason", "change"), [(reason, change) for reason, changes in ONNX_LIES.items() for change in changes]
)
def test_onnx_that_does_more_than_compute(reason: str, change: Any) -> None:
    assert _refusal("m.onnx", _onnx().SerializeToString()) == ""
    assert _refusal("m.onnx", _onnx(change=change).SerializeToString()) == reason


def test_onnx_graphs_that_two_readers_would_merge_differently() -> None:
    assert _refusal("m.onnx", _onnx().SerializeToString() * 2) == "format_onnx_malformed"


def test_onnx_fields_that_nobody_knows() -> None:
    assert _refusal("m.onnx", _onnx().SerializeToString() + b"\xfa\x01\x00") == "format_onnx_field"


# -- LightGBM and XGBoost that lie


@pytest.fixture(scope="module")
def tree() -> str:
    luck = np.random.default_rng(3)
    data = luck.normal(size=(100, 3))
    return lightgbm.train(
        {"objective": "binary", "verbose": -1, "num_leaves": 4, "min_data_in_leaf": 5, "num_threads": 1},
        lightgbm.Dataset(data, (data[:, 0] + data[:, 1] > 0).astype(int)),
        2,
    ).model_to_string()


def _resized(text: str) -> str:
    """Return the text with sizes of trees that are true again, so that only the change itself is found."""
    head, body = text.split("\n\n", 1)
    blocks = body.split("end of trees")[0].split("Tree=")[1:]
    sizes = " ".join(str(len("Tree=" + block)) for block in blocks)
    lines = [f"tree_sizes={sizes}" if line.startswith("tree_sizes=") else line for line in head.split("\n")]
    return "\n".join(lines) + "\n\n" + body


def _line(text: str, name: str, change: Any) -> str:
    """Return the text with the first line ``name`` changed; sizes stay true."""
    lines = text.split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith(name + "="))
    told = change(lines[at].partition("=")[2].split(" "))
    lines[at] = f"{name}={' '.join(map(str, told))}"
    return _resized("\n".join(lines))


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("num_leaves", lambda _: ["4000000000"], "format_lightgbm_tree"),
        ("num_leaves", lambda _: ["0"], "format_lightgbm_tree"),
        ("num_leaves", lambda _: ["-1"], "format_lightgbm_tree"),
        ("num_leaves", lambda _: ["3"], "format_lightgbm_tree"),
        ("num_cat", lambda _: ["5"], "format_lightgbm_tree"),
        ("split_feature", lambda told: ["99", *told[1:]], "format_lightgbm_tree"),
        ("split_feature", lambda told: ["-1", *told[1:]], "format_lightgbm_tree"),
        ("threshold", lambda told: ["0x1p3", *told[1:]], "format_lightgbm_tree"),
        ("decision_type", lambda told: ["3", *told[1:]], "format_lightgbm_tree"),
        ("left_child", lambda told: ["0", *told[1:]], "format_tree_shape"),
        ("left_child", lambda told: ["2000000", *told[1:]], "format_tree_shape"),
        ("left_child", lambda told: ["-2000000", *told[1:]], "format_tree_shape"),
        ("right_child", lambda told: told[:-1], "format_lightgbm_tree"),
        ("leaf_value", lambda told: ["__import__", *told[1:]], "format_lightgbm_tree"),
        ("leaf_value", lambda told: [*told, "1"], "format_lightgbm_tree"),
        ("max_feature_idx", lambda _: ["2000000000"], "format_lightgbm_malformed"),
        ("feature_names", lambda told: [told[0]] * 3, "format_lightgbm_malformed"),
        ("num_class", lambda _: ["0"], "format_lightgbm_malformed"),
        ("version", lambda _: ["v9"], "format_lightgbm_malformed"),
    ],
)
def test_a_tree_that_points_outside_itself(tree: str, name: str, change: Any, reason: str) -> None:
    assert _refusal("model.txt", tree.encode()) == ""
    assert _refusal("model.txt", _line(tree, name, change).encode()) == reason


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("tree_sizes=", "tree_sizes=9", "format_lightgbm_truncated"),
        ("tree_sizes=", "tree_sizes=1 ", "format_lightgbm_malformed"),
        ("[forcedsplits_filename: ]", "[forcedsplits_filename: /etc/passwd]", "format_lightgbm_files"),
        ("[machine_list_filename: ]", "[machine_list_filename: m.txt]", "format_lightgbm_files"),
        ("[boosting: gbdt]", "boosting: gbdt", "format_lightgbm_malformed"),
        ("end of parameters", "end", "format_lightgbm_truncated"),
        ("pandas_categorical:null", "pandas_categorical:{}", "format_lightgbm_malformed"),
        ("pandas_categorical:null", "evil:null", "format_lightgbm_malformed"),
        ("Tree=0\n", "Tree=1\n", "format_lightgbm_malformed"),
        ("num_class=1\n", "num_class=1\nnum_class=1\n", "format_lightgbm_malformed"),
        ("num_class=1\n", "num_class=1\nevil=1\n", "format_lightgbm_malformed"),
        ("objective=", "objective=\x00", "format_lightgbm_malformed"),
    ],
)
def test_a_text_that_is_not_as_lightgbm_writes_it(tree: str, old: str, new: str, reason: str) -> None:
    assert old in tree
    assert _refusal("model.txt", tree.replace(old, new, 1).encode()) == reason


def _first_tree(model: Any) -> Any:
    return model["learner"]["gradient_booster"]["model"]["trees"][0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: _first_tree(m)["left_children"].__setitem__(0, 0), "format_tree_shape"),
        (lambda m: _first_tree(m)["left_children"].__setitem__(0, 10**6), "format_tree_shape"),
        (lambda m: _first_tree(m)["left_children"].__setitem__(0, -1), "format_tree_shape"),
        (lambda m: _first_tree(m)["left_children"].__setitem__(0, 1.5), "format_xgboost_model"),
        (lambda m: _first_tree(m)["split_indices"].__setitem__(0, 99), "format_xgboost_model"),
        (lambda m: _first_tree(m)["split_conditions"].append(1.0), "format_xgboost_model"),
        (lambda m: _first_tree(m)["split_conditions"].__setitem__(0, "x"), "format_xgboost_model"),
        (lambda m: _first_tree(m)["tree_param"].__setitem__("num_nodes", "4000000000"), "format_xgboost_model"),
        (lambda m: _first_tree(m)["tree_param"].__setitem__("num_nodes", -1), "format_xgboost_model"),
        (lambda m: _first_tree(m).__setitem__("categories_nodes", [5]), "format_xgboost_model"),
        (lambda m: m["learner"]["gradient_booster"]["model"]["trees"].pop(), "format_xgboost_model"),
        (lambda m: m["learner"]["gradient_booster"].__setitem__("name", "evil"), "format_xgboost_model"),
        (lambda m: m["learner"].__setitem__("evil", {}), "format_xgboost_model"),
        (lambda m: m["learner"]["feature_names"].pop(), "format_xgboost_model"),
        (lambda m: m.__setitem__("version", ["3"]), "format_xgboost_model"),
    ],
)
def test_a_model_of_xgboost_that_points_outside_itself(change: Any, reason: str) -> None:
    model = json.loads((GOLDEN / "binary.json").read_text())
    change(model)
    assert _refusal("model.json", json.dumps(model).encode()) == reason


@pytest.mark.parametrize(
    "data",
    [
        b"[$Z#l\x7f\xff\xff\xff",
        b"[#L\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"[$d#i\xff",
        b"SL\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"{i\x01aZi\x01aZ}",
        b"[" * 5_000,
        b"{i\x01aN}",
        b"{}x",
        b"{i\x01\xffZ}",
    ],
)
def test_counts_that_no_file_can_hold(data: bytes) -> None:
    assert _refusal("m.ubj", data) in {"format_ubjson_truncated", "format_ubjson_malformed", "format_too_large"}


def _refusal(name: str, data: bytes) -> str:
    try:
        check_format(name, data)
    except VerificationError as fault:
        return fault.reasons[1]
    return ""
