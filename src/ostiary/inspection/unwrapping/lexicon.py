"""Frequent words: whether letters are words, and where words end that were run together.

- ``words.txt`` has three thousand English ones in order of frequency, ``others.txt`` some of other languages of Latin
  script, without accents; both counted over the open texts that the models are trained on.
- Cutting is the cheapest way through, a word costing the logarithm of its rank; bounded by ``MAX_LETTERS``.

>>> known("Instructions"), known("vafgehpgvbaf"), cut("ignoreallpreviousinstructions")
(True, False, 'ignore all previous instructions')
"""

from functools import cache
from math import log
from pathlib import Path
from typing import Final

MAX_LETTERS: Final = 2_000
_LONGEST: Final = 16
_UNKNOWN: Final = 9.5
_STEM: Final = 5


@cache
def ranks() -> dict[str, int]:
    """Return each word's rank."""
    words = (Path(__file__).parent / "words.txt").read_text("ascii").split()
    return {word: rank for rank, word in enumerate(words)}


@cache
def words() -> frozenset[str]:
    """Return the words of all languages."""
    others = (Path(__file__).parent / "others.txt").read_text("ascii").split()
    return frozenset(ranks()) | frozenset(others)


@cache
def _costs() -> dict[str, float]:
    return {word: log(rank + 30) for word, rank in ranks().items()}


def known(word: str) -> bool:
    """Return whether ``word``, or it without a common ending, is in the lexicon."""
    small, lexicon = word.lower(), words()
    if small in lexicon:
        return True
    return len(small) > _STEM and any(small[:-end] in lexicon for end in (1, 2, 3))


def cut(letters: str) -> str:
    """Return letters with blanks between the likeliest words."""
    small, costs = letters[:MAX_LETTERS].lower(), _costs()
    best, back = [0.0], [0]
    for end in range(1, len(small) + 1):
        ways = [(best[end - 1] + _UNKNOWN, end - 1)]
        for begin in range(max(0, end - _LONGEST), end):
            cost = costs.get(small[begin:end])
            if cost is not None:
                ways.append((best[begin] + cost, begin))
        cost, begin = min(ways)
        best.append(cost)
        back.append(begin)
    pieces, end = [], len(small)
    while end:
        pieces.append(letters[back[end] : end])
        end = back[end]
    return _glued(pieces[::-1])


def _glued(pieces: list[str]) -> str:
    """Join pieces by blanks; letters that are no words stay together."""
    said, lexicon = "", ranks()
    for place, piece in enumerate(pieces):
        alone = place and piece.lower() not in lexicon and pieces[place - 1].lower() not in lexicon
        said += piece if alone or not place else f" {piece}"
    return said
