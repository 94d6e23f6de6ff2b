"""How probes look at a machine: files up to a bound, programs up to a time, everything below one root.

The root is ``/`` but for tests. Programs are looked up in the system's own folders, never in ``PATH``: what a user puts
first there must not answer for the system.
"""

import os
import subprocess
import threading
from pathlib import Path
from typing import Final

PROGRAM_DIRS: Final = ("usr/sbin", "usr/bin", "sbin", "bin")
MAX_FILE: Final = 256 * 1024
MAX_OUTPUT: Final = 1024 * 1024
TIMEOUT_S: Final = 5.0


class NotToldError(Exception):
    """A probe cannot say; the text tells a person why."""


class Machine:
    """A machine to look at."""

    def __init__(self, root: Path = Path("/")) -> None:
        """Look below ``root``."""
        self.root = root

    def path(self, name: str) -> Path:
        """Return where ``name``, an absolute path, lies."""
        return self.root / name.lstrip("/")

    def read(self, name: str) -> str:
        """Return a file's text, up to a bound.

        Raises:
            NotToldError: it is not there, or not readable.
        """
        try:
            with self.path(name).open("rb") as file:
                return file.read(MAX_FILE).decode("utf-8", "replace")
        except OSError as fault:
            raise NotToldError(f"{name}: {fault.strerror}") from fault

    def bytes(self, name: str) -> bytes:
        """Return a small file's bytes.

        Raises:
            NotToldError: it is not there, or not readable.
        """
        try:
            with self.path(name).open("rb") as file:
                return file.read(64)
        except OSError as fault:
            raise NotToldError(f"{name}: {fault.strerror}") from fault

    def names(self, folder: str, limit: int = 100_000) -> list[str]:
        """Return the names in a folder, in order, or none when it is not there."""
        try:
            with os.scandir(self.path(folder)) as found:
                return sorted(entry.name for _, entry in zip(range(limit), found, strict=False))
        except OSError:
            return []

    def exists(self, name: str) -> bool:
        """Return whether there is such a file or folder."""
        return self.path(name).exists()

    def changed_s(self, name: str) -> float | None:
        """Return when a file was changed last, in seconds since 1970, or ``None`` when it is not there."""
        try:
            return self.path(name).stat().st_mtime
        except OSError:
            return None

    def program(self, name: str) -> Path | None:
        """Return where a program of the system lies."""
        places = (self.root / folder / name for folder in PROGRAM_DIRS)
        return next((place for place in places if os.access(place, os.X_OK)), None)

    def run(self, name: str, *arguments: str, timeout_s: float = TIMEOUT_S) -> tuple[int, str]:
        """Run a program of the system; return its exit code and what it wrote, up to a bound.

        Raises:
            NotToldError: it is not there, does not start, writes too much, or does not end in time.
        """
        place = self.program(name)
        if place is None:
            raise NotToldError(f"`{name}` is not installed")
        try:
            process = subprocess.Popen(  # noqa: S603 - a program of the system, with arguments of ours
                [str(place), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as fault:
            raise NotToldError(f"`{name}` does not start: {fault.strerror}") from fault
        late = threading.Timer(timeout_s, process.kill)
        late.start()
        try:
            with process:
                wrote = process.stdout.read(MAX_OUTPUT + 1) if process.stdout else b""
                if len(wrote) > MAX_OUTPUT:
                    process.kill()
        finally:
            late.cancel()
        if len(wrote) > MAX_OUTPUT or process.returncode < 0:
            raise NotToldError(f"`{name}` wrote too much or took longer than {timeout_s:.0f} s")
        return process.returncode, wrote.decode("utf-8", "replace")
