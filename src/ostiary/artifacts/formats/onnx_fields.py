"""What may stand in an ONNX file: every message, every field, and how it is written.

From onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, IR version 14). A field that is not here is
refused: a newer reader would do something with it that nobody judged. So are these, which are left out on purpose:

- ``functions``, ``training_info``, ``configuration``: programs beside the graph; inline functions before export.
- ``external_data``, ``data_location``: names of other files, with a path in them.
- ``opaque_type``, ``segment``, ``overload``, ``device_configurations``: mean something to one runtime only.
"""

from typing import Final, NamedTuple


class Kind(NamedTuple):
    """How one field is written.

    Attributes:
        name: as in onnx.proto.
        form: ``int``, ``float``, ``double``, ``text``, ``bytes``, or the name of a message.
        many: whether it may come more than once.
    """

    name: str
    form: str
    many: bool = False


MESSAGES: Final[dict[str, dict[int, Kind]]] = {
    "Model": {
        1: Kind("ir_version", "int"), 2: Kind("producer_name", "text"), 3: Kind("producer_version", "text"),
        4: Kind("domain", "text"), 5: Kind("model_version", "int"), 6: Kind("doc_string", "prose"),
        7: Kind("graph", "Graph"), 8: Kind("opset_import", "Opset", many=True),
        14: Kind("metadata_props", "Entry", many=True),
    },
    "Graph": {
        1: Kind("node", "Node", many=True), 2: Kind("name", "text"), 5: Kind("initializer", "Tensor", many=True),
        10: Kind("doc_string", "prose"), 11: Kind("input", "ValueInfo", many=True),
        12: Kind("output", "ValueInfo", many=True), 13: Kind("value_info", "ValueInfo", many=True),
        14: Kind("quantization_annotation", "Annotation", many=True),
        15: Kind("sparse_initializer", "Sparse", many=True), 16: Kind("metadata_props", "Entry", many=True),
    },
    "Node": {
        1: Kind("input", "text", many=True), 2: Kind("output", "text", many=True), 3: Kind("name", "text"),
        4: Kind("op_type", "text"), 5: Kind("attribute", "Attribute", many=True), 6: Kind("doc_string", "prose"),
        7: Kind("domain", "text"), 9: Kind("metadata_props", "Entry", many=True),
    },
    "Attribute": {
        1: Kind("name", "text"), 2: Kind("f", "float"), 3: Kind("i", "int"), 4: Kind("s", "bytes"),
        5: Kind("t", "Tensor"), 6: Kind("g", "Graph"), 7: Kind("floats", "float", many=True),
        8: Kind("ints", "int", many=True), 9: Kind("strings", "bytes", many=True),
        10: Kind("tensors", "Tensor", many=True), 11: Kind("graphs", "Graph", many=True),
        13: Kind("doc_string", "prose"), 14: Kind("tp", "Type"), 15: Kind("type_protos", "Type", many=True),
        20: Kind("type", "int"), 22: Kind("sparse_tensor", "Sparse"), 23: Kind("sparse_tensors", "Sparse", many=True),
    },
    "Tensor": {
        1: Kind("dims", "int", many=True), 2: Kind("data_type", "int"), 4: Kind("float_data", "float", many=True),
        5: Kind("int32_data", "int", many=True), 6: Kind("string_data", "bytes", many=True),
        7: Kind("int64_data", "int", many=True), 8: Kind("name", "text"), 9: Kind("raw_data", "bytes"),
        10: Kind("double_data", "double", many=True), 11: Kind("uint64_data", "int", many=True),
        12: Kind("doc_string", "prose"), 16: Kind("metadata_props", "Entry", many=True),
    },
    "Sparse": {1: Kind("values", "Tensor"), 2: Kind("indices", "Tensor"), 3: Kind("dims", "int", many=True)},
    "ValueInfo": {
        1: Kind("name", "text"), 2: Kind("type", "Type"), 3: Kind("doc_string", "prose"),
        4: Kind("metadata_props", "Entry", many=True),
    },
    "Type": {
        1: Kind("tensor_type", "TensorType"), 4: Kind("sequence_type", "ElementType"), 5: Kind("map_type", "MapType"),
        6: Kind("denotation", "text"), 8: Kind("sparse_tensor_type", "TensorType"),
        9: Kind("optional_type", "ElementType"),
    },
    "TensorType": {1: Kind("elem_type", "int"), 2: Kind("shape", "Shape")},
    "ElementType": {1: Kind("elem_type", "Type")},
    "MapType": {1: Kind("key_type", "int"), 2: Kind("value_type", "Type")},
    "Shape": {1: Kind("dim", "Dimension", many=True)},
    "Dimension": {1: Kind("dim_value", "int"), 2: Kind("dim_param", "text"), 3: Kind("denotation", "text")},
    "Annotation": {
        1: Kind("tensor_name", "text"), 2: Kind("quant_parameter_tensor_names", "Entry", many=True),
    },
    "Opset": {1: Kind("domain", "text"), 2: Kind("version", "int")},
    "Entry": {1: Kind("key", "text"), 2: Kind("value", "prose")},
}  # fmt: skip

# Why a field that onnx.proto has is refused here: (message, number) -> reason code and words.
REFUSED: Final[dict[tuple[str, int], tuple[str, str]]] = {
    ("Model", 20): ("format_onnx_training", "it carries graphs to train with"),
    ("Model", 25): ("format_onnx_functions", "it defines functions of its own: inline them before export"),
    ("Model", 26): ("format_onnx_field", "it is bound to devices"),
    ("Node", 8): ("format_onnx_functions", "a node calls a function of the file's own"),
    ("Node", 10): ("format_onnx_field", "a node is bound to devices"),
    ("Attribute", 21): ("format_onnx_functions", "an attribute is the parameter of a function"),
    ("Tensor", 3): ("format_onnx_field", "a tensor comes in segments"),
    ("Tensor", 13): ("format_onnx_external", "a tensor lies in another file"),
    ("Tensor", 14): ("format_onnx_external", "a tensor says where it lies"),
    ("Type", 7): ("format_onnx_field", "it has a type of a runtime's own"),
}
