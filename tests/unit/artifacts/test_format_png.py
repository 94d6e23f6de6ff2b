"""The pictures of a model card: one PNG, whole, with nothing in it that draws nothing."""

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.artifacts.formats import check_format
from ostiary.errors import VerificationError

BEGIN = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def header(width: int = 1, height: int = 1) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


DOT = chunk(b"IDAT", zlib.compress(b"\0\0"))
END = chunk(b"IEND")
WHOLE = BEGIN + header() + DOT + END


def test_a_picture_is_fine() -> None:
    check_format("det.png", WHOLE)


def test_what_the_report_extra_draws_is_fine() -> None:
    figures = pytest.importorskip("matplotlib.figure")
    written = BytesIO()
    figures.Figure().savefig(written, format="png", metadata={"Software": None})
    check_format("det.png", written.getvalue())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        BEGIN,
        BEGIN + header() + END,
        header() + DOT + END,
        WHOLE + b"PK\x03\x04",
        WHOLE + WHOLE[len(BEGIN) :],
        BEGIN + DOT + header() + END,
        BEGIN + header() + chunk(b"tEXt", b"a\0b") + DOT + END,
        BEGIN + header() + chunk(b"eVIL", b"x") + DOT + END,
        BEGIN + header(0, 1) + DOT + END,
        BEGIN + header(1 << 30, 1) + DOT + END,
        BEGIN + header() + DOT + chunk(b"IEND", b"x"),
        WHOLE[:-1],
        WHOLE.replace(DOT, DOT[:-1] + b"\0"),
        b"GIF89a" + WHOLE,
        WHOLE + b"\0" * (5 << 20),
    ],
)
def test_everything_else_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError) as refused:
        check_format("det.png", data)
    assert refused.value.code == "artifact_format_refused"


@given(at=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
def test_no_changed_byte_is_a_fault_of_ours(at: int, byte: int) -> None:
    changed = WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :]
    if changed == WHOLE:
        return
    with pytest.raises(VerificationError):
        check_format("det.png", changed)
