"""Near neighbours by shingles of four words: what is kept apart for measuring must not be learned in other words.

>>> near_any(["write a short poem about spring in may"])("Write a short poem about spring in June.")
True
>>> near_any(["write a short poem about spring in may"])("write a long letter about autumn in november")
False
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

_WORD: Final = re.compile(r"\w+")
_SHINGLE: Final = 4
NEAR: Final = 0.6
"""Share of shingles in common (Jaccard) from which on two texts are near."""


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Return the runs of four words; of fewer, all of them as one."""
    words = _WORD.findall(text.lower())
    if len(words) <= _SHINGLE:
        return frozenset({tuple(words)}) if words else frozenset()
    return frozenset(tuple(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1))


def near_any(texts: Sequence[str]) -> Callable[[str], bool]:
    """Return a test of whether a text is near any of ``texts``."""
    kept = [shingles(text) for text in texts]
    where = defaultdict[tuple[str, ...], list[int]](list)
    for at, one in enumerate(kept):
        for shingle in one:
            where[shingle].append(at)

    def near(text: str) -> bool:
        mine = shingles(text)
        common = defaultdict[int, int](int)
        for shingle in mine:
            for at in where.get(shingle, ()):
                common[at] += 1
        return any(count >= NEAR * len(mine | kept[at]) for at, count in common.items())

    return near
