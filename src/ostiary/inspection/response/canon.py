r"""One character as the watches see it: other digits as ASCII, dashes as ``-``, invisible ones not at all.

- It only serves matching: what is released is always the text as it came.
- A character becomes at most one character, so that positions stay; ``""`` means that nobody sees it.

>>> canonical("\uff21"), canonical("\u0664"), canonical("\u200b"), canonical("\u2013"), canonical("\u00e9")
('A', '4', '', '-', 'é')
"""

import unicodedata
from functools import lru_cache
from typing import Final

_UNSEEN: Final = frozenset({"Cf", "Mn", "Me"})  # joiners, tags, marks: they hide in words and look like nothing
_SAME: Final = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u2028": "\n",
    "\u2029": "\n",
    "\x9b": "\x1b",
}
_CLASSES: Final = {"Pd": "-", "Zs": " "}
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters without a shape


@lru_cache(maxsize=8192)
def canonical(character: str) -> str:
    """Return what the watches see of ``character``; ASCII is itself."""
    if character < "\x80":
        return character
    if character in _SAME:
        return _SAME[character]
    category = unicodedata.category(character)
    if category in _UNSEEN or character in _FILLERS:
        return ""
    if category in _CLASSES or character == "\u2212":
        return _CLASSES.get(category, "-")
    if category == "Nd":
        return str(unicodedata.digit(character))
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 else character
