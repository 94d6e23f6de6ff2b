"""Number tables of a model as safetensors: a header that says what lies where, then plain little-endian numbers.

- Nothing in the format runs when it is read; every table's type, shape and place is checked against the bytes.
- The same tables give the same bytes.

>>> import numpy as np
>>> unpack(pack({"edges": np.array([[1, 2]])}))["edges"].tolist()
[[1, 2]]
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.errors import FaultyInputError

Array = npt.NDArray[Any]

_TYPES: Final[dict[str, np.dtype[Any]]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
}
_MOST_HEADER: Final = 1 << 20
_LENGTH: Final = 8
_DIMENSIONS: Final = 2


class _Place(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def pack(tables: Mapping[str, Array]) -> bytes:
    """Return ``tables`` in one file, in name order."""
    names = {kind: name for name, kind in _TYPES.items()}
    header: dict[str, _Place] = {}
    parts: list[bytes] = []
    at = 0
    for name in sorted(tables):
        table = np.ascontiguousarray(tables[name])
        kind = names[table.dtype.newbyteorder("<")]
        data = table.astype(_TYPES[kind], copy=False).tobytes()
        header[name] = _Place(kind, table.shape, (at, at + len(data)))
        parts.append(data)
        at += len(data)
    head = msgspec.json.encode(header)
    head += b" " * (-len(head) % _LENGTH)
    return b"".join([len(head).to_bytes(_LENGTH, "little"), head, *parts])


def unpack(data: bytes) -> dict[str, Array]:
    """Return the tables of a file.

    Raises:
        FaultyInputError: ``model_malformed``.
    """
    size = int.from_bytes(data[:_LENGTH], "little")
    if len(data) < _LENGTH or size > min(len(data) - _LENGTH, _MOST_HEADER):
        raise _malformed("its header does not fit")
    try:
        header = msgspec.json.decode(data[_LENGTH : _LENGTH + size], type=dict[str, _Place])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise _malformed("its header is no JSON of that form") from fault
    body = memoryview(data)[_LENGTH + size :]
    return {name: _table(place, body) for name, place in header.items()}


def _table(place: _Place, body: memoryview) -> Array:
    kind = _TYPES.get(place.dtype)
    begin, end = place.data_offsets
    if kind is None or len(place.shape) > _DIMENSIONS or any(length < 0 for length in place.shape):
        raise _malformed("a table has another type or shape")
    if not 0 <= begin <= end <= len(body) or end - begin != kind.itemsize * math.prod(place.shape):
        raise _malformed("a table lies outside the file or has another size than it says")
    table: Array = np.frombuffer(body[begin:end], dtype=kind).reshape(place.shape)
    return table


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("model_malformed", f"a table file of the model is malformed: {text}")
