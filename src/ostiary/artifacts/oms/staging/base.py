"""The two shapes of staging: a ``Staging`` says how, a ``StagedFile`` holds the bytes of one file.

The rule: bytes are taken first, then digests are computed over what was taken, and that is what is handed on. Between
the check and the use there is no moment at which another may change them.
"""

import contextlib
import io
import mmap
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from typing_extensions import Buffer, override

from ostiary.artifacts.oms.refusing import refuse, shown
from ostiary.artifacts.oms.tree import open_beneath
from ostiary.errors import FaultyInputError


class StagedFile(ABC):
    """The bytes of one file."""

    __slots__ = ("_views", "name", "size")

    def __init__(self, name: str, size: int) -> None:
        """Name the file by its path in the model."""
        self.name = name
        self.size = size
        self._views: list[mmap.mmap] = []

    @abstractmethod
    def reading(self) -> contextlib.AbstractContextManager[int]:
        """Lend a descriptor from which the bytes are read, at offsets only: it is shared."""

    @property
    @abstractmethod
    def path(self) -> Path:
        """A path at which a library of this process opens the same bytes."""

    def view(self) -> memoryview:
        """Return the bytes without copying them; the view ends with the model's ``close``."""
        if self.size == 0:
            return memoryview(b"")
        with self.reading() as handle:
            mapped = mmap.mmap(handle, self.size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
        self._views.append(mapped)
        return memoryview(mapped)

    def read(self) -> bytes:
        """Return a copy of the bytes."""
        return bytes(self.view())

    def open(self) -> BinaryIO:
        """Return a seekable reader with a position of its own."""
        return io.BufferedReader(_Reader(self))

    def check(self) -> None:  # noqa: B027 - a copy cannot change, so most kinds have nothing to check
        """Refuse when the bytes may have changed since; only staging without a copy can ever say so.

        Raises:
            VerificationError: ``artifact_changed_in_use``.
        """

    def close(self) -> None:
        """Give the bytes back; views still in use keep their memory until they go."""
        for mapped in self._views:
            with contextlib.suppress(BufferError):  # somebody still holds a view: the memory goes with it
                mapped.close()
        self._views.clear()


class Staging(ABC):
    """How bytes are taken from a model's folder."""

    @abstractmethod
    def take(self, root: int, files: Mapping[str, int]) -> "Taken":
        """Begin to take ``files`` (sizes by path) from the open folder ``root``.

        Raises:
            UnavailableError: ``artifact_staging_full``, ``artifact_staging_unavailable``.
        """


class Taken(ABC):
    """One model being staged; ``file`` may be called from several threads."""

    folder: Path | None = None

    @abstractmethod
    def file(self, path: str) -> StagedFile:
        """Take one file, of the size that the walk found.

        Raises:
            VerificationError: it is not there any more, is no regular file, or changed its size.
        """

    @abstractmethod
    def finish(self) -> None:
        """Everything was taken: shut what only taking needed."""

    @abstractmethod
    def drop(self) -> None:
        """Give everything back, after a refusal or when the model is closed."""


def still_open(handle: int) -> int:
    """Return a descriptor that is still held; -1 would read as memory full of zeros (mmap(2)), not as an error.

    Raises:
        FaultyInputError: ``artifact_closed``.
    """
    if handle < 0:
        raise FaultyInputError("artifact_closed", "the model was closed: its bytes were given back")
    return handle


@contextlib.contextmanager
def opened(root: int, path: str, size: int) -> Iterator[int]:
    """Lend a descriptor of a source file that still has the size for which there is room."""
    handle = open_beneath(root, path)
    try:
        check_size(handle, path, size)
        yield handle
    finally:
        os.close(handle)


def check_size(handle: int, path: str, size: int) -> None:
    """Refuse a file that grew or shrank since the limits were asked: it may not fill memory or disk.

    Raises:
        VerificationError: ``artifact_modified``.
    """
    if os.fstat(handle).st_size != size:
        raise refuse("artifact_modified", f"`{shown(path)}` changed its size while it was verified")


class _Reader(io.RawIOBase):
    """Reads a staged file at its own position."""

    def __init__(self, file: StagedFile) -> None:
        super().__init__()
        self._file, self._at = file, 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._file.size}[whence]
        if base + offset < 0:
            raise ValueError("negative position")
        self._at = base + offset
        return self._at

    @override
    def tell(self) -> int:
        return self._at

    @override
    def readinto(self, buffer: Buffer) -> int:
        """Fill ``buffer`` from the current position."""
        room = memoryview(buffer).cast("B")[: max(0, self._file.size - self._at)]
        with self._file.reading() as handle:
            count = os.preadv(handle, [room], self._at) if room else 0
        self._at += count
        return count
