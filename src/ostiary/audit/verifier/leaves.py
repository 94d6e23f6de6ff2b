"""What is known of each entry: its leaf hash and its two times, 48 bytes an entry."""

import struct
from array import array
from collections.abc import Iterator
from typing import Final

from ostiary.errors import FaultyInputError

HASH: Final = 32
RECORD: Final = 48
_TIMES: Final = struct.Struct(">qq")
UNKNOWN: Final = -(1 << 63)


class Leaves:
    """A list of leaf hashes with the times of their entries."""

    def __init__(self) -> None:
        """Start empty."""
        self.hashes = bytearray()
        self.ts = array("q")
        self.at = array("q")

    def __len__(self) -> int:
        """How many entries."""
        return len(self.ts)

    def __getitem__(self, index: int) -> bytes:
        """Return one leaf hash."""
        return bytes(self.hashes[index * HASH : (index + 1) * HASH])

    def __iter__(self) -> Iterator[bytes]:
        """Yield the leaf hashes in order."""
        return map(self.__getitem__, range(len(self)))

    def add(self, leaf: bytes, ts: int = UNKNOWN, at: int = UNKNOWN) -> None:
        """Append one."""
        self.hashes += leaf
        self.ts.append(ts)
        self.at.append(at)

    def first_difference(self, other: "Leaves") -> int | None:
        """Return the first index at which both have an entry and the entries differ."""
        shared = min(len(self), len(other)) * HASH
        if self.hashes[:shared] == other.hashes[:shared]:
            return None
        low, high = 0, shared // HASH  # the prefixes of length ``low`` agree, those of length ``high`` do not
        while high - low > 1:
            middle = (low + high) // 2
            if self.hashes[: middle * HASH] == other.hashes[: middle * HASH]:
                low = middle
            else:
                high = middle
        return low

    def dump(self) -> bytes:
        """Return them as bytes, 48 for each."""
        times = zip(self.ts, self.at, strict=True)
        return b"".join(leaf + _TIMES.pack(*both) for leaf, both in zip(self, times, strict=True))

    @classmethod
    def load(cls, data: bytes) -> "Leaves":
        """Read what ``dump`` wrote.

        Raises:
            FaultyInputError: ``memory_damaged``.
        """
        if len(data) % RECORD:
            raise FaultyInputError("memory_damaged", "the remembered leaves end inside an entry")
        leaves = cls()
        for at in range(0, len(data), RECORD):
            leaves.add(data[at : at + HASH], *_TIMES.unpack_from(data, at + HASH))
        return leaves
