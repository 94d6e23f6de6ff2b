r"""What each character is to the normaliser, looked up once and remembered: what to write for it, and what it betrays.

- The answer depends on the character alone; what needs its neighbours is done in ``normalise``.
- Latin letters are told without their accents: both learned detectors read them so, and rules are written so.
- A compatibility form longer than ``_LONGEST`` is left alone: one character must not become a page.

>>> told("\uff41"), told("é"), told("\u200b"), told("\U000e0041")
(('a', 'compatible'), ('e', ''), ('', 'zero_width'), ('', 'tag'))
"""

import unicodedata
from functools import lru_cache
from typing import Final

from ostiary.inspection.text.confusables import ALWAYS

GENERIC_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0489\u0610-\u061a\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f"
)
_LONGEST: Final = 6
_TAGS: Final = range(0xE0000, 0xE0080)
_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0), range(0x180B, 0x1810))
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FILLERS: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
)  # drawn as nothing, though no format characters
_BREAKS: Final = frozenset("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
_BLANKS: Final = frozenset("\u2800")
_ENCLOSED: Final = {
    0x1F110: "A",
    0x1F130: "A",
    0x1F150: "A",
    0x1F170: "A",
    0x1F1E6: "A",
}  # rows of 26 letters in frames
_PLANE_END: Final = 0x1F200
_GENERIC: Final = tuple(
    range(ord(part[0]), ord(part[-1]) + 1)
    for part in (
        "\u0300-\u036f",
        "\u0483-\u0489",
        "\u1ab0-\u1aff",
        "\u1dc0-\u1dff",
        "\u20d0-\u20ff",
        "\ufe20-\ufe2f",
    )
)


@lru_cache(maxsize=16_384)
def told(char: str) -> tuple[str, str]:
    """Return what is written for ``char``, and the name of the mark that it leaves; empty for an ordinary one."""
    if " " <= char <= "~" or char in "\n\t":
        return char, ""
    if mark := _hidden(char):
        return "", mark
    if char in _BREAKS:
        return "\n", ""
    category = unicodedata.category(char)
    if category == "Zs" or char in _BLANKS:
        return " ", ""
    if category in {"Cs", "Co", "Cn"}:
        return "\ufffd", "unassigned"
    return _folded(char)


def _hidden(char: str) -> str:
    """Return the mark of a character that is drawn as nothing."""
    code = ord(char)
    if code in _TAGS:
        return "tag"
    if any(code in block for block in _SELECTORS):
        return "variation"
    if char in _BIDI:
        return "bidi"
    if any(code in block for block in _GENERIC):
        return "combining"
    category = unicodedata.category(char)
    if category == "Cf" or char in _FILLERS:
        return "zero_width"
    return "control" if category == "Cc" and char not in _BREAKS else ""


def _folded(char: str) -> tuple[str, str]:
    """Return the compatible form, Latin without accents."""
    if letter := ALWAYS.get(char):
        return letter, "lookalike" if char not in "øłđħŧØŁĐĦŦıəƒŋ" else ""  # those are some languages' own letters
    if letter := _framed(ord(char)):
        return letter, "compatible"
    form = unicodedata.normalize("NFKC", char)
    if len(form) > _LONGEST:
        return char, ""
    plain = "".join(_bare(one) for one in form)
    mark = "compatible" if form != char and form.isascii() and form.isalnum() else ""
    return plain or " ", mark


def _bare(char: str) -> str:
    """Return a Latin letter without accents, another character as it is; nothing for an accent alone."""
    if char.isascii():
        return char
    if any(ord(char) in block for block in _GENERIC):
        return ""
    base = unicodedata.normalize("NFD", char)[0]
    return base if base.isascii() else ALWAYS.get(char, char)


def _framed(code: int) -> str:
    """Return the letter inside a frame, circle or square; regional indicators are such letters too."""
    if not 0x1F110 <= code < _PLANE_END:  # noqa: PLR2004 - where that block begins
        return ""
    for begin, letter in _ENCLOSED.items():
        if begin <= code < begin + 26:
            return chr(ord(letter) + code - begin)
    return ""
