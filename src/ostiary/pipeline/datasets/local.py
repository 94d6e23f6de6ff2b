"""Objects in a folder of this machine, reached by no link and never by a path that was only checked.

1. Every step is taken relative to the folder before it, with ``O_NOFOLLOW``: a link anywhere is as if nothing were
   there, and a folder that is swapped for a link between two steps is not entered (no time of check, time of use).
2. Only plain files are objects: a device, a pipe or a socket is not opened for long, and never read.
3. A version is pinned by the open file and what ``fstat`` says of it; a change during a read breaks it off.
4. What comes in is written beside the objects under a name that is the door's own, and shows only when it is linked
   into its place, whole and on disk.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.pipeline.datasets.names import OWN, check_name, join
from ostiary.pipeline.datasets.ports import (
    OBJECT_CHANGED,
    OBJECT_EXISTS,
    OBJECT_UNKNOWN,
    STORE_UNAVAILABLE,
    Listed,
    ObjectStat,
)

PIECE: Final = 512 * 1024  # smaller ones cost calls, larger ones fall out of the cache (benchmarks/bench_datasets.py)
MAX_ENTRIES: Final = 200_000
STAGING: Final = f"{OWN}-staging"
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalObjects:
    """The objects below one folder; implements ``ports.Objects``."""

    def __init__(self, root: Path, prefix: str = "") -> None:
        """Use ``prefix`` inside ``root``; the root's own path is the administrator's, and may hold links."""
        self._root = root
        self._prefix = prefix

    def open(self, name: str) -> "LocalObject":
        """Open one object."""
        with ExitStack() as opened:
            parent, last = self._parent(opened, name)
            handle = _open(last, _READ, parent)
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                os.close(handle)
                raise _unknown()
            return LocalObject(handle, name, found)

    def list(self, folder: str, after: str, *, deep: bool) -> Iterator[Listed]:
        """Yield what lies in a folder, in the order of names; links and odd names are not there."""
        with ExitStack() as opened:
            try:
                handle = self._folder(opened, folder)
            except RefusedError:
                return
            yield from _walk(handle, folder, after, deep=deep)

    def stage(self) -> "LocalStaged":
        """Begin a new object in the staging folder of the dataset."""
        with ExitStack() as opened, _faults():
            base = self._made(opened, self._prefix)
            with suppress(FileExistsError):
                os.mkdir(STAGING, 0o700, dir_fd=base)
            folder = _open(STAGING, _FOLDER, base)
        return LocalStaged(self, folder)

    def delete(self, name: str, etag: str) -> None:
        """Remove this version of an object."""
        with ExitStack() as opened, self.writing(), _faults():
            parent, last = self._parent(opened, name)
            _check_version(parent, last, etag)
            os.unlink(last, dir_fd=parent)
            os.fsync(parent)

    def place(self, opened: ExitStack, name: str) -> tuple[int, str]:
        """Return the folder of an object, made when it is missing, and the last segment of its name."""
        folder, _, last = join(self._prefix, name).rpartition("/")
        return self._made(opened, folder), last

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold off every other writer of this dataset, in other processes too."""
        with ExitStack() as opened:
            base = self._folder(opened, "")
            fcntl.flock(base, fcntl.LOCK_EX)  # let go of when it is closed
            yield

    def _made(self, opened: ExitStack, path: str) -> int:
        handle = self._top(opened)
        for segment in path.split("/") if path else ():
            with _faults(), suppress(FileExistsError):
                os.mkdir(segment, 0o750, dir_fd=handle)
            handle = _enter(opened, segment, handle)
        return handle

    def _parent(self, opened: ExitStack, name: str) -> tuple[int, str]:
        folder, _, last = name.rpartition("/")
        return self._folder(opened, folder), last

    def _folder(self, opened: ExitStack, folder: str) -> int:
        handle = self._top(opened)
        inside = join(self._prefix, folder)
        for segment in inside.split("/") if inside else ():
            handle = _enter(opened, segment, handle)
        return handle

    def _top(self, opened: ExitStack) -> int:
        try:
            handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as fault:
            raise UnavailableError(STORE_UNAVAILABLE, "the dataset's folder is away") from fault
        opened.callback(os.close, handle)
        return handle


