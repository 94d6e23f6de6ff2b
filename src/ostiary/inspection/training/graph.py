"""The fitted encoder as an ONNX file, built node by node from its weights, then eight bits a weight.

- The graph is written here rather than traced: the same weights give the same file whatever made them.
- Two outputs: the logits, and the places of ``learned.likeness``, the mean of the tokens after the layers that do not
  learn.
- Query, key and value are one product; the scale of attention is inside the query's weights.
- Word pieces and products are quantised per channel with seven bits of range, so that processors without dot products
  of bytes do not saturate; the heads stay exact.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ostiary.inspection.training.bert import EPSILON, FROZEN, HEADS, LAYERS, WIDTH
from ostiary.inspection.training.extras import need

_OPSET: Final = 20
_IR: Final = 10
_FAR: Final = -10_000.0

Array = npt.NDArray[np.float32]


class _Graph:
    """Nodes and constants as they come; each method returns the name of what it makes."""

    def __init__(self) -> None:
        self.onnx = need("onnx")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Any, name: str = "") -> str:
        name = name or f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, *inputs: str, outputs: int = 1, name: str = "", **attributes: Any) -> Any:
        label = name or f"{kind}_{len(self.nodes)}"
        made = [f"{label}_{at}" for at in range(outputs)]
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), made, name=label, **attributes))
        return made[0] if outputs == 1 else made

    def dense(self, hidden: str, weight: Array, bias: Array, name: str = "") -> str:
        product = self.node("MatMul", hidden, self.constant(weight.T), name=name)
        return str(self.node("Add", product, self.constant(bias)))

    def norm(self, hidden: str, weight: Array, bias: Array) -> str:
        scale, shift = self.constant(weight), self.constant(bias)
        return str(self.node("LayerNormalization", hidden, scale, shift, axis=-1, epsilon=EPSILON))


def write(weights: Mapping[str, Array], path: Path) -> None:
    """Write the encoder, quantised, to ``path``."""
    onnx = need("onnx")
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        onnx.save(exact_model(weights), exact)
        need("onnxruntime.quantization").quantize_dynamic(
            exact,
            path,
            op_types_to_quantize=["MatMul", "Gather"],
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=["head"],
        )


def exact_model(weights: Mapping[str, Array]) -> Any:
    """Return the encoder as an ONNX model of 32-bit weights."""
    graph = _Graph()
    hidden, bias, share = _begin(graph, weights)
    for layer in range(LAYERS):
        if layer == FROZEN:
            graph.node("Identity", _mean(graph, hidden, share), name="places")
        hidden = _layer(graph, weights, f"encoder.layer.{layer}.", hidden, bias)
    head = graph.constant(weights["head.weight"].T)
    answer = graph.node(
        "Add", graph.node("MatMul", _mean(graph, hidden, share), head, name="head"),
        graph.constant(weights["head.bias"]),
    )  # fmt: skip
    graph.node("Identity", answer, name="logits")
    return _model(graph)


def _mean(graph: _Graph, hidden: str, share: str) -> str:
    axis = graph.constant(np.array([1], np.int64))
    total = graph.node("ReduceSum", graph.node("Mul", hidden, share), axis, keepdims=0)
    return str(graph.node("Div", total, graph.node("ReduceSum", share, axis, keepdims=0)))


def _begin(graph: _Graph, weights: Mapping[str, Array]) -> tuple[str, str, str]:
    """Return the embedded pieces, what attention adds, and the mask as numbers with a last axis."""
    words = graph.node("Gather", graph.constant(weights["embeddings.word_embeddings.weight"], "words"), "input_ids")
    length = graph.node("Shape", "input_ids", start=1, end=2)
    zero = graph.constant(np.array([0], np.int64))
    places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    placed = graph.node("Add", words, graph.node("Slice", graph.constant(places), zero, length, zero))
    hidden = graph.norm(placed, weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"])
    mask = graph.node("Cast", "attention_mask", to=graph.onnx.TensorProto.FLOAT)
    away = graph.node("Sub", graph.constant(np.array(1, np.float32)), mask)
    bias = graph.node("Mul", away, graph.constant(np.array(_FAR, np.float32)))
    bias = graph.node("Unsqueeze", bias, graph.constant(np.array([1, 2], np.int64)))
    return hidden, bias, graph.node("Unsqueeze", mask, graph.constant(np.array([2], np.int64)))


def _layer(graph: _Graph, weights: Mapping[str, Array], at: str, hidden: str, bias: str) -> str:
    own = f"{at}attention.self."
    scale = np.float32((WIDTH / HEADS) ** -0.5)
    parts = [(weights[f"{own}{part}.weight"], weights[f"{own}{part}.bias"]) for part in ("query", "key", "value")]
    parts[0] = (parts[0][0] * scale, parts[0][1] * scale)
    joined = graph.dense(hidden, np.concatenate([w for w, _ in parts]), np.concatenate([b for _, b in parts]))
    thirds = graph.node("Split", joined, outputs=3, axis=-1, num_outputs=3)
    shape = graph.constant(np.array([0, 0, HEADS, WIDTH // HEADS], np.int64))
    query, key, value = (
        graph.node("Transpose", graph.node("Reshape", third, shape), perm=perm)
        for third, perm in zip(thirds, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True)
    )
    seen = graph.node("Softmax", graph.node("Add", graph.node("MatMul", query, key), bias), axis=-1)
    seen = graph.node("Transpose", graph.node("MatMul", seen, value), perm=[0, 2, 1, 3])
    seen = graph.node("Reshape", seen, graph.constant(np.array([0, 0, WIDTH], np.int64)))
    out = f"{at}attention.output."
    seen = graph.dense(seen, weights[f"{out}dense.weight"], weights[f"{out}dense.bias"])
    hidden = graph.norm(
        graph.node("Add", hidden, seen), weights[f"{out}LayerNorm.weight"], weights[f"{out}LayerNorm.bias"]
    )
    wide = graph.dense(hidden, weights[f"{at}intermediate.dense.weight"], weights[f"{at}intermediate.dense.bias"])
    wide = graph.dense(graph.node("Gelu", wide), weights[f"{at}output.dense.weight"], weights[f"{at}output.dense.bias"])
    return graph.norm(
        graph.node("Add", hidden, wide), weights[f"{at}output.LayerNorm.weight"], weights[f"{at}output.LayerNorm.bias"]
    )


def _model(graph: _Graph) -> Any:
    helper, kinds = graph.onnx.helper, graph.onnx.TensorProto
    inputs = [
        helper.make_tensor_value_info(name, kinds.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    outputs = [
        helper.make_tensor_value_info(name, kinds.FLOAT, ["batch", wide])
        for name, wide in (("logits_0", 2), ("places_0", WIDTH))
    ]
    made = helper.make_graph(graph.nodes, "encoder", inputs, outputs, graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="ostiary")
    model.ir_version = _IR
    graph.onnx.checker.check_model(model)
    return model
