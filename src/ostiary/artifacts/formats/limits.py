"""How much a model file may hold before it is refused unread."""

import msgspec


class FormatLimits(msgspec.Struct, frozen=True):
    """Bounds on one file; every parser of this room takes them.

    Attributes:
        max_json_bytes: length of a JSON file or of a safetensors header; the format itself would allow 100 MB.
        max_json_values: values in it, counted before anything is built.
        max_json_depth: objects and arrays inside each other.
        max_text_bytes: length of a Markdown or text file.
        max_tensors: tensors of a file.
        max_dimensions: dimensions of a tensor.
        max_name_bytes: length of a name of a tensor, node, feature.
        max_fields: protobuf fields that are followed in one ONNX file.
        max_onnx_bytes: length of an ONNX file; protobuf itself ends at 2 GiB.
        max_sparse_elements: elements of a sparse tensor of ONNX, made dense.
        max_graph_depth: messages inside each other in an ONNX file; a graph inside a graph takes three.
        max_trees: trees of a boosted model.
        max_tree_bytes: length of a boosted model.
    """

    max_json_bytes: int = 64 * 1024 * 1024
    max_header_bytes: int = 16 * 1024 * 1024
    max_json_values: int = 4_000_000
    max_json_depth: int = 32
    max_text_bytes: int = 16 * 1024 * 1024
    max_tensors: int = 200_000
    max_dimensions: int = 32
    max_name_bytes: int = 4_096
    max_fields: int = 4_000_000
    max_onnx_bytes: int = 2**31 - 1
    max_sparse_elements: int = 2**28
    max_graph_depth: int = 48
    max_trees: int = 200_000
    max_tree_bytes: int = 1024 * 1024 * 1024


DEFAULT_LIMITS = FormatLimits()
