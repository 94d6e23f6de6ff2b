"""Staging without a copy, for models too large to hold twice: the files where they lie, under leases of the kernel.

- A lease (fcntl(2) F_SETLEASE, F_RDLCK) is granted only when nobody has the file open for writing, mapped ones
  included. It is taken before the digest is computed. From then on, whoever opens the file for writing or truncates
  it has to wait, and the lease says that it was broken.
- ``check`` tells whether every lease still holds, and closing the model does so by itself: use what was loaded only
  after the ``with`` block ended well. A writer is made to wait for ``/proc/sys/fs/lease-break-time`` (45 s) at most;
  after that the bytes may change, and the check refuses.
- It needs a local Linux file system, and files of this user (or CAP_LEASE). Root may still write the disk beneath.
"""

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from typing_extensions import override

from ostiary.artifacts.oms.refusing import refuse, shown
from ostiary.artifacts.oms.staging.base import StagedFile, Staging, Taken, check_size, still_open
from ostiary.artifacts.oms.tree import open_beneath
from ostiary.errors import UnavailableError

_MAX_FILES: Final = 512  # one descriptor a file


class InPlace(Staging):
    """Holds files where they lie, under leases."""

    @override
    def take(self, root: int, files: Mapping[str, int]) -> Taken:
        """Begin, when the system has leases and there are not too many files."""
        if not hasattr(fcntl, "F_SETLEASE"):
            raise UnavailableError("artifact_staging_unavailable", "this system has no leases: stage in a folder")
        if len(files) > _MAX_FILES:
            text = f"{len(files)} files, {_MAX_FILES} can be held in place: stage in a folder"
            raise UnavailableError("artifact_staging_full", text)
        return _Place(root, files)


class _Place(Taken):
    def __init__(self, root: int, sizes: Mapping[str, int]) -> None:
        self._root, self._sizes = root, sizes
        self._files: list[StagedFile] = []

    @override
    def file(self, path: str) -> StagedFile:
        handle = open_beneath(self._root, path)
        try:
            _lease(handle, path)
            check_size(handle, path, self._sizes[path])
        except BaseException:
            os.close(handle)
            raise
        file = _Leased(path, self._sizes[path], handle)
        self._files.append(file)
        return file

    @override
    def finish(self) -> None:
        """Every lease must still hold when the digests are done."""
        for file in self._files:
            file.check()

    @override
    def drop(self) -> None:
        for file in self._files:
            file.close()


class _Leased(StagedFile):
    __slots__ = ("_handle",)

    def __init__(self, name: str, size: int, handle: int) -> None:
        super().__init__(name, size)
        self._handle = handle

    @override
    @contextlib.contextmanager
    def reading(self) -> Iterator[int]:
        yield still_open(self._handle)

    @property
    @override
    def path(self) -> Path:
        return Path(f"/proc/self/fd/{still_open(self._handle)}")

    @override
    def check(self) -> None:
        if self._handle >= 0 and fcntl.fcntl(self._handle, fcntl.F_GETLEASE) != fcntl.F_RDLCK:
            raise refuse(
                "artifact_changed_in_use", f"somebody opened `{shown(self.name)}` for writing while it was used"
            )

    @override
    def close(self) -> None:
        super().close()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _lease(handle: int, path: str) -> None:
    try:
        # A broken lease sends SIGIO, whose default is to end the process. We ask instead: from the first moment it is a
        # signal that is ignored by default, and then nobody is sent any.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETOWN, 0)
    except BlockingIOError as fault:
        raise refuse("artifact_changed_in_use", f"`{shown(path)}` is open for writing") from fault
    except OSError as fault:
        text = f"`{shown(path)}` cannot be held in place ({fault.strerror}): stage in memory or in a folder"
        raise UnavailableError("artifact_staging_unavailable", text) from fault
