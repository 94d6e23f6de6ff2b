"""A tensor inside an ONNX file must hold exactly what its shape and type say.

A reader allocates by the shape. So a shape of 2⁴⁰ elements over four bytes of data is refused before a reader sees it.
Of a sparse tensor it makes a dense one: one that no file could hold dense is refused as well.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, ``TensorProto``.
"""

from typing import Final

from ostiary.artifacts.formats.limits import FormatLimits
from ostiary.artifacts.formats.misfit import Bytes, Misfit, product, within
from ostiary.artifacts.formats.protobuf import FIXED32, FIXED64, LENGTH, VARINT, Field, Wire, count_varints, varint

_DIMS, _TYPE, _RAW, _STRINGS = 1, 2, 9, 6
_SPARSE_DIMS: Final = 3
_MOST: Final = 2**60
_STRING: Final = 8
# data_type -> bits of an element in raw_data
_BITS: Final = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16,
    17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2, 27: 6, 28: 6,
}  # fmt: skip
# data_type -> the typed field that may hold it instead, and how many of its numbers make one element
_FLOATS, _INTS, _LONGS, _DOUBLES, _UNSIGNED = 4, 5, 7, 10, 11
_TYPED: Final = {
    1: (_FLOATS, 1), 14: (_FLOATS, 2), 7: (_LONGS, 1), 11: (_DOUBLES, 1), 15: (_DOUBLES, 2), 12: (_UNSIGNED, 1),
    13: (_UNSIGNED, 1),
}  # fmt: skip
_WIDTH: Final = {_FLOATS: (FIXED32, 4), _DOUBLES: (FIXED64, 8)}
_DATA: Final = {_FLOATS, _INTS, _STRINGS, _LONGS, _RAW, _DOUBLES, _UNSIGNED}


def check_tensor(wire: Wire, limits: FormatLimits) -> None:
    """Check the lengths of one tensor, whose fields are already known to be allowed.

    Raises:
        Misfit: ``format_onnx_tensor``, ``format_overflow``, ``format_too_large``.
    """
    shape: list[int] = []
    kind = 0
    held: dict[int, int] = {}
    for field in wire.fields():
        if field.number == _DIMS:
            shape.extend(_numbers(field, limits))
            within("dimensions", len(shape), limits.max_dimensions)
        elif field.number == _TYPE and isinstance(field.value, int):
            kind = field.value
        elif field.number in _DATA:
            held[field.number] = held.get(field.number, 0) + _count(field)
    _check_held(kind, _elements(shape), held)


def check_sparse(wire: Wire, limits: FormatLimits) -> None:
    """Check the shape of one sparse tensor; its values and their places are tensors, judged as such.

    Raises:
        Misfit: ``format_onnx_tensor``, ``format_overflow``, ``format_too_large``.
    """
    shape: list[int] = []
    for field in wire.fields():
        if field.number == _SPARSE_DIMS:
            shape.extend(_numbers(field, limits))
            within("dimensions", len(shape), limits.max_dimensions)
    within("elements of a sparse tensor", _elements(shape), limits.max_sparse_elements)


def _elements(shape: list[int]) -> int:
    if any(dimension >= _MOST for dimension in shape):  # negative ones too: they are 64-bit varints
        raise Misfit("format_onnx_tensor", "a tensor has a negative dimension")
    return product(shape, _MOST)


def _check_held(kind: int, elements: int, held: dict[int, int]) -> None:
    if kind not in _BITS and kind != _STRING:
        raise Misfit("format_onnx_tensor", "a tensor is of no known type")
    if len(held) > 1:
        raise Misfit("format_onnx_tensor", "a tensor holds its data twice")
    where, have = next(iter(held.items()), (_RAW, 0))
    if have != _wanted(kind, elements, where):
        raise Misfit("format_onnx_tensor", f"a tensor of {elements} elements does not hold as many")


def _wanted(kind: int, elements: int, where: int) -> int:
    if kind == _STRING:
        return elements if where == _STRINGS else 0 if not elements else -1
    bits = _BITS[kind]
    if where == _RAW:
        return -(-elements * bits // 8)
    field, numbers = _TYPED.get(kind, (_INTS, 1))
    if where != field:
        return -1
    if field == _INTS and bits < 8:  # noqa: PLR2004 - several elements share one number of eight bits
        return -(-elements * bits // 8)
    return elements * numbers


def _numbers(field: Field, limits: FormatLimits) -> list[int]:
    if isinstance(field.value, int):
        return [field.value]
    within("bytes of dimensions", len(field.value), limits.max_dimensions * 10)
    return unpack(field.value)


def unpack(data: Bytes) -> list[int]:
    """Return the packed numbers of a short field."""
    numbers: list[int] = []
    at = 0
    while at < len(data):
        number, at = varint(data, at)
        numbers.append(number)
    return numbers


def _count(field: Field) -> int:
    if not isinstance(field.value, memoryview):
        return 1
    if field.number == _RAW:
        return len(field.value)
    if field.number == _STRINGS or field.wire != LENGTH:
        return 1
    wire, width = _WIDTH.get(field.number, (VARINT, 1))
    if wire == VARINT:
        return count_varints(field.value)
    if len(field.value) % width:
        raise Misfit("format_onnx_tensor", "a tensor ends inside an element")
    return len(field.value) // width
