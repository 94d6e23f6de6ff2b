"""Blobs in a folder: ``TENANT/ab/cdef…``, each written once, whole or not at all.

- A file arrives by being renamed into place, from the same file system; before, it lay where nobody else could write.
- Reading follows no link and opens regular files alone. What is read is hashed by whoever hands it on (``loading``).
"""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.vocabulary.ids import check_tenant

PIECE: Final = 1 << 20
_MODE: Final = 0o400
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FolderBlobs:
    """Implements ``ports.Blobs`` on a file system."""

    def __init__(self, root: Path) -> None:
        """Keep them below ``root``."""
        self.root = root

    def adopt(self, tenant: str, sha256: str, path: Path) -> None:
        """Take a checked file for good."""
        place = self._place(tenant, sha256)
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(_MODE)
            path.replace(place)
            _flush(place)
            _flush(place.parent)
        except OSError as fault:
            raise _away(fault) from fault

    def size(self, tenant: str, sha256: str) -> int | None:
        """Return how many bytes there are."""
        try:
            status = self._place(tenant, sha256).lstat()
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise _away(fault) from fault
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def read(self, tenant: str, sha256: str) -> Iterator[bytes]:
        """Yield the bytes."""
        try:
            handle = os.open(self._place(tenant, sha256), _OPEN)
            with os.fdopen(handle, "rb", buffering=0) as file:
                while piece := file.read(PIECE):
                    yield piece
        except OSError as fault:
            raise _away(fault) from fault

    def forget(self, tenant: str) -> None:
        """Erase all that a tenant has."""
        shutil.rmtree(self.root / check_tenant(tenant), ignore_errors=True)

    def _place(self, tenant: str, sha256: str) -> Path:
        return self.root / check_tenant(tenant) / sha256[:2] / sha256[2:]


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _away(fault: OSError) -> UnavailableError:
    return UnavailableError("blobs_unavailable", f"the models' files cannot be reached: {fault.strerror}")
