"""The allow-list of file formats: plain text, JSON, Markdown, ONNX and safetensors; nothing that runs when loaded.

- The ending picks the check, and the content must agree with it.
- A pickle, or a zip or tar that may hold one, is refused whatever its ending.

>>> check_format("card.md", b"# a card")
>>> check_format("model.txt", bytes([0x80, 4]) + b"cos.system")
Traceback (most recent call last):
ostiary.errors.VerificationError: `model.txt` holds a pickle, which runs code when it is loaded
"""

from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.errors import VerificationError

_CODE: Final = "artifact_format_refused"
_PICKLE_PROTOCOLS: Final = frozenset(range(1, 6))
_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_LIGHTGBM_HEAD: Final = b"tree\n"
_MAX_SAFETENSORS_HEADER: Final = 100_000_000  # the format's own bound on its header
_ONNX_FIRST_TAG: Final = 0x08  # protobuf: field 1 (ir_version) as varint


def check_format(name: str, data: bytes) -> None:
    """Check that ``data`` is of the allowed format that ``name`` claims.

    Raises:
        VerificationError: ``artifact_format_refused``.
    """
    _refuse_code(name, data)
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    check = _CHECKS.get(suffix)
    if check is None:
        raise VerificationError(_CODE, f"`{name[:80]}` is of no allowed format: use {', '.join(sorted(_CHECKS))}")
    if not check(data):
        raise VerificationError(_CODE, f"`{name[:80]}` does not hold what its ending `{suffix}` says")


def _refuse_code(name: str, data: bytes) -> None:
    if len(data) > 1 and data[0] == 0x80 and data[1] in _PICKLE_PROTOCOLS:  # noqa: PLR2004 - PROTO opcode
        raise VerificationError(_CODE, f"`{name[:80]}` holds a pickle, which runs code when it is loaded")
    if data.startswith(_ARCHIVES):
        raise VerificationError(_CODE, f"`{name[:80]}` holds an archive, in which a pickle may hide")


def _is_text(data: bytes) -> bool:
    try:
        return "\x00" not in data.decode()
    except UnicodeDecodeError:
        return False


def _is_lightgbm(data: bytes) -> bool:
    return data.startswith(_LIGHTGBM_HEAD) and _is_text(data)


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _is_onnx(data: bytes) -> bool:
    return bool(data) and data[0] == _ONNX_FIRST_TAG


def _is_safetensors(data: bytes) -> bool:
    size = int.from_bytes(data[:8], "little")
    fits = len(data) >= 8 and size <= min(len(data) - 8, _MAX_SAFETENSORS_HEADER)  # noqa: PLR2004 - length prefix
    return fits and data[8:9] == b"{" and _is_json(data[8 : 8 + size])


_CHECKS: Final[dict[str, Callable[[bytes], bool]]] = {
    ".json": _is_json,
    ".md": _is_text,
    ".onnx": _is_onnx,
    ".safetensors": _is_safetensors,
    ".txt": _is_lightgbm,
}
