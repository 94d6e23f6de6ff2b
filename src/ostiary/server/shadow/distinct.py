"""How many different names there were, in bounded memory and without any name (k minimum values, Bar-Yossef 2002).

- Exact up to ``MOST`` different names; beyond, within some three percent.
- Names come as tags: 64 bits of a hash under the tenant's own salt. Two days join into the count of both.

>>> few = Distinct([5, 9, 5])
>>> few.count, Distinct(range(0, 2**64, 2**52)).count in range(3_900, 4_300)
(2, True)
>>> few.join(Distinct([9, 10]))
>>> few.count
3
"""

from array import array
from collections.abc import Iterable
from typing import Final

from ostiary.keys import sha256

MOST: Final = 1_024
_WHOLE: Final = 2**64
_BYTES: Final = 8


class Distinct:
    """A count of different tags; only the smallest are kept."""

    def __init__(self, tags: Iterable[int] = ()) -> None:
        """Start with some."""
        self._tags: set[int] = set()
        self._bound = _WHOLE
        for tag in tags:
            self.add(tag)

    def add(self, tag: int) -> None:
        """Count a tag, if it was not there."""
        if tag < self._bound:
            self._tags.add(tag)
            if len(self._tags) > 2 * MOST:
                self.cut()

    def join(self, other: "Distinct") -> None:
        """Count what another one has seen."""
        tags, bound = other.kept
        for tag in tags:
            self.add(tag)
        self._bound = min(self._bound, bound)
        self._tags = {tag for tag in self._tags if tag < self._bound}

    @property
    def kept(self) -> tuple[frozenset[int], int]:
        """The tags that are kept, and the bound that they are all below."""
        return frozenset(self._tags), self._bound

    @property
    def count(self) -> int:
        """How many different ones there were."""
        if self._bound == _WHOLE:
            return len(self._tags)
        kept = sorted(self._tags)[:MOST]
        return round((len(kept) - 1) * _WHOLE / kept[-1])

    def encode(self) -> bytes:
        """Return it as bytes."""
        self.cut()
        return array("Q", sorted(self._tags)).tobytes()

    @classmethod
    def decode(cls, data: bytes) -> "Distinct":
        """Return what ``encode`` made; of a broken one whatever is whole."""
        tags = array("Q")
        tags.frombytes(data[: len(data) // _BYTES * _BYTES])
        found = cls(tags)
        if len(tags) > MOST:
            found.cut()
        return found

    def cut(self) -> None:
        """Keep only the smallest."""
        if len(self._tags) > MOST:
            kept = sorted(self._tags)[: MOST + 1]
            self._tags, self._bound = set(kept), kept[-1] + 1


def tag_of(salt: bytes, name: str) -> int:
    """Return the tag of a name, which nobody without the salt can find out from it."""
    return int.from_bytes(sha256(salt + name.encode("utf-8", "surrogatepass"))[:_BYTES], "big")
