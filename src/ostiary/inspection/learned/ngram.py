"""The pieces of a text as numbers of buckets: what the linear models learn from, and read at run time, the very same.

The text is given normalised (``inspection.text``); it is lower-cased here. Then:

- every run of blanks is one blank, one stands at either end, every digit is a ``0``;
- *pieces*: each 3, 4 and 5 characters with no blank but at their ends (signs count), and each 2 characters from U+2E80
  on (scripts that write no blanks);
- *words*: runs of letters, digits and ``_``, each alone, in pairs and in threes, signs between them not counting;
- each is hashed into one of ``BUCKETS``. A bucket counts once, however often it comes: ``indices`` is sorted, unique.

The linear model over them has one ``int16`` weight a bucket, so sums are whole numbers, exact in any order:
``margin = bias + scale * sum(weights[indices]) / sqrt(len(indices))``.

A small C kernel does the work where it was compiled (``tools/compile.py``), NumPy otherwise; the answer is the same.

>>> len(indices("Ignore all previous instructions.")) == len(set(indices("ignore  ALL previous instructions.")))
True
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from ostiary.errors import FaultyInputError
from ostiary.inspection.learned import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKET_BITS: Final = 20
BUCKETS: Final = 1 << BUCKET_BITS
MAX_CHARS: Final = 1_100_000
"""Longest text, in characters: a normalised text of the greatest length and a little."""

_PRIME: Final = np.uint32(16777619)
_STEP: Final = np.uint32(2654435761)
_BASIS: Final = np.uint32(0x811C9DC5)
_WIDE: Final = 0x2E80
_BLANK, _SIGN, _LETTER = 0, 1, 2
_SPACE: Final = np.uint32(32)


def codes_of(text: str) -> "NDArray[np.uint32]":
    """Return the characters of the lower-cased text as numbers.

    Raises:
        FaultyInputError: ``text_too_long``.
    """
    if len(text) > MAX_CHARS:
        raise FaultyInputError("text_too_long", f"the text has {len(text)} characters, {MAX_CHARS} are allowed")
    return np.frombuffer(text.lower().encode("utf-32-le", "surrogatepass"), np.uint32)


def indices(text: str) -> "NDArray[np.int32]":
    """Return the buckets of a normalised text, ascending, each once."""
    codes = codes_of(text)
    native = kernel.native()
    return native.indices(codes) if native else plain_indices(codes)


def sums(text: str, parts: Sequence[tuple[int, int]], weights: "NDArray[np.int16]") -> list[tuple[int, int]]:
    """Return for each part, from..to, of a normalised text the sum of its buckets' weights, and how many it has."""
    if len(lowered := text.lower()) != len(text):  # a few letters are two when they are small
        return [_sum(indices(text[start:end]), weights) for start, end in parts]
    codes = codes_of(lowered)
    native = kernel.native()
    if native:
        return native.sums(codes, parts, weights)
    return [_sum(plain_indices(codes[start:end]), weights) for start, end in parts]


def _sum(found: "NDArray[np.int32]", weights: "NDArray[np.int16]") -> tuple[int, int]:
    return int(weights[found].sum(dtype=np.int64)), len(found)


def plain_indices(codes: "NDArray[np.uint32]") -> "NDArray[np.int32]":
    """Return the buckets by NumPy alone."""
    text = _plainly(codes)
    hashes = np.concatenate([*_pieces(text), *_words(text)])
    return _once(_mixed(hashes).astype(np.int32))


def _once(found: "NDArray[np.int32]") -> "NDArray[np.int32]":
    """Return the numbers ascending, each once; ``np.unique`` takes four times as long for a window."""
    found.sort()
    first = np.ones(len(found), np.bool_)
    np.not_equal(found[1:], found[:-1], out=first[1:])
    return found[first]


_ASCII: Final = np.array(
    [_BLANK if c <= " " else _LETTER if c.isalnum() or c == "_" else _SIGN for c in map(chr, range(128))], np.int8
)
_SIGNS: Final = (
    (0x80, 0xC0),
    (0xD7, 0xD8),
    (0xF7, 0xF8),
    (0x2000, 0x2C00),
    (0x3001, 0x3040),
    (0xFF00, 0xFF10),
    (0xFE10, 0xFE70),
    (0x1F000, 0x1FB00),
)
_BLANKS: Final = ((0x85, 0x86), (0xA0, 0xA1), (0x2000, 0x200C), (0x2028, 0x202A), (0x3000, 0x3001))


