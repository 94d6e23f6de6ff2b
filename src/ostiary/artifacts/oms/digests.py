"""Digests of staged bytes: SHA-256, BLAKE3 and BLAKE2b, on all cores.

- Pieces (files or shards) are hashed beside each other, the largest first. One BLAKE3 piece that is larger than a
  core's share is hashed alone by all cores, since BLAKE3 is a tree. SHA-256 is a chain: only other pieces can run
  beside it.
- Bytes are read into a buffer, not mapped: a source that shrinks gives fewer bytes, where a mapping would end the
  process (SIGBUS).

>>> new_hash("blake3").hexdigest()[:8], new_hash("sha256").hexdigest()[:8]
('af1349b9', 'e3b0c442')
"""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import msgspec

from ostiary.artifacts.oms.staging.base import StagedFile
from ostiary.errors import FaultyInputError, UnavailableError

_BUFFER: Final = 1 << 20
_WIDE_BUFFER: Final = 4 << 20
_WIDE_FROM: Final = 64 << 20  # below this, starting threads costs more than it brings
_FEW: Final = 8  # with more pieces a core, the last one's waiting does not matter


class ContentHash(Protocol):
    """A running hash."""

    def update(self, data: memoryview, /) -> object:
        """Take in more bytes."""
        ...

    def digest(self) -> bytes:
        """Return the digest."""
        ...

    def hexdigest(self) -> str:
        """Return the digest in hexadecimal."""
        ...


class Work(msgspec.Struct, frozen=True):
    """One range to hash; without an end, to the file's own."""

    file: StagedFile
    start: int
    end: int | None

    @property
    def size(self) -> int:
        """How many bytes are expected."""
        return max(0, self.stop - self.start)

    @property
    def stop(self) -> int:
        """Where it ends."""
        return self.file.size if self.end is None else self.end


def new_hash(algorithm: str, threads: int = 1) -> ContentHash:
    """Return a fresh hash.

    Raises:
        FaultyInputError: ``artifact_algorithm`` for another algorithm.
        UnavailableError: ``artifact_blake3_missing`` when the extra `pipeline` is not installed.
    """
    if algorithm == "sha256":
        return hashlib.sha256()
    if algorithm == "blake2b":
        return hashlib.blake2b()
    if algorithm != "blake3":
        raise FaultyInputError("artifact_algorithm", f"`{algorithm[:20]}` is no content hash of OMS")
    try:
        import blake3  # noqa: PLC0415 - an extra: models signed with SHA-256 verify without it
    except ImportError as fault:
        text = "BLAKE3 needs the extra: pip install 'ostiary[pipeline]'"
        raise UnavailableError("artifact_blake3_missing", text) from fault
    return blake3.blake3(max_threads=threads)


def hash_all(works: Sequence[Work], algorithm: str) -> list[bytes]:
    """Return the digest of each piece, in order."""
    cores = core_count()
    order = sorted(range(len(works)), key=lambda at: -works[at].size)
    alone = _alone([works[at].size for at in order], cores) if algorithm == "blake3" else 0
    digests = {at: hash_piece(works[at], algorithm, cores) for at in order[:alone]}
    with ThreadPoolExecutor(max_workers=cores, thread_name_prefix="digest") as pool:
        found = pool.map(lambda at: hash_piece(works[at], algorithm, 1), order[alone:])
        digests.update(zip(order[alone:], found, strict=True))
    return [digests[at] for at in range(len(works))]


def _alone(sizes: Sequence[int], cores: int) -> int:
    """Return how many of the largest pieces all cores hash together: those that would leave the others waiting.

    >>> _alone([9 << 30, 1 << 30], 2), _alone([4 << 30] * 2, 2), _alone([4 << 30] * 3, 2), _alone([1] * 3, 2)
    (1, 0, 1, 0)
    """
    share = sum(sizes) // cores
    large = sum(size > _WIDE_FROM for size in sizes)
    over = sum(size > share for size in sizes[:large])
    uneven = large % cores if large < _FEW * cores else 0
    return max(over, uneven) if cores > 1 else 0


def hash_piece(work: Work, algorithm: str, threads: int) -> bytes:
    """Return the digest of one piece, as its bytes are."""
    whole = new_hash(algorithm, threads)
    size = _WIDE_BUFFER if threads > 1 else _BUFFER
    buffer = memoryview(bytearray(min(size, work.size)))
    at = work.start
    with work.file.reading() as handle:
        while at < work.stop:
            room = buffer[: work.stop - at]
            count = os.preadv(handle, [room], at)
            if count == 0:
                break
            whole.update(room[:count])
            at += count
    return whole.digest()


def core_count() -> int:
    """Return on how many cores this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
