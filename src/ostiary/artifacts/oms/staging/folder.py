"""Staging in a private folder, for loaders that want a folder: MLflow, ``from_pretrained``, plugins.

- A fresh folder (0700) of this user, below a parent that the caller names; files are 0400. Digests are computed over
  the copies.
- On file systems that share blocks (btrfs, xfs, NFS 4.2) ``copy_file_range`` makes the copy without copying.
- The parent must be of this user or root, and writable by others only when it is sticky, as `/tmp` is.
- What it keeps out: whoever may write the model's own place, and every other user. What it does not: another process of
  this same user, and root. ``InMemory`` keeps those out too.
"""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from typing_extensions import override

from ostiary.artifacts.oms.refusing import refuse, shown
from ostiary.artifacts.oms.staging.base import StagedFile, Staging, Taken, opened
from ostiary.errors import UnavailableError

_STEP: Final = 1 << 30
_BUFFER: Final = 1 << 20
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class InFolder(Staging):
    """Copies files into a fresh private folder.

    Args:
        parent: where the folder is made; it must belong to this user.
        keep: leave the folder when the model is closed; the caller removes it.
    """

    def __init__(self, parent: Path, *, keep: bool = False) -> None:
        """Stage below ``parent``."""
        self.parent = parent
        self.keep = keep

    @override
    def take(self, root: int, files: Mapping[str, int]) -> Taken:
        """Begin, when there is room enough."""
        try:
            _check_parent(self.parent)
            disk = os.statvfs(self.parent)
            if sum(files.values()) > disk.f_bavail * disk.f_frsize:
                raise UnavailableError("artifact_staging_full", f"`{self.parent}` has no room for the model")
            made = Path(tempfile.mkdtemp(prefix="model-", dir=self.parent))
        except OSError as fault:
            text = f"no folder can be made in `{self.parent}`: {fault.strerror}"
            raise UnavailableError("artifact_staging_unavailable", text) from fault
        return _Folder(root, files, made, keep=self.keep)


def _check_parent(parent: Path) -> None:
    """Refuse a parent in which others could put another folder in the place of ours."""
    status = parent.stat()
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    if others_write or status.st_uid not in {0, os.geteuid()}:
        text = f"others may move what lies in `{parent}`: stage in a folder of this user's own"
        raise UnavailableError("artifact_staging_unavailable", text)


class _Folder(Taken):
    def __init__(self, root: int, sizes: Mapping[str, int], folder: Path, *, keep: bool) -> None:
        self._root, self._sizes, self._keep = root, sizes, keep
        self.folder: Path = folder

    @override
    def file(self, path: str) -> StagedFile:
        place = self.folder / path
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with opened(self._root, path, self._sizes[path]) as source:
            try:
                size = _copy(source, place, self._sizes[path])
            except OSError as fault:
                text = f"`{shown(path)}` cannot be staged: {fault.strerror}"
                raise UnavailableError("artifact_staging_full", text) from fault
        return _Copied(path, size, place)

    @override
    def finish(self) -> None:
        """Nothing is left open."""

    @override
    def drop(self) -> None:
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)


class _Copied(StagedFile):
    __slots__ = ("_place",)

    def __init__(self, name: str, size: int, place: Path) -> None:
        super().__init__(name, size)
        self._place = place

    @override
    @contextlib.contextmanager
    def reading(self) -> Iterator[int]:
        try:
            handle = os.open(self._place, _READ)
        except OSError as fault:
            raise refuse("artifact_changed_in_use", f"the staged `{shown(self.name)}` is gone") from fault
        try:
            yield handle
        finally:
            os.close(handle)

    @property
    @override
    def path(self) -> Path:
        return self._place


def _copy(source: int, place: Path, size: int) -> int:
    at = 0
    target = os.open(place, _NEW, 0o400)
    try:
        while at < size:
            count = _copy_some(source, target, at, min(_STEP, size - at))
            if count == 0:
                break  # it shrank: the digest will say so
            at += count
    finally:
        os.close(target)
    return at


def _copy_some(source: int, target: int, at: int, count: int) -> int:
    if hasattr(os, "copy_file_range"):
        with contextlib.suppress(OSError):  # another file system, or one that cannot: copy by hand
            return os.copy_file_range(source, target, count, at, at)
    return os.pwrite(target, os.pread(source, min(count, _BUFFER), at), at)
