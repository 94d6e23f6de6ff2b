"""Runs inside the conversion sandbox, alone: `python -I program.py SOURCE TARGET`. Standard library only.

- The unpickler knows the few names of the allow-list, and gives stubs for them: tuples and dictionaries, no code.
- torch checkpoints (zip), NumPy arrays (``.npy``, ``.npz``) become safetensors; a LightGBM ``Booster`` its own text.
- Every number is compared with the bytes that are there. A fault ends it with status 1 and one line.

It is not imported by Ostiary; ``convert`` hands its text to the sandbox.
"""

import collections
import io
import json
import math
import pickle  # noqa: TID251 - this is the one place where one is read: in a sandbox, with stubs for all names
import re
import sys
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

_DTYPES = {
    "DoubleStorage": ("F64", 8), "FloatStorage": ("F32", 4), "HalfStorage": ("F16", 2), "BFloat16Storage": ("BF16", 2),
    "LongStorage": ("I64", 8), "IntStorage": ("I32", 4), "ShortStorage": ("I16", 2), "CharStorage": ("I8", 1),
    "ByteStorage": ("U8", 1), "BoolStorage": ("BOOL", 1),
}  # fmt: skip
_NUMPY = {
    "f8": ("F64", 8), "f4": ("F32", 4), "f2": ("F16", 2), "i8": ("I64", 8), "i4": ("I32", 4), "i2": ("I16", 2),
    "i1": ("I8", 1), "u8": ("U64", 8), "u4": ("U32", 4), "u2": ("U16", 2), "u1": ("U8", 1), "b1": ("BOOL", 1),
}  # fmt: skip
_HEAD = re.compile(
    rb"\{'descr': '[<|]([a-z][0-9])', 'fortran_order': False, 'shape': \(((?:[0-9]+, ?)*(?:[0-9]+)?)\), \} *\n?"
)
_MOST = 1 << 30
_PERSISTENT = 5  # members of the tuple that torch names a storage by


class Storage(NamedTuple):
    """Raw numbers that a tensor looks at."""

    dtype: str
    width: int
    key: str
    length: int


class Tensor(NamedTuple):
    """A tensor as a pickle tells it."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Booster:
    """Takes the state of a LightGBM model and does nothing with it."""


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, Storage) or any(type(one) is not int or not 0 <= one < _MOST for one in numbers):
        fail("a tensor is not told as it should be")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _parameter(data: Any, *_: Any) -> Any:
    return data


_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("collections", "defaultdict"): lambda *_: {},
    ("lightgbm.basic", "Booster"): Booster,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    **{("torch", name): name for name in _DTYPES},
}


class Reader(pickle.Unpickler):
    """Reads a pickle whose every name is a stub."""

    def find_class(self, module: str, name: str) -> Any:  # type: ignore[explicit-override] # noqa: D102
        found = _NAMES.get((module, name))
        return found if found is not None else fail(f"it imports {module!r} {name!r}")

    def persistent_load(self, told: Any) -> Storage:  # type: ignore[explicit-override] # noqa: D102
        if not isinstance(told, tuple) or len(told) != _PERSISTENT or told[0] != "storage" or told[1] not in _DTYPES:
            fail("it asks for what is no storage")
        dtype, width = _DTYPES[told[1]]
        return Storage(dtype, width, str(told[2]), int(told[4]))


def fail(text: str) -> Any:
    """End with status 1."""
    sys.stderr.write(f"cannot convert: {text}\n")
    raise SystemExit(1)


def from_torch(archive: zipfile.ZipFile) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Return the tensors of a checkpoint."""
    (told,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    root = told.removesuffix("data.pkl")
    found = Reader(io.BytesIO(archive.read(told))).load()
    raw: dict[str, bytes] = {}
    tensors = {}
    for name, one in flat(found, ""):
        key = one.storage.key
        if key not in raw:
            raw[key] = archive.read(f"{root}data/{key}")
        tensors[name] = (one.storage.dtype, one.shape, numbers(one, raw[key]))
    return tensors


def flat(value: Any, path: str) -> list[tuple[str, Tensor]]:
    """Return the tensors of nested dictionaries by dotted names; what is no tensor is left out."""
    if isinstance(value, Tensor):
        return [(path or "tensor", value)]
    if not isinstance(value, dict):
        return []
    return [one for name, inner in value.items() for one in flat(inner, f"{path}.{name}" if path else str(name))]


def numbers(one: Tensor, raw: bytes) -> bytes:
    """Return a tensor's numbers in their order."""
    width = one.storage.width
    if 0 in one.shape:
        return b""
    last = one.offset + sum((size - 1) * stride for size, stride in zip(one.shape, one.strides, strict=True))
    if len(raw) != one.storage.length * width or last >= one.storage.length or math.prod(one.shape) > _MOST:
        fail("a tensor looks at numbers that are not there")
    dense, step = [], 1
    for size in reversed(one.shape):
        dense.append(step)
        step *= size
    if tuple(reversed(dense)) == one.strides:
        return raw[one.offset * width : (one.offset + step) * width]
    places = [one.offset]
    for size, stride in zip(one.shape, one.strides, strict=True):
        places = [place + at * stride for place in places for at in range(size)]
    return b"".join(raw[place * width : (place + 1) * width] for place in places)


def from_array(data: bytes) -> tuple[str, tuple[int, ...], bytes]:
    """Return an array of NumPy."""
    wide = {1: 2, 2: 4, 3: 4}.get(data[6], 0)
    begin = 8 + wide + int.from_bytes(data[8 : 8 + wide], "little")
    told = _HEAD.fullmatch(data[8 + wide : begin])
    if data[:6] != b"\x93NUMPY" or not wide or told is None or told[1].decode() not in _NUMPY:
        fail("an array is of a kind that safetensors has not, or not in rows")
        raise SystemExit(1)
    dtype, _ = _NUMPY[told[1].decode()]
    return dtype, tuple(int(part) for part in told[2].decode().replace(" ", "").split(",") if part), data[begin:]


def safetensors(tensors: dict[str, tuple[str, tuple[int, ...], bytes]]) -> bytes:
    """Return a safetensors file."""
    header, at = {}, 0
    for name, (dtype, shape, data) in sorted(tensors.items()):
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(data for _, (_, _, data) in sorted(tensors.items()))


def converted(data: bytes) -> bytes:
    """Return the new file's bytes."""
    if data[:6] == b"\x93NUMPY":
        return safetensors({"array": from_array(data)})
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if any(name.endswith("/data.pkl") for name in names):
                return safetensors(from_torch(archive))
            return safetensors({name.removesuffix(".npy"): from_array(archive.read(name)) for name in names})
    found = Reader(io.BytesIO(data)).load()
    text = vars(found).get("_handle", vars(found).get("handle")) if isinstance(found, Booster) else None
    return text.encode() if isinstance(text, str) else fail("it is no checkpoint, array or model of LightGBM")


def main(source: str, target: str) -> None:
    """Convert one file."""
    try:
        made = converted(Path(source).read_bytes())
    except (pickle.UnpicklingError, zipfile.BadZipFile, ValueError, KeyError, TypeError, IndexError, EOFError) as fault:
        fail(type(fault).__name__)
    else:
        Path(target).write_bytes(made)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
