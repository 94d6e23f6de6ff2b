"""A disk that can be made as small as one likes: a tmpfs that is mounted for the campaign (root alone may)."""

import os
import subprocess
from pathlib import Path
from typing import Final

from ostiary.errors import UnavailableError

MIB: Final = 1 << 20
ROOMY_MIB: Final = 4096
TRIES: Final = 100


class SmallDisk:
    """One mounted tmpfs. ``open`` makes it, ``close`` takes it away with everything on it."""

    def __init__(self, folder: Path) -> None:
        """Stand for the mount at ``folder``."""
        self.folder = folder

    @classmethod
    def open(cls, folder: Path) -> "SmallDisk | None":
        """Mount a disk at ``folder``; return ``None`` where that may not be done."""
        folder.mkdir(parents=True, exist_ok=True)
        if os.name != "posix" or os.geteuid() != 0:
            return None
        done = _run("mount", "-t", "tmpfs", "-o", f"size={ROOMY_MIB}m,mode=700", "ostiary-campaign", str(folder))
        return cls(folder) if done else None

    def leave(self, free_bytes: int) -> None:
        """Make it so small that ``free_bytes`` are free.

        Raises:
            UnavailableError: it could not be made so small.
        """
        for _ in range(TRIES):  # what is written in between makes the size too small to be taken
            status = os.statvfs(self.folder)
            used = (status.f_blocks - status.f_bfree) * status.f_frsize
            size = (used + free_bytes) // status.f_frsize * status.f_frsize
            if _run("mount", "-o", f"remount,size={size}", str(self.folder)):
                return
        raise UnavailableError("campaign_disk", "the disk could not be made small")

    def relieve(self) -> None:
        """Make it roomy again."""
        _run("mount", "-o", f"remount,size={ROOMY_MIB}m", str(self.folder))

    def close(self) -> None:
        """Unmount it."""
        _run("umount", "-l", str(self.folder))


def _run(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - mount and umount
