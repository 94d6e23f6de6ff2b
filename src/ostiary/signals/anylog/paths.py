"""Where a column lies, and texts that join several of them.

Rules:
- In a table a column is its name as the header writes it, dots and all, or its number from 1 where there is no header.
- In JSON and Parquet it is a path, ``user.names[0].first``; a key with dots in it is written as a list of steps,
  ``[labels, "k8s.io/name", 0]``.
- A template is plain text with columns in braces, ``"{repo}/{area}"``; ``{{`` and ``}}`` are braces. There is no
  format language in it: a column is looked up in the row and nowhere else.

>>> dotted("user.names[0].first")
('user', 'names', 0, 'first')
>>> pieces("{repo}/{area}", dotted)
(('repo',), '/', ('area',))
"""

import re
from collections.abc import Callable
from typing import Final

from ostiary.errors import FaultyInputError

MAX_STEPS: Final = 16
MAX_INDEX: Final = 9_999
MAX_TEMPLATE: Final = 512
MAX_PIECES: Final = 32
_STEP: Final = re.compile(r"([^.\[\]{}]+)((?:\[[0-9]{1,4}\])*)(?:\.(?=.)|$)")
_INDEX: Final = re.compile(r"[0-9]+")
_PIECE: Final = re.compile(r"(\{\{|\}\})|\{([^{}]*)\}|([^{}]+)|([{}])")
_CONVERSIONS: Final = "!:"

Path = tuple[str | int, ...]


def dotted(text: str) -> Path:
    """Return the steps of ``user.names[0].first``.

    Raises:
        FaultyInputError: ``mapping_column``.
    """
    steps: list[str | int] = []
    place = 0
    while place < len(text):
        found = _STEP.match(text, place)
        if found is None or len(steps) > MAX_STEPS:
            raise FaultyInputError("mapping_column", f"`{text[:80]}` is no path such as `user.names[0].first`")
        steps.append(found[1])
        steps.extend(int(index) for index in _INDEX.findall(found[2]))
        place = found.end()
    if not steps or len(steps) > MAX_STEPS:
        raise FaultyInputError("mapping_column", f"a path has from 1 to {MAX_STEPS} steps")
    return tuple(steps)


def pieces(template: str, path: Callable[[str], Path]) -> tuple[str | Path, ...]:
    """Return the texts and columns of a template in their order.

    Raises:
        FaultyInputError: ``mapping_template``.
    """
    if len(template) > MAX_TEMPLATE:
        raise FaultyInputError("mapping_template", f"a template has at most {MAX_TEMPLATE} characters")
    found: list[str | Path] = []
    for brace, column, text, stray in _PIECE.findall(template):
        if stray:
            raise FaultyInputError("mapping_template", f"the brace `{stray}` has no partner; write it twice")
        if brace or text:
            found.append(text or brace[0])
        else:
            found.append(_column(column, path))
    if len(found) > MAX_PIECES:
        raise FaultyInputError("mapping_template", f"a template has at most {MAX_PIECES} pieces")
    return tuple(found)


def _column(name: str, path: Callable[[str], Path]) -> Path:
    if not name.strip():
        raise FaultyInputError("mapping_template", "braces without a column's name")
    if any(mark in name for mark in _CONVERSIONS):
        raise FaultyInputError("mapping_template", f"`{{{name[:80]}}}` is no column; there is no format language")
    return path(name.strip())
