"""Which number a token has: the words of the training people, and buckets for all others.

- A word that training never saw falls into one of the buckets by its checksum: a new application's words are still told
  apart, and a person's own new words still count for that person.
- The vocabulary is part of the model, so it names commands or route templates, never what somebody did.

>>> known = Vocabulary(("cat", "mail"), buckets=4)
>>> known.ids(("mail", "cat", "kubectl")).tolist(), known.size
([1, 0, 5], 6)
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]

BUCKETS: Final = 256
MOST_WORDS: Final = 12_000


class Vocabulary(msgspec.Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """The words, most used first, and how many buckets there are for all others.

    ``dict=True`` lets the table of places be kept beside the fields once it was built.
    """

    words: tuple[str, ...]
    buckets: int = BUCKETS

    @property
    def size(self) -> int:
        """How many numbers tokens can have."""
        return len(self.words) + self.buckets

    def ids(self, tokens: Sequence[str]) -> Ids:
        """Return the number of each token, int64 ``[n]``."""
        places = self._places()
        return np.fromiter((places[one] if one in places else self._bucket(one) for one in tokens), np.int64)

    def _bucket(self, token: str) -> int:
        return len(self.words) + crc32(token.encode("utf-8", "surrogatepass")) % self.buckets

    def _places(self) -> dict[str, int]:
        kept: dict[str, int] | None = self.__dict__.get("places")
        if kept is None:
            kept = {word: place for place, word in enumerate(self.words)}
            self.__dict__["places"] = kept
        return kept


def learned(people: Iterable[Iterable[Sequence[str]]], most: int = MOST_WORDS, buckets: int = BUCKETS) -> Vocabulary:
    """Return the vocabulary of people's windows: the words that most people use, then the most used."""
    users: Counter[str] = Counter()
    uses: Counter[str] = Counter()
    for windows in people:
        own = Counter(token for window in windows for token in window)
        uses.update(own)
        users.update(own.keys())
    words = sorted(uses, key=lambda word: (-users[word], -uses[word], word))
    return Vocabulary(tuple(words[:most]), buckets)
