"""A sparse tensor of one number that a runtime makes dense: 89 bytes of ONNX that ask for 16 GiB were called safe."""

import pytest
from onnx import SparseTensorProto, TensorProto, helper

from ostiary.artifacts.scanning import scan_bytes


def _sparse(*shape: int) -> SparseTensorProto:
    values = helper.make_tensor("s", TensorProto.FLOAT, [1], [1.0])
    places = helper.make_tensor("s_places", TensorProto.INT64, [1], [0])
    return helper.make_sparse_tensor(values, places, list(shape))


def _model(sparse: SparseTensorProto, *, inside: bool) -> bytes:
    output = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    constant = [helper.make_node("Constant", [], ["s"], sparse_value=sparse)] if inside else []
    graph = helper.make_graph([*constant, helper.make_node("Identity", ["s"], ["y"])], "g", [], output)
    if not inside:
        graph.sparse_initializer.append(sparse)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(made.SerializeToString())


@pytest.mark.parametrize("inside", [False, True])
def test_a_sparse_tensor_larger_than_any_dense_one(*, inside: bool) -> None:
    assert scan_bytes("m.onnx", _model(_sparse(1 << 16), inside=inside)).verdict == "safe"
    for shape in ((1 << 32,), (1 << 20, 1 << 20), (-1,), (1 << 31, 1 << 31, 1 << 31)):
        assert scan_bytes("m.onnx", _model(_sparse(*shape), inside=inside)).verdict == "refused", shape
