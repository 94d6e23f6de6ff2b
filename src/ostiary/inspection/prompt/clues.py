"""Which of many short words may stand in a text, at once: rules whose words cannot are never asked.

- A word stands in a text only if each three bytes of it do. The threes of a text are written into a table of 65,536
  marks by their hash, and the words' own looked up there: two passes of NumPy instead of one search for each word.
- It says *may*: whoever is named is searched for as before. In a short text, and without NumPy, every word may stand.

>>> sorted(Clues(["ignor", "prompt", "<|"]).of("please ignore it " * 12))
['<|', 'ignor']
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final

_THREE: Final = 3
_MARKS: Final = 1 << 16
_FIRST: Final = 0x9E37
_SECOND: Final = 0x6A8D
_FEW: Final = 200  # bytes of a text for which a table costs more than it saves


class Clues:
    """Words that are looked for in many texts; safe for several threads."""

    def __init__(self, words: Iterable[str]) -> None:
        """Take the words."""
        self.words = tuple(dict.fromkeys(words))
        self._all = frozenset(self.words)
        self._short = frozenset(word for word in self.words if len(_bytes(word)) < _THREE)
        self._long = tuple(word for word in self.words if word not in self._short)

    def of(self, text: str) -> frozenset[str]:
        """Return the words that may stand in ``text``."""
        raw = _bytes(text)
        tables = self._tables
        if tables is None or len(raw) < _FEW:
            return self._all
        np, wanted, starts = tables
        marks = np.zeros(_MARKS, np.bool_)
        marks[_threes(np, raw)] = True
        held = np.logical_and.reduceat(marks[wanted], starts)
        return self._short.union([self._long[at] for at in np.flatnonzero(held).tolist()])

    @cached_property
    def _tables(self) -> tuple[Any, Any, Any] | None:
        """Return NumPy, the hashes of all threes of all words in a row, and where each word's begin."""
        try:
            import numpy as np  # noqa: PLC0415 - an extra: rules need none
        except ImportError:
            return None
        threes = [_threes(np, _bytes(word)) for word in self._long]
        starts = np.cumsum([0, *map(len, threes)])[:-1]
        return (np, np.concatenate(threes).astype(np.intp), starts) if threes else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _threes(np: Any, raw: bytes) -> Any:
    """Return the hash of each three bytes in a row."""
    codes = np.frombuffer(raw, np.uint8).astype(np.uint16)
    return codes[:-2] * np.uint16(_FIRST) ^ codes[1:-1] * np.uint16(_SECOND) ^ codes[2:]
