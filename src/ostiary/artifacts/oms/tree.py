"""Walks a model's folder without following anything, and finds everything in it: nothing is ignored.

- Everything is reached from one open folder, name by name, with ``O_NOFOLLOW``: a link put in the way later is refused,
  wherever on the path it lies.
- Links, pipes, sockets and devices are refused; so are folders without files, which no signature covers.
- Modes: no execute, set-id or sticky bit and not writable by everybody. What else a mode says is irrelevant, since
  staged bytes get modes of their own.
- Sizes found here are for limits and plans; the bytes that are read decide.
"""

import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Final

from ostiary.artifacts.oms.limits import ModelLimits
from ostiary.artifacts.oms.names import check_path
from ostiary.artifacts.oms.refusing import refuse, shown
from ostiary.errors import FaultyInputError, VerificationError

_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_FORBIDDEN_MODE: Final = 0o7113  # set-id, sticky, execute for anybody, write for others


class Walk:
    """One walk: what may be found, and what was."""

    def __init__(
        self, limits: ModelLimits, *, listed: Collection[str] = (), own: Collection[str] = (), any_mode: bool = False
    ) -> None:
        """Walk within ``limits``; ``own`` are the bundles' names, which are files of the model nowhere."""
        self.files: dict[str, int] = {}
        self._limits, self._listed, self._own, self._any_mode = limits, listed, own, any_mode
        self._total = 0

    def into(self, folder: int, prefix: str = "", depth: int = 0) -> dict[str, int]:
        """Walk an open folder and return the size of each file by its path.

        Raises:
            VerificationError: what is found may not be in a model.
        """
        if depth > self._limits.max_depth:
            raise refuse("artifact_too_large", f"`{shown(prefix)}` lies deeper than {self._limits.max_depth} folders")
        before = len(self.files)
        with os.scandir(folder) as entries:
            for entry in entries:
                self._take(folder, entry, prefix + entry.name, depth)
        if prefix and len(self.files) == before:
            raise refuse("artifact_empty_folder", f"`{shown(prefix)}` holds no file, so no signature covers it")
        return self.files

    def _take(self, folder: int, entry: "os.DirEntry[str]", path: str, depth: int) -> None:
        if depth == 0 and entry.name in self._own and entry.is_file(follow_symlinks=False):
            return  # a bundle; a folder of that name would hide what nobody signed
        check_path(path)
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            code = "artifact_link_for_file" if path in self._listed else "artifact_link"
            raise refuse(code, f"`{shown(path)}` is a symbolic link")
        if stat.S_ISDIR(status.st_mode):
            self._enter(folder, entry.name, path, depth)
            return
        if not stat.S_ISREG(status.st_mode):
            raise refuse("artifact_special_file", f"`{shown(path)}` is no regular file")
        self._count(path, status)

    def _enter(self, folder: int, name: str, path: str, depth: int) -> None:
        handle = _open(name, path, _FOLDER, folder)
        try:
            self.into(handle, path + "/", depth + 1)
        finally:
            os.close(handle)

    def _count(self, path: str, status: os.stat_result) -> None:
        if status.st_mode & _FORBIDDEN_MODE and not self._any_mode:
            mode = stat.S_IMODE(status.st_mode)
            raise refuse("artifact_file_mode", f"`{shown(path)}` has mode {mode:04o}: a+x, o+w and set-id are refused")
        self.files[path] = status.st_size
        self._total += status.st_size
        bounds = self._limits
        if len(self.files) > bounds.max_files:
            raise refuse("artifact_too_large", f"more than {bounds.max_files} files")
        if status.st_size > bounds.max_file_bytes or self._total > bounds.max_total_bytes:
            raise refuse("artifact_too_large", f"`{shown(path)}` makes more bytes than are allowed")
        if len(path.encode()) > bounds.max_path_bytes:
            raise refuse("artifact_too_large", f"the path `{shown(path)}` is too long")


def open_root(path: Path) -> int:
    """Open a model's folder.

    Raises:
        FaultyInputError: ``artifact_absent``.
    """
    try:
        return os.open(path, _FOLDER)
    except OSError as fault:
        raise FaultyInputError("artifact_absent", f"`{shown(str(path))}` is no folder that can be read") from fault


def open_beneath(root: int, path: str) -> int:
    """Open a regular file below ``root``, following no link on the way.

    Raises:
        VerificationError: ``artifact_link_for_file``, ``artifact_missing_file``, ``artifact_special_file``.
    """
    *folders, name = path.split("/")
    at, opened = root, []
    try:
        for folder in folders:
            at = _open(folder, path, _FOLDER, at)
            opened.append(at)
        handle = _open(name, path, _FILE, at)
    finally:
        for one in opened:
            os.close(one)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise refuse("artifact_special_file", f"`{shown(path)}` is no regular file")
    return handle


def read_beneath(root: int, name: str, most: int) -> bytes | None:
    """Return a small file of the folder itself, such as a bundle; ``None`` when there is none.

    Raises:
        VerificationError: it is a link or no regular file, or ``artifact_too_large``.
    """
    try:
        handle = open_beneath(root, name)
    except VerificationError as fault:
        if fault.code == "artifact_missing_file":
            return None
        raise
    with os.fdopen(handle, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise refuse("artifact_too_large", f"`{shown(name)}` has more than {most} bytes")
    return data


def _open(name: str, path: str, flags: int, at: int) -> int:
    try:
        return os.open(name, flags, dir_fd=at)
    except FileNotFoundError as fault:
        raise refuse("artifact_missing_file", f"`{shown(path)}` is missing") from fault
    except OSError as fault:
        raise refuse("artifact_link_for_file", f"`{shown(path)}` is a link, or cannot be opened") from fault
