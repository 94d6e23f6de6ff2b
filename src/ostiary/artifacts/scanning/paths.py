"""Finds the files to scan, and reads each without following a link.

- A folder is walked in order, at most ``max_files``; links, devices, sockets and pipes are refused, not opened.
- A file is mapped and not copied, so that a model of many gigabytes costs no memory.
"""

import mmap
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ostiary.artifacts.scanning.findings import Report, ScanLimits, finding
from ostiary.artifacts.scanning.scanner import scan_bytes
from ostiary.errors import FaultyInputError

_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAPPED: Final = 1024 * 1024


def scan_paths(paths: Iterable[Path], limits: ScanLimits | None = None) -> Iterator[Report]:
    """Give a report for each file at or below ``paths``.

    Raises:
        FaultyInputError: ``path_absent``, ``too_many_files``.
    """
    bounds = limits or ScanLimits()
    count = 0
    for path in paths:
        for file in _files(path):
            count += 1
            if count > bounds.max_files:
                raise FaultyInputError("too_many_files", f"there are more than {bounds.max_files} files to scan")
            yield scan_file(file, bounds)


def scan_file(path: Path, limits: ScanLimits) -> Report:
    """Return the report of one file."""
    try:
        handle = os.open(path, _OPEN)
    except OSError as fault:
        return _refused(path, "file_unreadable", f"it is a link or cannot be read: {fault.strerror}")
    try:
        told = os.fstat(handle)
        if not stat.S_ISREG(told.st_mode):
            return _refused(path, "file_unreadable", "it is no regular file")
        if told.st_size > limits.max_file_bytes:
            return _refused(path, "file_too_large", f"it has {told.st_size} bytes")
        return _scan_open(path, handle, told.st_size, limits)
    finally:
        os.close(handle)


def _scan_open(path: Path, handle: int, size: int, limits: ScanLimits) -> Report:
    if size <= _MAPPED:
        with os.fdopen(os.dup(handle), "rb") as file:
            return scan_bytes(str(path), file.read(_MAPPED + 1), limits)
    with mmap.mmap(handle, size, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
        return scan_bytes(str(path), view, limits)


def _files(path: Path) -> Iterator[Path]:
    if path.is_symlink() or not path.is_dir():
        if not os.path.lexists(path):
            raise FaultyInputError("path_absent", f"`{path}` is not there")
        yield path
        return
    for folder, folders, names in os.walk(path, followlinks=False):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in links)
        for name in sorted(names + links):
            yield Path(folder, name)


def _refused(path: Path, code: str, message: str) -> Report:
    return Report(str(path), "refused", "", (finding(code, message),))
