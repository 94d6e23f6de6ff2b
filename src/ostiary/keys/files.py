"""Files that hold secrets: 0600 in folders of 0700, written atomically, refused when looser.

- A new file is written beside its place, synced, then renamed over it: a crash leaves the old or the new one.
- A file that others may read, that somebody else owns, or that is a link, is refused before a byte is read.
- ``erase`` overwrites before it unlinks. On copy-on-write disks old blocks may survive (docs/reference/audit-log.md).
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ostiary.errors import RefusedError, UnavailableError

_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_OTHERS: Final = 0o077
_SIZE_LIMIT: Final = 1 << 20


def private_folder(folder: Path) -> Path:
    """Make ``folder`` (0700) if it is missing, check it if it is there, and return it.

    Raises:
        RefusedError: ``key_permissions`` when group or others may enter it.
        UnavailableError: ``key_unavailable`` when it cannot be made.
    """
    try:
        for missing in reversed([place for place in (folder, *folder.parents) if not place.exists()]):
            missing.mkdir(mode=_FOLDER_MODE, exist_ok=True)  # ``parents=True`` would leave them open to others
        _check(folder, os.lstat(folder), stat.S_ISDIR)
    except OSError as fault:
        raise UnavailableError(
            "key_unavailable", f"the key folder `{folder}` cannot be used: {fault.strerror}"
        ) from fault
    return folder


def read_private(path: Path) -> bytes:
    """Return the contents of a private file.

    Raises:
        RefusedError: ``key_permissions`` when group or others may read it, it is a link, or not ours.
        UnavailableError: ``key_unavailable`` when it cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as fault:
        raise UnavailableError("key_unavailable", f"the key file `{path}` cannot be read: {fault.strerror}") from fault
    with os.fdopen(handle, "rb") as file:
        _check(path, os.fstat(handle), stat.S_ISREG)
        return file.read(_SIZE_LIMIT)


def write_private(path: Path, data: bytes) -> None:
    """Write a private file so that a crash leaves either the old contents or the new.

    Raises:
        UnavailableError: ``key_unavailable`` when the disk refuses.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as fault:
        beside.unlink(missing_ok=True)
        raise UnavailableError(
            "key_unavailable", f"the key file `{path}` cannot be written: {fault.strerror}"
        ) from fault


def erase(path: Path) -> None:
    """Overwrite a secret file with zeros, then remove it; a missing file is already erased.

    Raises:
        UnavailableError: ``key_unavailable`` when the disk refuses.
    """
    try:
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)
    except FileNotFoundError:
        return
    except OSError as fault:
        raise UnavailableError(
            "key_unavailable", f"the key file `{path}` cannot be erased: {fault.strerror}"
        ) from fault


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that two processes never make or rotate a key at once."""
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make a rename or removal in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check(path: Path, status: os.stat_result, is_kind: object) -> None:
    kind_is_right = callable(is_kind) and is_kind(status.st_mode)
    if not kind_is_right:
        raise RefusedError("key_permissions", f"`{path}` is not a plain file or folder: a link is refused")
    if status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise RefusedError(
            "key_permissions", f"`{path}` has mode {mode:04o}, group and others must have no rights: chmod go= it"
        )
    if status.st_uid != os.geteuid():
        raise RefusedError("key_permissions", f"`{path}` belongs to another user")