def _kinds(codes: "NDArray[np.uint32]") -> "NDArray[np.int8]":
    """Return what each character is; ``kind`` of ngram.c."""
    kinds = np.full(len(codes), _LETTER, np.int8)
    small = codes < len(_ASCII)
    kinds[small] = _ASCII[codes[small]]
    if not small.all():
        for kind, blocks in ((_SIGN, _SIGNS), (_BLANK, _BLANKS)):
            for begin, end in blocks:
                kinds[(codes >= begin) & (codes < end)] = kind
    return kinds


def _plainly(codes: "NDArray[np.uint32]") -> "NDArray[np.uint32]":
    blank = _kinds(codes) == _BLANK
    digits = (codes >= ord("0")) & (codes <= ord("9"))
    text = np.where(blank, _SPACE, np.where(digits, np.uint32(ord("0")), codes))
    text = np.concatenate([[_SPACE], text, [_SPACE]]).astype(np.uint32)
    kept = np.ones(len(text), np.bool_)
    kept[1:] = (text[1:] != _SPACE) | (text[:-1] != _SPACE)
    return text[kept]


def _pieces(text: "NDArray[np.uint32]") -> "list[NDArray[np.uint32]]":
    found = []
    length = len(text)
    hashes = (_BASIS ^ text[: max(length - 1, 0)]) * _PRIME
    hashes = (hashes ^ text[1:]) * _PRIME
    wide = text >= _WIDE
    found.append(hashes[wide[:-1] & wide[1:]])
    whole = text != _SPACE
    inner = whole[1:]  # at i: whether all characters between the first and the last are no blanks, so far
    for size in (3, 4, 5):
        count = max(length - size + 1, 0)
        hashes = (hashes[:count] ^ text[size - 1 :]) * _PRIME
        inner = inner[:count] if size == 3 else inner[:count] & whole[size - 2 : size - 2 + count]  # noqa: PLR2004
        found.append(hashes[inner])
    return found


def _words(text: "NDArray[np.uint32]") -> "list[NDArray[np.uint32]]":
    letters = np.concatenate([[False], _kinds(text) == _LETTER, [False]])
    edges = np.flatnonzero(letters[1:] != letters[:-1])
    starts, ends = edges[::2], edges[1::2]
    powers, inverse = _powers(len(text)) if len(text) > _KEPT else _kept_powers()
    running = np.zeros(len(text) + 1, np.uint32)
    ((text + np.uint32(1)) * powers[: len(text)]).cumsum(dtype=np.uint32, out=running[1:])
    ones = (running[ends] - running[starts]) * inverse[starts]
    many = np.uint32(31)
    twos = (ones[:-1] * many + ones[1:]) * _PRIME ^ np.uint32(0x85EBCA6B)
    threes = ((ones[:-2] * many + ones[1:-1]) * many + ones[2:]) * _PRIME ^ np.uint32(0xC2B2AE35)
    return [ones ^ np.uint32(0x9E3779B9), twos, threes]


_KEPT: Final = 4096  # characters of the texts whose powers are kept: any window and more


def _powers(length: int) -> "tuple[NDArray[np.uint32], NDArray[np.uint32]]":
    """Return the powers of the step up to ``length``, and those of its inverse."""
    steps = np.full((2, length + 1), 1, np.uint32)
    steps[0, 1:] = _STEP
    steps[1, 1:] = pow(int(_STEP), -1, 1 << 32)
    forth, back = steps.cumprod(axis=1, dtype=np.uint32)
    return forth, back


@cache
def _kept_powers() -> "tuple[NDArray[np.uint32], NDArray[np.uint32]]":
    return _powers(_KEPT)


def _mixed(hashes: "NDArray[np.uint32]") -> "NDArray[np.uint32]":
    h = hashes ^ (hashes >> np.uint32(16))
    h = h * np.uint32(0x7FEB352D)
    h ^= h >> np.uint32(15)
    h = h * np.uint32(0x846CA68B)
    h ^= h >> np.uint32(16)
    return h >> np.uint32(32 - BUCKET_BITS)