class LocalObject:
    """An open file; implements ``ports.OpenObject``."""

    def __init__(self, handle: int, name: str, found: os.stat_result) -> None:
        """Take a handle, which is closed with this object."""
        self._handle = handle
        self._found = found
        self.stat = _stat_of(name, found)

    def pieces(self, start: int, length: int) -> Iterator[memoryview]:
        """Yield bytes through one buffer, which is used again: a fresh one for each piece costs more than reading."""
        buffer = memoryview(bytearray(min(PIECE, max(length, 1))))
        end = start + length
        for position in range(start, end, len(buffer)):
            piece = buffer[: min(len(buffer), end - position)]
            self.fill(piece, position)
            yield piece

    def fill(self, into: memoryview, start: int) -> None:
        """Read as many bytes as ``into`` holds; nothing of a file that changed meanwhile is good."""
        done = 0
        while done < len(into):
            count = self._read(into[done:], start + done)
            if count == 0:
                break
            done += count
        if done < len(into) or not self._unchanged():
            raise RefusedError(OBJECT_CHANGED, "the object changed while it was read")

    def close(self) -> None:
        """Close the file; harmless when it is closed."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def _read(self, into: memoryview, position: int) -> int:
        with _faults():
            return os.preadv(self._handle, [into], position)

    def _unchanged(self) -> bool:
        now = os.fstat(self._handle)
        return (now.st_size, now.st_mtime_ns) == (self._found.st_size, self._found.st_mtime_ns)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


class LocalStaged:
    """A file beside the objects that no listing shows; implements ``ports.Staged``."""

    def __init__(self, objects: LocalObjects, folder: int) -> None:
        """Make the file in ``folder``, a handle that is closed with this object."""
        self._objects = objects
        self._folder = folder
        self._name = secrets.token_hex(16)
        with _faults():
            self._handle = os.open(self._name, _WRITE, 0o600, dir_fd=folder)

    def write(self, data: bytes) -> None:
        """Add bytes."""
        with _faults():
            view = memoryview(data)
            while view:
                view = view[os.write(self._handle, view) :]

    def publish(self, name: str, *, replaces: str | None) -> ObjectStat:
        """Link the file into its place when it is on disk."""
        with _faults():
            os.fsync(self._handle)  # before others are held off: it may take long
        with ExitStack() as opened, self._objects.writing(), _faults():
            parent, last = self._objects.place(opened, name)
            if replaces is None:
                self._link(parent, last)
            else:
                _check_version(parent, last, replaces)
                os.rename(self._name, last, src_dir_fd=self._folder, dst_dir_fd=parent)
            os.fsync(parent)
            found = os.fstat(self._handle)
        return _stat_of(name, found)

    def discard(self) -> None:
        """Remove what is left of it."""
        if self._handle < 0:
            return
        with suppress(FileNotFoundError):
            os.unlink(self._name, dir_fd=self._folder)
        os.close(self._handle)
        os.close(self._folder)
        self._handle = -1

    def _link(self, parent: int, last: str) -> None:
        try:
            os.link(self._name, last, src_dir_fd=self._folder, dst_dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            raise RefusedError(OBJECT_EXISTS, "there is such an object already") from None
        os.unlink(self._name, dir_fd=self._folder)


def _walk(folder: int, name: str, after: str, *, deep: bool) -> Iterator[Listed]:
    """Yield the entries of an open folder in the order of their keys: a folder counts as its name and a slash."""
    for key, last, found in _entries(folder, name):
        whole = join(name, last)
        if not stat.S_ISDIR(found.st_mode):
            if whole > after:
                listed = _stat_of(whole, found)
                yield Listed(whole, listed.size, listed.etag, listed.modified_ns)
        elif not deep:
            if key > after:
                yield Listed(whole)
        elif key > after or after.startswith(key):
            with ExitStack() as opened:
                try:
                    inner = _enter(opened, last, folder)
                except RefusedError:  # it went, or became a link, since it was listed
                    continue
                yield from _walk(inner, whole, after, deep=True)


def _entries(folder: int, name: str) -> list[tuple[str, str, os.stat_result]]:
    found: list[tuple[str, str, os.stat_result]] = []
    with _faults(), os.scandir(folder) as entries:
        for entry in entries:
            if len(found) >= MAX_ENTRIES:
                raise UnavailableError(STORE_UNAVAILABLE, f"a folder has more than {MAX_ENTRIES} entries")
            status = _status(entry)
            if status is not None and _is_name(entry.name):
                whole = join(name, entry.name)
                found.append((whole + "/" if stat.S_ISDIR(status.st_mode) else whole, entry.name, status))
    return sorted(found, key=lambda one: one[0])


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return status if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) else None


def _is_name(text: str) -> bool:
    try:
        check_name(text)
    except FaultyInputError:
        return False
    return True


def _enter(opened: ExitStack, segment: str, folder: int) -> int:
    handle = _open(segment, _FOLDER, folder)
    opened.callback(os.close, handle)
    return handle


def _open(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as fault:  # absent, a link, no folder, or closed to us: all the same to whoever asks
        raise _unknown() from fault


def _check_version(folder: int, name: str, etag: str) -> None:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        raise _unknown()
    if _stat_of(name, found).etag != etag:
        raise RefusedError(OBJECT_CHANGED, "the object is not the version that was named")


def _stat_of(name: str, found: os.stat_result) -> ObjectStat:
    # The time of the last change of the inode is in it: the time of writing alone can be set back by whoever writes.
    etag = f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}-{found.st_ctime_ns:x}"
    return ObjectStat(name, found.st_size, etag, found.st_mtime_ns)


def _unknown() -> RefusedError:
    return RefusedError(OBJECT_UNKNOWN, "there is no such object")


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except OstiaryError:
        raise
    except FileNotFoundError:
        raise _unknown() from None
    except OSError as fault:
        raise UnavailableError(STORE_UNAVAILABLE, f"the dataset's folder failed: {fault.strerror}") from fault
