"""Files of the door: read through a window that grows, written into a file of this machine until they are closed."""

import base64
import hashlib
import io
import tempfile
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from fsspec.caching import BaseCache
from fsspec.spec import AbstractBufferedFile
from typing_extensions import override

if TYPE_CHECKING:
    from ostiary_sdk.datasets.filesystem import OstiaryFileSystem

SMALL: Final = 8 << 20
FIRST: Final = 1 << 20
LARGEST: Final = 64 << 20
_SPOOLED: Final = 8 << 20
_PIECE: Final = 1 << 20


class Window(BaseCache):  # type: ignore[misc] # fsspec is untyped
    """Keeps the last stretch that was read; each time reading goes on behind it, the next one is twice as long.

    A small object is one stretch. What is asked for beyond the largest stretch goes through without a copy.
    """

    name = "ostiary"

    def __init__(self, blocksize: int, fetcher: Any, size: int, **_more: Any) -> None:
        """Begin with nothing; the first stretch is ``blocksize``."""
        super().__init__(blocksize, fetcher, size)
        self._first = size if size <= SMALL else blocksize
        self._next = self._first
        self._start = 0
        self._kept = memoryview(b"")

    @override
    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        begin = 0 if start is None else start
        end = self.size if stop is None else min(stop, self.size)
        if begin >= end:
            return b""
        kept_end = self._start + len(self._kept)
        if self._start <= begin and end <= kept_end:
            return bytes(self._kept[begin - self._start : end - self._start])
        head = b""
        if self._start <= begin < kept_end:
            head = bytes(self._kept[begin - self._start :])
        follows = self._start <= begin <= kept_end and bool(self._kept)
        self._next = min(self._next * 2, LARGEST) if follows else self._first
        ahead = begin + len(head)
        if end - ahead >= self._next:
            found: bytes = self.fetcher(ahead, end)
            self._keep(end, b"")
            return head + found if head else found
        self._keep(ahead, self.fetcher(ahead, min(ahead + self._next, self.size)))
        return head + bytes(self._kept[: end - ahead])

    def _keep(self, start: int, data: bytes) -> None:
        self._start, self._kept = start, memoryview(data)


class OstiaryFile(AbstractBufferedFile):  # type: ignore[misc] # fsspec is untyped
    """An object opened for reading; its version is pinned by the first request."""

    def __init__(self, fs: "OstiaryFileSystem", path: str, mode: str = "rb", **more: Any) -> None:
        """Open one."""
        self._pinned = ""
        more.pop("cache_type", None)
        super().__init__(fs, path, mode, cache_type="none", **more)
        self._pinned = self.details.get("etag", "")
        self.cache = Window(self.blocksize, self._fetch_range, self.size)

    @override
    def _fetch_range(self, start: int, end: int) -> bytes:
        found: bytes = self.fs.read_range(self.path, start, end, self._pinned, self.size)
        return found


class OstiaryWriter(io.BufferedIOBase):
    """An object on its way to the door: it is sent, with its digest, when it is closed.

    Leaving a ``with`` block by an exception sends nothing, and neither does letting it go without closing it.
    """

    def __init__(self, fs: "OstiaryFileSystem", path: str, *, exclusive: bool) -> None:
        """Begin with nothing."""
        self._fs = fs
        self._path = path
        self._exclusive = exclusive
        self._digest = hashlib.sha256()
        self._size = 0
        self._file = tempfile.SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 - closed by close and discard

    @override
    def writable(self) -> bool:
        """Return true."""
        return True

    @override
    def write(self, data: Any, /) -> int:
        """Add bytes."""
        if self.closed:
            raise ValueError("the file is closed")
        view = memoryview(data).cast("B")
        self._digest.update(view)
        self._size += len(view)
        return self._file.write(view)

    @override
    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._size

    @override
    def close(self) -> None:
        """Send the object.

        Raises:
            DatasetError: the door does not take it.
        """
        if self.closed:
            return
        try:
            self._file.seek(0)
            self._fs.send(self._path, self._file, self._size, self._digest.digest(), exclusive=self._exclusive)
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget it."""
        self._file.close()
        super().close()

    @override
    def __del__(self) -> None:
        """Forget what nobody closed; the usual end of a file would close it, and so send half an object."""
        if not self.closed:
            self.discard()

    @override
    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send the object, or forget it when the block failed."""
        if kind is None:
            self.close()
        else:
            self.discard()


def digest_header(digest: bytes) -> str:
    """Return a SHA-256 as ``Repr-Digest`` says it (RFC 9530 §3).

    >>> digest_header(bytes(32))
    'sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:'
    """
    return f"sha-256=:{base64.b64encode(digest).decode()}:"
