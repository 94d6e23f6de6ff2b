"""Digests of staged bytes: SHA-256, BLAKE3 and BLAKE2b, on all cores.

- Pieces (files or shards) are hashed beside each other, the largest first. One BLAKE3 piece that is larger than a
  core's share is hashed alone by all cores, since BLAKE3 is a tree. SHA-256 is a chain: only other pieces can run
  beside it.
- The bytes that come next are read while some are hashed, where a piece is the only one at work.
- Bytes are read into a buffer, not mapped: a source that shrinks gives fewer bytes, where a mapping would end the
  process (SIGBUS).

>>> new_hash("blake3").hexdigest()[:8], new_hash("sha256").hexdigest()[:8]
('af1349b9', 'e3b0c442')
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import msgspec

from ostiary.artifacts.oms.staging.base import StagedFile
from ostiary.errors import FaultyInputError, UnavailableError

_BUFFER: Final = 1 << 20
_WIDE_BUFFER: Final = 2 << 20
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
    share = max(_WIDE_FROM, sum(work.size for work in works) // cores)
    alone = _alone([works[at].size for at in order], share, cores) if algorithm == "blake3" else 0
    digests = {at: hash_piece(works[at], algorithm, cores, ahead=cores > 1) for at in order[:alone]}

    def one(at: int) -> bytes:
        return hash_piece(works[at], algorithm, 1, ahead=cores > 1 and works[at].size > share)

    with ThreadPoolExecutor(max_workers=cores, thread_name_prefix="digest") as pool:
        digests.update(zip(order[alone:], pool.map(one, order[alone:]), strict=True))
    return [digests[at] for at in range(len(works))]


def _alone(sizes: Sequence[int], share: int, cores: int) -> int:
    """Return how many of the largest pieces all cores hash together: those that would leave the others waiting.

    >>> _alone([9 << 30, 1 << 30], 5 << 30, 2), _alone([4 << 30] * 2, 4 << 30, 2), _alone([4 << 30] * 3, 6 << 30, 2)
    (1, 0, 1)
    """
    large = sum(size > _WIDE_FROM for size in sizes)
    over = sum(size > share for size in sizes)
    uneven = large % cores if large < _FEW * cores else 0
    return max(over, uneven) if cores > 1 else 0


def hash_piece(work: Work, algorithm: str, threads: int, *, ahead: bool) -> bytes:
    """Return the digest of one piece, as its bytes are; with ``ahead``, the next are read while some are hashed."""
    whole = new_hash(algorithm, threads)
    size = min(_WIDE_BUFFER if threads > 1 else _BUFFER, work.size)
    with work.file.reading() as handle:
        for part in _ahead(work, handle, size) if ahead else _plain(work, handle, size):
            whole.update(part)
    return whole.digest()


def _plain(work: Work, handle: int, size: int) -> Iterator[memoryview]:
    buffer, at = memoryview(bytearray(size)), work.start
    while count := _read(work, handle, buffer, at):
        yield buffer[:count]
        at += count


def _ahead(work: Work, handle: int, size: int) -> Iterator[memoryview]:
    buffer, other = memoryview(bytearray(size)), memoryview(bytearray(size))
    at = work.start
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as reader:
        pending = reader.submit(_read, work, handle, buffer, at)
        while count := pending.result():
            at += count
            pending = reader.submit(_read, work, handle, other, at)
            yield buffer[:count]
            buffer, other = other, buffer


def _read(work: Work, handle: int, buffer: memoryview, at: int) -> int:
    """Read what fits, up to the end of the piece; a source that shrank gives less."""
    room = buffer[: max(0, work.stop - at)]
    return os.preadv(handle, [room], at) if room else 0


def core_count() -> int:
    """Return on how many cores this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
