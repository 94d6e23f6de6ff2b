"""Opens a log file as a stream of chunks, unpacking gzip on the way, with limits against bombs.

Rules:
- Gzip is told by its first bytes, not by the file's name; several members one after another are one stream.
- Memory is bounded whatever the file says; beyond 16 MiB a file may not unfold to more than 250 times its size.
- What a file of very many small members gives comes in chunks all the same: whoever joins them to records copies what
  it has at each one.
- Faults end the stream with a stable code: ``input_unreadable``, ``gzip_malformed``, ``gzip_truncated``, ``gzip_bomb``.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final, Protocol

from ostiary.errors import FaultyInputError

CHUNK: Final = 1 << 16
MOST_RATIO: Final = 250
FREE_BYTES: Final = 16 << 20
_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 16 + zlib.MAX_WBITS


def chunks_of(path: Path, seen: Callable[[bytes], object] | None = None) -> Iterator[bytes]:
    """Yield the content of ``path`` in chunks of at most 64 KiB, unpacked when it is gzip; ``-`` is standard input.

    Args:
        path: the file.
        seen: gets the bytes as they lie in the file, all of them even when it is damaged: a digest is of the file.

    Raises:
        FaultyInputError: see the module's rules.
    """
    try:
        if str(path) == "-":
            yield from _watched(sys.stdin.buffer, seen)
        else:
            with path.open("rb") as file:
                yield from _watched(file, seen)
    except OSError as fault:
        raise FaultyInputError("input_unreadable", f"`{path}` cannot be read: {fault.strerror}") from fault


class _Watched:
    """A file that tells what is read from it."""

    def __init__(self, file: IO[bytes], seen: Callable[[bytes], object]) -> None:
        self._file = file
        self._seen = seen

    def read(self, size: int) -> bytes:
        part = self._file.read(size)
        self._seen(part)
        return part


def _watched(file: IO[bytes], seen: Callable[[bytes], object] | None) -> Iterator[bytes]:
    if seen is None:
        yield from unpacked(file)
        return
    watched = _Watched(file, seen)
    try:
        yield from unpacked(watched)
    except FaultyInputError:
        while watched.read(CHUNK):
            continue
        raise


class _Readable(Protocol):
    """What is read from: a file, or something that watches one."""

    def read(self, size: int, /) -> bytes: ...


def unpacked(file: _Readable) -> Iterator[bytes]:
    """Yield the chunks of ``file``, unpacked when they are gzip.

    Raises:
        FaultyInputError: ``gzip_malformed``, ``gzip_truncated``, ``gzip_bomb``.
    """
    first = file.read(CHUNK)
    if not first.startswith(_MAGIC):
        while first:
            yield first
            first = file.read(CHUNK)
        return
    yield from _gathered(_Unpacker(file).run(first))


def _gathered(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield ``parts`` again, none but the last smaller than a chunk; what came before a fault comes before it."""
    held = bytearray()
    try:
        for part in parts:
            if held or len(part) < CHUNK:
                held += part
                if len(held) < CHUNK:
                    continue
                yield bytes(held)
                held.clear()
            else:
                yield part
    except FaultyInputError:
        if held:
            yield bytes(held)
        raise
    if held:
        yield bytes(held)


class _Unpacker:
    def __init__(self, file: _Readable) -> None:
        self._file = file
        self._taken = self._given = 0
        self._engine = zlib.decompressobj(_GZIP)
        self._open = True  # inside a member whose end has not been seen

    def run(self, packed: bytes) -> Iterator[bytes]:
        while packed:
            self._taken += len(packed)
            while packed:
                part = self._unpack(packed)
                if part:
                    yield part
                packed = self._rest()
            packed = self._file.read(CHUNK)
        if self._open:
            raise FaultyInputError("gzip_truncated", "the gzip file ends too early")

    def _unpack(self, packed: bytes) -> bytes:
        try:
            part = self._engine.decompress(packed, CHUNK)
        except zlib.error as fault:
            raise FaultyInputError("gzip_malformed", "the gzip file is damaged") from fault
        self._given += len(part)
        if self._given > FREE_BYTES and self._given > MOST_RATIO * self._taken:
            raise FaultyInputError("gzip_bomb", f"the gzip file unfolds to more than {MOST_RATIO} times its size")
        return part

    def _rest(self) -> bytes:
        """Return what the engine left over; past a member's end the next member begins."""
        self._open = not self._engine.eof
        if self._open:
            return self._engine.unconsumed_tail
        rest = self._engine.unused_data.lstrip(b"\0")
        self._engine = zlib.decompressobj(_GZIP)
        return rest
