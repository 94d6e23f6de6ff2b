"""Texts hidden in characters that are drawn as nothing, read back so that they can be looked into as well.

- Tag characters mirror ASCII. The flags of England, Scotland and the like are made of them honestly, and are left out.
- Variation selectors carry one byte each (FE00-FE0F the first 16, E0100-E01EF the others), read as UTF-8.
- Two kinds of zero-width characters in a long row carry bits, eight to a character, either kind being the one.

>>> [one.text for one in hidden_texts("ok" + "".join(chr(0xE0000 + ord(c)) for c in "obey"))]
['obey']
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

MAX_HIDDEN: Final = 16
_MAX_CHARS: Final = 65_536
_SHORTEST: Final = 4
_FLAG: Final = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_TAGS: Final = re.compile("[\U000e0000-\U000e007f]+")
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
_BITS: Final = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff]{32,}")
_FIRST: Final = 0xFE00
_OTHERS: Final = 0xE0100


class Hidden(msgspec.Struct, frozen=True):
    """A text that was not to be seen.

    Attributes:
        kind: ``tag``, ``variation`` or ``bits``.
        text: what it says.
        start, end: from its first to its last character in the text as it came.
    """

    kind: str
    text: str
    start: int
    end: int


def hidden_texts(text: str) -> tuple[Hidden, ...]:
    """Return what is hidden in ``text``, at most ``MAX_HIDDEN`` pieces."""
    found = [*_tags(text), *_selectors(text), *_bits(text)]
    return tuple(found[:MAX_HIDDEN])


def _tags(text: str) -> Iterator[Hidden]:
    flags = [match.span() for match in _FLAG.finditer(text)]
    runs = [match for match in _TAGS.finditer(text) if not any(a < match.start() < b for a, b in flags)]
    told = "".join(chr(ord(char) - 0xE0000) for run in runs for char in run.group())
    said = "".join(char for char in told[:_MAX_CHARS] if char.isprintable() or char.isspace())
    if said.strip():
        yield Hidden("tag", said, runs[0].start(), runs[-1].end())


def _selectors(text: str) -> Iterator[Hidden]:
    runs = [match for match in _SELECTORS.finditer(text) if len(match.group()) > 1]
    if not runs:
        return
    told = bytes(_byte(ord(char)) for run in runs for char in run.group()[:_MAX_CHARS])
    said = "".join(char for char in told[:_MAX_CHARS].decode("utf-8", "ignore") if char.isprintable() or char.isspace())
    if len(said) >= _SHORTEST:
        yield Hidden("variation", said, runs[0].start(), runs[-1].end())


def _byte(code: int) -> int:
    return code - _OTHERS + 16 if code >= _OTHERS else code - _FIRST


def _bits(text: str) -> Iterator[Hidden]:
    for match in _BITS.finditer(text):
        kinds = sorted(set(match.group()))
        if len(kinds) == 2:  # noqa: PLR2004 - zero and one
            yield from _read_bits(match, kinds[0], kinds[1])


def _read_bits(match: re.Match[str], one: str, other: str) -> Iterator[Hidden]:
    row = match.group()[: 8 * _MAX_CHARS]
    for zero in (one, other):
        digits = "".join("0" if char == zero else "1" for char in row)
        told = "".join(chr(int(digits[at : at + 8], 2)) for at in range(0, len(digits) - 7, 8))
        if told.isascii() and told.isprintable():
            yield Hidden("bits", told, match.start(), match.end())
