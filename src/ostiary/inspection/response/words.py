"""Words of a text as they come, in one case, wherever the text is cut.

- A word is a run of letters and digits. Scripts without spaces give a word for each character, which counts half.

>>> [word.text for word in WordReader().read(0, "Don't  STOP, 世界 ")]
['don', 't', 'stop', '世', '界']
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from ostiary.inspection.response.canon import canonical

_UNSPACED: Final = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)

_WORD: Final = re.compile("[A-Za-z0-9]+")


class Word(NamedTuple):
    """A word, where it stands, and what it counts."""

    text: str
    start: int
    end: int
    weight: float


@lru_cache(maxsize=8192)
def _kind(character: str) -> str:
    """Return ``w`` of a letter, ``c`` of a character that is a word, ``""`` of what stands between words."""
    if not character.isalnum():
        return ""
    code = ord(character)
    return "c" if any(low <= code <= high for low, high in _UNSPACED) else "w"


class WordReader:
    """Cuts a stream into words."""

    def __init__(self) -> None:
        """Begin between words."""
        self.partial = ""
        self.began = 0

    def read(self, start: int, seen: str) -> list[Word]:
        """Return the words that the next characters end."""
        return self._plain(start, seen) if seen.isascii() else self._any(start, seen)

    def _plain(self, start: int, seen: str) -> list[Word]:
        done: list[Word] = []
        if self.partial and not seen[:1].isalnum():
            done += self.rest(start) if seen else []
        for match in _WORD.finditer(seen):
            begin, end = match.span()
            text = match.group()
            if not begin and self.partial:
                text, begin = self.partial + text, self.began - start
            if end == len(seen):
                self.partial, self.began = text, start + begin
            else:
                done.append(Word(text.lower(), start + begin, start + end, 1.0))
                self.partial = ""
        return done

    def _any(self, start: int, seen: str) -> list[Word]:
        done: list[Word] = []
        partial, began = self.partial, self.began
        for position, character in enumerate(seen, start):
            kind = _kind(character)
            if kind == "w":
                began = began if partial else position
                partial += character
                continue
            if partial:
                done.append(Word(partial.lower(), began, position, 1.0))
                partial = ""
            if kind:
                done.append(Word(character, position, position + 1, 0.5))
        self.partial, self.began = partial, began
        return done

    def rest(self, end: int) -> list[Word]:
        """Return the word that the end of the text ends."""
        partial, self.partial = self.partial, ""
        return [Word(partial.lower(), self.began, end, 1.0)] if partial else []


def words_of(text: str) -> list[Word]:
    """Return the words of a whole text, as the watches see it."""
    seen = text if text.isascii() else "".join(map(canonical, text))
    reader = WordReader()
    return [*reader.read(0, seen), *reader.rest(len(seen))]
