"""Cuts documents into pieces: bounded, the same for the same text, ended at a paragraph or a word where possible.

>>> [len(one) for one in pieces("word " * 600)]
[1199, 1199, 889]
>>> pieces("  ")
[]
"""

from typing import Final

PIECE: Final = 1200
OVERLAP: Final = 150
MAX_TEXT: Final = 2 << 20
MAX_PIECES: Final = 4096
_LEAST: Final = PIECE // 2


def pieces(text: str) -> list[str]:
    """Return the pieces of a text, at most ``MAX_PIECES``, in order; each is at most ``PIECE`` characters."""
    text = text[:MAX_TEXT]
    found: list[str] = []
    start = 0
    while start < len(text) and len(found) < MAX_PIECES:
        end = _end(text, start)
        piece = text[start:end].strip()
        if piece:
            found.append(piece)
        if end >= len(text):
            break
        start = _start(text, start, end)
    return found


def _end(text: str, start: int) -> int:
    last = start + PIECE
    if last >= len(text):
        return len(text)
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, start + _LEAST, last)
        if found > 0:
            return found + len(mark)
    return last


def _start(text: str, before: int, end: int) -> int:
    wanted = max(before + 1, end - OVERLAP)
    found = text.find(" ", wanted, end)
    return found + 1 if found > 0 else end
