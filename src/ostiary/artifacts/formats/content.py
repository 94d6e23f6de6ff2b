"""What bytes are, whatever their name says: archives, pickles, and files that are two things at once.

A file is loaded by whoever opens it, not by its ending: ``zipfile`` finds an archive at the *end* of a file, joblib
decompresses what begins with ``x``, HDF5 looks at every power of two, tar trusts a checksum. So a file of an allowed
format is refused when one of them would find something in it.

- pickle: protocols 2-5 by the first byte, 0 and 1 by walking the opcodes (``pickles.machine``).
- archives: zip (also appended), gzip, bzip2, xz, zstandard, lz4, 7z, rar, zlib, tar.
- foreign models: HDF5 (Keras: a Lambda layer is byte code), NumPy, GGUF, TorchScript, TFLite, Parquet, programs.

GGUF is data only and still not on the list: nothing of ours loads it, its readers have a history of memory errors, and
the chat template in its metadata is a program that runs.
"""

import tarfile
import zlib
from typing import Final

from ostiary.artifacts.formats.misfit import Bytes
from ostiary.artifacts.pickles.machine import runs_code

_HEADS: Final = (
    (b"PK\x03\x04", "zip archive"),
    (b"PK\x05\x06", "zip archive"),
    (b"PK\x07\x08", "zip archive"),
    (b"\x1f\x8b\x08", "gzip archive"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ\x00", "xz archive"),
    (b"\x5d\x00\x00\x80\x00", "lzma archive"),
    (b"\x28\xb5\x2f\xfd", "zstandard archive"),
    (b"\x04\x22\x4d\x18", "lz4 archive"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"Rar!\x1a\x07", "rar archive"),
    (b"\x93NUMPY", "NumPy array"),
    (b"GGUF", "GGUF model"),
    (b"TFL3", "TFLite model"),
    (b"PAR1", "Parquet file"),
    (b"\x7fELF", "program"),
    (b"MZ\x90", "program"),
    (b"#!/", "program"),
    (b"#! /", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
)
# FlatBuffers tell what they are behind their first offset. ONNX Runtime looks for its own before it looks for ONNX.
_FLATBUFFERS: Final = {b"ORTM": "ONNX Runtime model", b"TFL3": "TFLite model"}
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_HDF5_FIRST: Final = 512
_EOCD: Final = b"PK\x05\x06"
_EOCD_SIZE: Final = 22
_EOCD_TAIL: Final = _EOCD_SIZE + 65_535
_CENTRAL: Final = b"PK\x01\x02"
_PROBE: Final = 4_096
_PROTO: Final = 0x80
_PROTOCOL: Final = 5


def foreign(data: Bytes) -> str:
    """Return what ``data`` is or hides, for a person; nothing when it is none of what is known to be dangerous.

    Work and memory do not grow with the file, but for one look at every power of two.
    """
    head = bytes(data[: tarfile.BLOCKSIZE])
    for magic, name in _HEADS:
        if head.startswith(magic):
            return name
    if _is_hdf5(data):
        return "HDF5 file (Keras: a Lambda layer in it is byte code)"
    if _is_tar(head):
        return "tar archive"
    if _zip_at_end(data):
        return "zip archive at its end"
    if head[:1] == b"\x78" and _inflates(data):
        return "zlib stream (joblib)"
    return _FLATBUFFERS.get(head[4:8], "")


def hides_pickle(data: Bytes) -> bool:
    """Return whether an unpickler that is given ``data`` would import something, or take it for one whole pickle."""
    return runs_code(data)


def begins_pickle(data: Bytes) -> bool:
    """Return whether ``data`` begins as pickles do since protocol 2, whatever follows."""
    return len(data) > 1 and data[0] == _PROTO and 1 < data[1] <= _PROTOCOL


def _is_hdf5(data: Bytes) -> bool:
    at = 0
    while at < len(data):
        if bytes(data[at : at + len(_HDF5)]) == _HDF5:
            return True
        at = at * 2 or _HDF5_FIRST
    return False


def _is_tar(head: bytes) -> bool:
    """Return whether the first block is the head of a tar member; its checksum has several spellings."""
    if len(head) < tarfile.BLOCKSIZE:
        return False
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def _zip_at_end(data: Bytes) -> bool:
    tail = bytes(data[-_EOCD_TAIL:])
    at = tail.rfind(_EOCD)
    while at >= 0:
        begin = len(data) - len(tail) + at
        size, told = (int.from_bytes(tail[at + place : at + place + 4], "little") for place in (12, 16))
        # Python looks for the directory right before its end, torch (miniz) and others where the end says that it is.
        places = (max(begin - size, 0), told)
        if at + _EOCD_SIZE <= len(tail) and size and any(bytes(data[one:][:4]) == _CENTRAL for one in places):
            return True
        if b"PK\x06\x07" in tail[max(at - 20, 0) : at]:  # the locator of a zip64 directory
            return True
        at = tail.rfind(_EOCD, 0, at)
    return False


def _inflates(data: Bytes) -> bool:
    try:
        return bool(zlib.decompressobj().decompress(data[:_PROBE], 1))
    except zlib.error:
        return False
