r"""safetensors: eight bytes of length, a JSON header, and the tensors, one after the other without a gap.

1. The header is at most ``max_header_bytes``, begins with ``{``, is strict JSON, and only spaces follow it.
2. Each tensor has exactly ``dtype``, ``shape`` and ``data_offsets``; ``__metadata__`` maps text to text.
3. Shape times size of an element is the length of its span, computed without overflow.
4. The spans in order begin at 0, leave no gap, overlap nowhere, and end where the file ends.

So no byte of the file is without a tensor that it belongs to, and a loader that maps the file reads nothing beside it.

>>> check_safetensors(memoryview(b"\x02" + bytes(7) + b"{}"))
"""

import re
from typing import Any, Final

from ostiary.artifacts.formats.limits import DEFAULT_LIMITS, FormatLimits
from ostiary.artifacts.formats.misfit import Bytes, Misfit, product, shown, within
from ostiary.artifacts.formats.strict_json import strict_json

_PREFIX: Final = 8
_MEMBERS: Final = {"dtype", "shape", "data_offsets"}
_MOST: Final = 2**60  # elements; far more than a file can hold, far less than 64 bits overflow
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# https://docs.rs/safetensors: Dtype; bits of one element.
_BITS: Final = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


def check_safetensors(data: Bytes, limits: FormatLimits = DEFAULT_LIMITS) -> None:
    """Check one safetensors file.

    Raises:
        Misfit: any ``format_safetensors_…``, or a reason of strict JSON about the header.
    """
    header, begin = _header(data, limits)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Misfit("format_safetensors_header", "`__metadata__` does not map text to text")
    within("tensors", len(header), limits.max_tensors)
    spans = sorted(_span(name, tensor, limits) for name, tensor in header.items())
    _check_spans(spans, len(data) - begin)


def _header(data: Bytes, limits: FormatLimits) -> tuple[dict[str, Any], int]:
    if len(data) < _PREFIX:
        raise Misfit("format_safetensors_truncated", "it is shorter than the length of its header")
    size = int.from_bytes(data[:_PREFIX], "little")
    within("bytes of header", size, limits.max_header_bytes)
    begin = _PREFIX + size
    if begin > len(data):
        raise Misfit("format_safetensors_truncated", f"its header has {size} bytes and the file ends before")
    if bytes(data[_PREFIX : _PREFIX + 1]) != b"{":
        raise Misfit("format_safetensors_header", "its header does not begin with a brace")
    if bytes(data[_PREFIX:begin]).rstrip(b" ")[-1:] != b"}":
        raise Misfit("format_safetensors_header", "its header ends in something else than spaces")
    return strict_json(data[_PREFIX:begin], limits, limits.max_header_bytes), begin


def _span(name: str, tensor: Any, limits: FormatLimits) -> tuple[int, int]:
    within("bytes in a name", len(name), limits.max_name_bytes)
    if not isinstance(tensor, dict) or tensor.keys() != _MEMBERS or _CONTROL.search(name):
        raise Misfit("format_safetensors_header", f"the tensor {shown(name)} is not told by dtype, shape and offsets")
    bits = _BITS.get(tensor["dtype"]) if isinstance(tensor["dtype"], str) else None
    if bits is None:
        raise Misfit("format_safetensors_dtype", f"the tensor {shown(name)} has no known dtype")
    shape, offsets = _numbers(name, tensor["shape"]), _numbers(name, tensor["data_offsets"])
    within("dimensions", len(shape), limits.max_dimensions)
    if len(offsets) != 2 or offsets[0] > offsets[1]:  # noqa: PLR2004 - begin and end
        raise Misfit("format_safetensors_offsets", f"the tensor {shown(name)} ends before it begins")
    if product(shape, _MOST) * bits != (offsets[1] - offsets[0]) * 8:
        raise Misfit("format_safetensors_size", f"the tensor {shown(name)} is not as long as its shape says")
    return offsets[0], offsets[1]


def _numbers(name: str, value: Any) -> list[int]:
    # type() and not isinstance(): true is an int to Python and not to the format
    if not isinstance(value, list) or any(type(number) is not int or not 0 <= number < _MOST for number in value):
        raise Misfit("format_safetensors_header", f"the tensor {shown(name)} has a size that is no natural number")
    return value


def _check_spans(spans: list[tuple[int, int]], length: int) -> None:
    at = 0
    for begin, end in spans:
        if begin != at:
            code = "format_safetensors_overlap" if begin < at else "format_safetensors_gap"
            raise Misfit(code, f"the bytes from {min(at, begin)} belong to {'two tensors' if begin < at else 'none'}")
        at = end
    if at != length:
        code = "format_safetensors_truncated" if at > length else "format_safetensors_gap"
        raise Misfit(code, f"its tensors end at {at} and the file at {length}")
