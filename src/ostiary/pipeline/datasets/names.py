r"""Names of objects inside a dataset: one spelling for one object, and nothing that leads elsewhere.

1. A name is UTF-8 in NFC, at most 1024 bytes, of segments of at most 255 bytes, parted by single slashes.
2. No segment is empty, ``.`` or ``..``; none begins with ``.ostiary``, which is the door's own.
3. Characters that nobody sees, that turn the direction of writing, or that a store would spell otherwise (``%``,
   ``\``, ``*`` …) are refused, not cleaned: cleaning would give one object two names, and a decision is about one.
4. The server decodes a path once. What still holds a percent sign afterwards was encoded twice, and is refused.

>>> check_name("2026/sales.parquet")
'2026/sales.parquet'
>>> check_name("2026/../secret")
Traceback (most recent call last):
ostiary.errors.FaultyInputError: the object's name holds the segment `..`
"""

import unicodedata
from typing import Final

from ostiary.errors import FaultyInputError

NAME_INVALID: Final = "object_name_invalid"
MAX_BYTES: Final = 1024
MAX_SEGMENT: Final = 255
OWN: Final = ".ostiary"
# What object stores escape in keys of theirs, and what shells and URLs read as more than a character.
_REFUSED: Final = frozenset('\\%{}^`[]"<>~#|*?:')
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_REPLACED: Final = "\ufffd"  # what a lenient decoder leaves where bytes were no UTF-8


def check_name(name: str) -> str:
    """Return ``name`` when it may name an object.

    Raises:
        FaultyInputError: ``object_name_invalid``; the text never repeats what cannot be printed.
    """
    _check_characters(name)
    for segment in name.split("/"):
        _check_segment(segment)
    return name


def check_prefix(prefix: str) -> str:
    """Return ``prefix`` without a slash at its end, when it may name a folder; empty is the whole dataset.

    Raises:
        FaultyInputError: ``object_name_invalid``.
    """
    folder = prefix.removesuffix("/")
    return check_name(folder) if folder else ""


def is_below(name: str, folder: str) -> bool:
    """Return whether an object or folder lies in ``folder``; a folder ends where a segment ends.

    >>> is_below("a/b", "a"), is_below("ab", "a"), is_below("a", "a"), is_below("x", "")
    (True, False, True, True)
    """
    return not folder or name == folder or name.startswith(folder + "/")


def join(folder: str, name: str) -> str:
    """Return ``name`` inside ``folder``; either may be empty."""
    return f"{folder}/{name}" if folder and name else folder or name


def printable(name: str) -> str:
    """Return a name as it may stand in a log line: of one line, of plain characters, of bounded length."""
    return name[:MAX_BYTES].encode("unicode_escape").decode("ascii")[:MAX_BYTES]


def _check_characters(name: str) -> None:
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise _invalid("the object's name is no Unicode text") from None
    if not 0 < length <= MAX_BYTES:
        raise _invalid(f"an object's name has 1 to {MAX_BYTES} bytes")
    for character in name:
        if character in _REFUSED or character == _REPLACED or unicodedata.category(character) in _UNSEEN:
            raise _invalid(f"the object's name holds the character U+{ord(character):04X}")
    if not unicodedata.is_normalized("NFC", name):
        raise _invalid("the object's name is not in Unicode form NFC")


def _check_segment(segment: str) -> None:
    if segment in {"", ".", ".."}:
        raise _invalid(f"the object's name holds the segment `{segment}`")
    if segment.startswith(OWN):
        raise _invalid(f"names that begin with `{OWN}` are the door's own")
    if segment != segment.strip():
        raise _invalid("a segment of the object's name begins or ends with a space")
    if len(segment.encode()) > MAX_SEGMENT:
        raise _invalid(f"a segment of an object's name has at most {MAX_SEGMENT} bytes")


def _invalid(text: str) -> FaultyInputError:
    return FaultyInputError(NAME_INVALID, text)
