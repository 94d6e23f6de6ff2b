r"""The shape of a text: one byte for each character, its class, so that what cannot stand in it is known at once.

- Regular expressions cost some ten microseconds for each pattern and thousand characters, most of them for texts that
  hold nothing of the kind. A shape is made by one pass of ``bytes.translate`` and asked with ``in``: what every match
  must have in it is looked for first. A shape never decides that something *is* there.
- Characters beyond ASCII are ``?`` in ``plain``: one byte each, so places are those of the text. As they may be blanks,
  digits or anything else to a pattern, whoever asks a shape counts them as what would not rule a match out.

>>> classed({"a": "abc", "0": "123"}).of("a1-\u00e9")
b'a0  '
"""

from collections.abc import Mapping, Sequence
from typing import Final

BLANK: Final = b" "


def plain(text: str) -> bytes:
    """Return the text with ``?`` for each character beyond ASCII, lone surrogates too: as long as the text."""
    return text.encode("ascii", "replace")


class Shape:
    """Writes for each character of a text its class."""

    __slots__ = ("_table",)

    def __init__(self, table: bytes) -> None:
        """Take the class of each byte."""
        self._table = table

    def of(self, text: str) -> bytes:
        """Return the shape of a text."""
        return plain(text).translate(self._table)

    def read(self, raw: bytes) -> bytes:
        """Return the shape of a text that is plain already."""
        return raw.translate(self._table)


def classed(classes: Mapping[str, str], rest: str = " ") -> Shape:
    """Return what writes each name of ``classes``, one character, for the characters it stands for, else ``rest``."""
    table = bytearray(rest.encode() * 256)
    for name, characters in classes.items():
        for character in characters.encode("ascii"):
            table[character] = ord(name)
    return Shape(bytes(table))


def in_a_row(shape: bytes, count: int) -> bool:
    """Return whether ``count`` single letters ``a`` may stand in a row, one to three blanks between them."""
    apart = shape.replace(b"   ", BLANK).replace(b"  ", BLANK)
    return b" a" * count + BLANK in b"".join((BLANK, apart, BLANK))


def words_with(shape: bytes, parts: Sequence[bytes]) -> list[tuple[int, int]]:
    """Return from where to where each word of a shape goes that has one of ``parts`` in it; blanks end words."""
    spans = set[tuple[int, int]]()
    for part in parts:
        at = shape.find(part)
        while at >= 0:
            end = shape.find(BLANK, at)
            end = len(shape) if end < 0 else end
            spans.add((shape.rfind(BLANK, 0, at) + 1, end))
            at = shape.find(part, end)
    return sorted(spans)
