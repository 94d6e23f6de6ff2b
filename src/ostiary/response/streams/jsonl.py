"""Writes events into files: one CloudEvents document a line, rotated by size, the oldest removed.

Rules:

- What ``deliver`` returned for is on disk. A line that a crash cut short was never confirmed; it is cut off before the
  next one is written, and comes again whole.
- Files are created for their owner alone (0600), in a folder that the administrator named; links are not followed.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.response.streams.event import StreamEvent

NEWEST: Final = "events.jsonl"
_TAIL: Final = 16 << 20  # longer than any line: a record has at most a mebibyte, six times that in ASCII


class JsonlReceiver:
    """A folder with ``events.jsonl`` and older files ``events.jsonl.N``, the higher N the older."""

    batch = 500

    def __init__(self, folder: Path, max_bytes: int, keep: int) -> None:
        """Take where, how large a file may grow, and how many older ones stay."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._keep = keep

    def deliver(self, events: Sequence[StreamEvent], now_ns: int) -> None:
        """Append them, and wait until they are on disk."""
        del now_ns
        lines = b"".join(one.document() + b"\n" for one in events)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._rotate()
            self._append(lines)
        except OSError as fault:
            raise UnavailableError("file_unwritable", f"`{self._folder}` cannot be written") from fault

    def _append(self, lines: bytes) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self._folder / NEWEST, flags, 0o600)
        with os.fdopen(handle, "r+b", buffering=0) as file:
            end = _whole_end(handle)
            os.ftruncate(handle, end)
            file.seek(end)
            left = memoryview(lines)
            while left:
                left = left[file.write(left) :]
            os.fsync(handle)

    def _rotate(self) -> None:
        newest = self._folder / NEWEST
        if not newest.exists() or newest.stat().st_size < self._max_bytes:
            return
        for number in range(self._keep, 0, -1):
            older = self._name(number - 1)
            if older.exists():
                older.replace(self._name(number))
        if self._keep == 0:
            newest.unlink()

    def _name(self, number: int) -> Path:
        return self._folder / (f"{NEWEST}.{number}" if number else NEWEST)


def _whole_end(handle: int) -> int:
    """Return where the last whole line ends."""
    size = os.fstat(handle).st_size
    start = max(0, size - _TAIL)
    tail = os.pread(handle, size - start, start)
    return size if tail.endswith(b"\n") else start + tail.rfind(b"\n") + 1
