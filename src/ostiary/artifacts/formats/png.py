"""PNG, for the pictures of a model card: known chunks in their order, whole to the last byte, nothing hidden behind it.

- Only chunks that draw, scale or colour: a text or unknown chunk could carry anything, and none is needed.
- Every chunk's length and checksum are compared; what an image says of its size is bounded before anybody draws it.

>>> check_png(memoryview(b"GIF89a"), FormatLimits())
Traceback (most recent call last):
ostiary.artifacts.formats.misfit.Misfit: it does not begin as a PNG does
"""

import zlib
from collections.abc import Iterator
from typing import Final

from ostiary.artifacts.formats.limits import FormatLimits
from ostiary.artifacts.formats.misfit import Bytes, Misfit, within

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_FIRST: Final = b"IHDR"
_LAST: Final = b"IEND"
_ALLOWED: Final = frozenset({_FIRST, b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs", b"IDAT", _LAST})
_HEADER_BYTES: Final = 13
_AROUND: Final = 12  # length, type and checksum
_MOST_SIDE: Final = 8_192
_MOST_BYTES: Final = 4 << 20


def check_png(data: Bytes, limits: FormatLimits) -> None:
    """Check that ``data`` is one PNG and nothing else.

    Raises:
        Misfit: it is not.
    """
    del limits
    within("bytes of a picture", len(data), _MOST_BYTES)
    if bytes(data[: len(_SIGNATURE)]) != _SIGNATURE:
        raise Misfit("format_png_malformed", "it does not begin as a PNG does")
    kinds = [_checked(kind, content) for kind, content in _chunks(data)]
    if not kinds or kinds[0] != _FIRST or kinds[-1] != _LAST or b"IDAT" not in kinds:
        raise Misfit("format_png_malformed", "its chunks are not those of a picture")
    if kinds.count(_FIRST) > 1 or kinds.count(_LAST) > 1:
        raise Misfit("format_png_malformed", "it holds more than one picture")


def _chunks(data: Bytes) -> Iterator[tuple[bytes, Bytes]]:
    at = len(_SIGNATURE)
    while at < len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), bytes(data[at + 4 : at + 8])
        if at + _AROUND + length > len(data):
            raise Misfit("format_png_malformed", "a chunk of the picture is longer than the file")
        content, told = data[at + 8 : at + 8 + length], data[at + 8 + length : at + _AROUND + length]
        if zlib.crc32(data[at + 4 : at + 8 + length]) != int.from_bytes(told, "big"):
            raise Misfit("format_png_malformed", "a chunk of the picture has another checksum than it says")
        yield kind, content
        at += _AROUND + length


def _checked(kind: bytes, content: Bytes) -> bytes:
    if kind not in _ALLOWED:
        raise Misfit("format_png_malformed", "the picture holds a chunk that draws nothing")
    if kind == _FIRST:
        if len(content) != _HEADER_BYTES:
            raise Misfit("format_png_malformed", "the picture's header has another length")
        sides = (int.from_bytes(content[:4], "big"), int.from_bytes(content[4:8], "big"))
        within("pixels on a side", max(sides), _MOST_SIDE)
        if min(sides) == 0:
            raise Misfit("format_png_malformed", "the picture has no extent")
    if kind == _LAST and len(content):
        raise Misfit("format_png_malformed", "the picture's end holds something")
    return kind
