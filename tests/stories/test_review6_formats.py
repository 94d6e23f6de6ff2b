"""Review of issue 6, model formats: files that are two things at once, and JSON that tells a loader to run code."""

import json
from typing import Any

import pytest

from ostiary.artifacts.formats import check_format
from ostiary.errors import VerificationError

ONNX = b"\x08\x0a\x3a\x00\x42\x02\x10\x15"


def refused(name: str, data: bytes) -> str:
    with pytest.raises(VerificationError) as no:
        check_format(name, data)
    return no.value.reasons[-1]


@pytest.mark.parametrize("mark", [b"ORTM", b"TFL3"])
def test_an_onnx_file_is_no_flatbuffer_too(mark: bytes) -> None:
    # ONNX Runtime that is given bytes takes them for its own format by `ORTM` at the fourth byte, whatever their name.
    check_format("m.onnx", b"\x08\x0a\x12\x05" + b"torch" + ONNX[2:])
    assert refused("m.onnx", b"\x08\x0a\x12\x05" + mark + b"x" + ONNX[2:]) == "format_foreign"


@pytest.mark.parametrize(
    "value",
    [
        {"model": {"_target_": "os.system", "command": "id"}},
        {"py/object": "subprocess.Popen", "args": ["id"]},
        [{"py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["id"]}]}],
        {"py/object/apply": "os.system"},
        {"layers": [{"module": "os", "class_name": "function", "config": "system", "registered_name": "function"}]},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": "id"}},
    ],
)
def test_json_that_names_what_a_loader_shall_call_is_refused(value: Any) -> None:
    assert refused("config.json", json.dumps(value).encode()) == "format_companion_code"


@pytest.mark.parametrize(
    "value",
    [
        {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "registered_name": None},
        {"module": "keras", "class_name": "Sequential", "config": {}},
        {"class_name": "Dense", "config": {"units": 3}},
        {"module": 3, "py": "object"},
    ],
)
def test_ordinary_configuration_is_not(value: Any) -> None:
    check_format("config.json", json.dumps(value).encode())


def test_many_pickles_in_a_row_cost_no_more_than_one() -> None:
    # Sixty-three walks of 200 000 opcodes each held a core for half a minute over a text of 12 MB.
    one = b"N0" * 60_000 + b"NN."
    check_format("card.md", one + b"x")
    assert refused("card.md", one * 2 + b"x") == "format_pickle"


def test_a_model_of_xgboost_without_its_version_is_judged_too() -> None:
    # XGBoost takes a model without `version` (`Version::Load` says invalid, and `LoadModel` goes on).
    tree = {"tree_param": {"num_nodes": "4000000000", "size_leaf_vector": "1", "num_feature": "1"}}
    booster = {"name": "gbtree", "model": {"gbtree_model_param": {"num_trees": "1"}, "trees": [tree], "tree_info": [0]}}
    learner = {"learner_model_param": {"num_feature": "1"}, "gradient_booster": booster, "objective": {}}
    assert refused("model.json", json.dumps({"learner": learner}).encode()) == "format_xgboost_model"
    assert (
        refused("model.json", json.dumps({"learner": learner, "version": [2, 0, 0]}).encode()) == "format_xgboost_model"
    )
