r"""ONNX: a protobuf walk of our own that follows every field and knows each of them.

1. The file begins with a known ``ir_version``; every message, field and form is one of ``onnx_fields.MESSAGES``.
2. A field that may come once comes once: two readers would merge or choose differently.
3. Operators are of the domains that ONNX itself defines, in versions that are known; none is custom.
4. No tensor lies in another file; no function, training graph or device is defined; no setting rides in the metadata.
5. Every tensor holds exactly as much as its shape says; a sparse one is bounded by what a dense one could be.
6. Depth, number of fields and lengths of names are bounded; nothing is built, data is skipped.

>>> check_onnx(memoryview(b"\x08\x0a\x3a\x00\x42\x02\x10\x15"))
"""

from typing import Final

from ostiary.artifacts.formats.limits import DEFAULT_LIMITS, FormatLimits
from ostiary.artifacts.formats.misfit import Bytes, Misfit, shown, within
from ostiary.artifacts.formats.onnx_fields import MESSAGES, REFUSED, Kind
from ostiary.artifacts.formats.onnx_tensors import check_sparse, check_tensor
from ostiary.artifacts.formats.protobuf import FIXED32, FIXED64, LENGTH, VARINT, Field, Wire

_IR_VERSIONS: Final = range(3, 15)
_OPSETS: Final = {
    "": range(1, 29), "ai.onnx": range(1, 29), "ai.onnx.ml": range(1, 7), "ai.onnx.preview": range(1, 2),
    "ai.onnx.preview.training": range(1, 2),
}  # fmt: skip
_FORMS: Final = {
    "int": (VARINT, LENGTH), "float": (FIXED32, LENGTH), "double": (FIXED64, LENGTH), "text": (LENGTH,),
    "prose": (LENGTH,), "bytes": (LENGTH,),
}  # fmt: skip
_PACKS: Final = frozenset({"int", "float", "double"})
# onnxruntime takes session options from this key when asked to: libraries of custom operators among them.
_SETTINGS: Final = frozenset({"ort_config"})
_FIRST: Final = 0x08


def check_onnx(data: Bytes, limits: FormatLimits = DEFAULT_LIMITS) -> None:
    """Check one ONNX file.

    Raises:
        Misfit: any ``format_onnx_…`` or ``format_protobuf_…``, ``format_too_large``, ``format_overflow``.
    """
    within("bytes", len(data), limits.max_onnx_bytes)
    if not len(data) or data[0] != _FIRST:
        raise Misfit("format_onnx_malformed", "it does not begin with a version")
    found = _Judge(limits).message("Model", Wire(data, limits.max_fields), 0)
    if not {"graph", "opset_import", "ir_version"} <= found:
        raise Misfit("format_onnx_malformed", "it has no graph or does not say in which operators")


class _Judge:
    """Walks one file."""

    def __init__(self, limits: FormatLimits) -> None:
        self._limits = limits

    def message(self, name: str, wire: Wire, depth: int) -> set[str]:
        """Judge one message and what is inside it; return the names of its fields."""
        within("messages inside each other", depth, self._limits.max_graph_depth)
        kinds = MESSAGES[name]
        found: set[str] = set()
        for field in wire.fields():
            kind = kinds.get(field.number)
            if kind is None:
                raise Misfit(*REFUSED.get((name, field.number), ("format_onnx_field", _unknown(name, field.number))))
            if kind.name in found and not kind.many:
                raise Misfit("format_onnx_malformed", f"`{kind.name}` comes twice where once is meant")
            found.add(kind.name)
            self._value(name, kind, field, wire, depth)
        if name == "Tensor":
            check_tensor(wire, self._limits)
        elif name == "Sparse":
            check_sparse(wire, self._limits)
        elif name == "Opset":
            _check_opset(wire)
        return found

    def _value(self, name: str, kind: Kind, field: Field, wire: Wire, depth: int) -> None:
        forms = _FORMS.get(kind.form, (LENGTH,))
        if field.wire not in forms or (field.wire == LENGTH and kind.form in _PACKS and not kind.many):
            raise Misfit("format_onnx_malformed", f"`{kind.name}` is not written as it should be")
        if isinstance(field.value, int):
            if kind.name == "ir_version" and field.value not in _IR_VERSIONS:
                raise Misfit("format_onnx_version", f"IR version {field.value} is not known")
        elif kind.form in MESSAGES:
            self.message(kind.form, wire.inside(field.value), depth + 1)
        elif kind.form in {"text", "prose"}:
            self._text(name, kind, field.value)

    def _text(self, name: str, kind: Kind, value: Bytes) -> None:
        most = self._limits.max_text_bytes if kind.form == "prose" else self._limits.max_name_bytes
        within(f"bytes in `{kind.name}`", len(value), most)
        try:
            text = bytes(value).decode()
        except UnicodeDecodeError:
            raise Misfit("format_onnx_malformed", f"`{kind.name}` is not UTF-8") from None
        if name == "Node" and kind.name == "domain" and text not in _OPSETS:
            raise Misfit("format_onnx_custom_operator", f"a node's operator is of the domain {shown(text)}")
        if name == "Entry" and kind.name == "key" and text in _SETTINGS:
            raise Misfit("format_onnx_settings", f"its metadata holds settings of a runtime, {shown(text)}")


def _check_opset(wire: Wire) -> None:
    domain, version = "", 0
    for field in wire.fields():
        if isinstance(field.value, int):
            version = field.value
        else:
            domain = bytes(field.value).decode()  # judged as text before
    if domain not in _OPSETS:
        raise Misfit("format_onnx_custom_operator", f"it imports operators of the domain {shown(domain)}")
    if version not in _OPSETS[domain]:
        raise Misfit("format_onnx_version", f"version {version} of the operators {shown(domain)} is not known")


def _unknown(name: str, number: int) -> str:
    return f"it has a field that nobody knows, {number} of {name}"
