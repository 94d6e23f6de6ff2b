"""The disk reserve: so that a full disk can still be noted down, and is noticed before it bites.

- A file of real blocks is kept beside the log. Records are refused while free space is below the floor.
- When the disk fills up, the file is given up, which leaves room to end what was begun; it is taken back, and the
  service with it, as soon as there is room again. Nobody has to restart anything.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ostiary.errors import UnavailableError

MIB: Final = 1 << 20
FreeBytes = Callable[[Path], int]


def free_bytes(folder: Path) -> int:
    """Return how many bytes an ordinary process may still write below ``folder``."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


class DiskReserve:
    """Holds disk space back in ``folder`` and says whether there is room to write."""

    def __init__(self, folder: Path, size: int, floor: int, free: FreeBytes = free_bytes) -> None:
        """Reserve ``size`` bytes; refuse to write below ``floor`` free bytes."""
        self._path = folder / "reserve.bin"
        self._size = size
        self._floor = floor
        self._free = free
        self._hold()

    @property
    def held(self) -> bool:
        """Whether the reserve is there in full."""
        return self._path.exists() and self._path.stat().st_size == self._size

    def check(self) -> None:
        """Return when there is room to write.

        Raises:
            UnavailableError: ``disk_full``; the reserve has then been given up.
        """
        free = self._free(self._path.parent)
        if free < self._floor:
            self.release()
            text = f"{free // MIB} MiB of disk are free, {self._floor // MIB} are needed to accept a record"
            raise UnavailableError("disk_full", text)
        if free >= self._floor + self._size and not self.held:
            self._hold()

    def release(self) -> None:
        """Give the reserve up."""
        self._path.unlink(missing_ok=True)

    def _hold(self) -> None:
        if self.held or self._size <= 0:
            return
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(handle, 0, self._size)
            finally:
                os.close(handle)
        except OSError:
            self.release()  # no room to hold back: ``check`` will say so before anything is accepted
