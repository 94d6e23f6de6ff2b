"""Reading only what a signed manifest lists: not one byte leaves that does not agree with it.

- At the first read of a version all of it is hashed, and while that is done each block of it. When the whole agrees
  with the manifest, the blocks' digests are as good as the manifest.
- Every read then takes whole blocks, compares each with its digest, and hands out only what agreed. So neither a
  change between the check and the use nor a store that lies the second time gets through.
- Digests are remembered by version and manifest, as many as fit; to forget one costs a second look. A version that does
  not agree is remembered too: whoever asks for a byte of it again does not make the server read all of it again.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import msgspec

from ostiary.artifacts.object_digest import hasher
from ostiary.errors import VerificationError
from ostiary.pipeline.datasets.ports import OpenObject
from ostiary.pipeline.datasets.statement import Entry

OBJECT_UNLISTED: Final = "object_unlisted"
OBJECT_MODIFIED: Final = "object_modified"
BLOCK: Final = 1 << 20
MAX_BLOCKS: Final = 1 << 18  # 256 GiB of objects, 8 MiB of digests
MAX_WRONG: Final = 10_000


class Blocks(msgspec.Struct, frozen=True):
    """The digests of an object's blocks, in their order, joined."""

    algorithm: str
    digests: bytes

    def of(self, number: int) -> bytes:
        """Return the digest of one block."""
        return self.digests[32 * number : 32 * number + 32]


def listed(entry: Entry | None) -> Entry:
    """Return what a manifest says of an object, when it says anything.

    Raises:
        VerificationError: ``object_unlisted``.
    """
    if entry is None:
        raise VerificationError(OBJECT_UNLISTED, "the object is not in the dataset's manifest")
    return entry


class VerifiedReads:
    """Remembers the blocks of versions that agreed with a manifest."""

    def __init__(self, max_blocks: int = MAX_BLOCKS) -> None:
        """Begin with none."""
        self._max = max_blocks
        self._count = 0
        self._known: OrderedDict[tuple[str, ...], Blocks] = OrderedDict()
        self._wrong: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._looking: dict[tuple[str, ...], threading.Lock] = {}
        self._lock = threading.Lock()

    def blocks(self, scope: tuple[str, str], one: OpenObject, entry: Entry) -> Blocks:
        """Return the blocks of an open object, read now if they are not known.

        Args:
            scope: tenant and dataset.
            one: the open object.
            entry: what the manifest says of it.

        Raises:
            VerificationError: ``object_modified``.
        """
        key = _key(scope, one, entry)
        with self._lock:
            looking = self._looking.setdefault(key, threading.Lock())
        try:
            with looking:  # of many first reads at once, one looks and the others wait for it
                return self._remembered(key) or self._looked_at(key, one, entry)
        finally:
            with self._lock:
                self._looking.pop(key, None)

    def _looked_at(self, key: tuple[str, ...], one: OpenObject, entry: Entry) -> Blocks:
        if key in self._wrong:
            raise _modified()
        try:
            found = _hashed(one, entry)
        except VerificationError:
            with self._lock:
                self._wrong[key] = None
                if len(self._wrong) > MAX_WRONG:
                    self._wrong.popitem(last=False)
            raise
        self._remember(key, found)
        return found

    def known(self, scope: tuple[str, str], one: OpenObject, entry: Entry) -> bool:
        """Return whether ``blocks`` has them without a look at the whole object."""
        return self._remembered(_key(scope, one, entry)) is not None

    def _remembered(self, key: tuple[str, ...]) -> Blocks | None:
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
            return known

    def pieces(self, one: OpenObject, blocks: Blocks, start: int, length: int) -> Iterator[memoryview]:
        """Yield bytes of an object, block by block, each compared before it is handed out.

        Raises:
            VerificationError: ``object_modified``.
        """
        end = start + length
        first, size = start // BLOCK, one.stat.size
        buffer = memoryview(bytearray(min(BLOCK, size)))
        for number in range(first, -(-end // BLOCK) if length else first):
            begin = number * BLOCK
            block = buffer[: min(BLOCK, size - begin)]
            one.fill(block, begin)
            digest = hasher(blocks.algorithm)
            digest.update(block)
            if digest.digest() != blocks.of(number):
                raise _modified()
            yield block[max(start - begin, 0) : end - begin]

    def _remember(self, key: tuple[str, ...], found: Blocks) -> None:
        with self._lock:
            if key in self._known:
                return
            self._known[key] = found
            self._count += len(found.digests) // 32
            while self._count > self._max and len(self._known) > 1:
                _, gone = self._known.popitem(last=False)
                self._count -= len(gone.digests) // 32


def _key(scope: tuple[str, str], one: OpenObject, entry: Entry) -> tuple[str, ...]:
    return (*scope, entry.name, one.stat.etag, entry.algorithm, entry.digest)


def _hashed(one: OpenObject, entry: Entry) -> Blocks:
    if one.stat.size != entry.size:
        raise _modified()
    # The manifest's algorithm serves for both: what is quick for the whole is quick for a block.
    whole, digests = hasher(entry.algorithm), bytearray()
    buffer = memoryview(bytearray(min(BLOCK, entry.size)))
    for begin in range(0, entry.size, BLOCK):
        block = buffer[: min(BLOCK, entry.size - begin)]
        one.fill(block, begin)
        whole.update(block)
        part = hasher(entry.algorithm)
        part.update(block)
        digests += part.digest()
    if whole.hexdigest() != entry.digest:
        raise _modified()
    return Blocks(entry.algorithm, bytes(digests))


def _modified() -> VerificationError:
    return VerificationError(OBJECT_MODIFIED, "the object is not the one that the manifest lists")
