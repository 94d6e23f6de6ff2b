"""Where playbooks lie: the shipped ones, and a tenant's own folder, which wins by name.

Rules:

- A file that cannot be read as a playbook is told and left out; the shipped one of that name, or the one that was read
  before, stays in force: breaking a file must not switch a response off.
- Folders are looked at again at most once a second; what did not change is not read again.
- At most 200 playbooks a folder, regular files only; a file is named after its playbook.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.response.playbook import Playbook
from ostiary.response.playbook_file import MAX_BYTES, read_playbook

MAX_FILES: Final = 200
LOOK_EVERY_NS: Final = 1_000_000_000
OnFault = Callable[[str, BaseException], None]
_Stamp = tuple[int, int, int]


class _Read(msgspec.Struct, frozen=True):
    stamp: _Stamp
    playbook: Playbook | None


class Shelf:
    """Playbooks by tenant; safe for several threads."""

    def __init__(self, shipped: Path, own: Callable[[str], Path], now_ns: Callable[[], int], on_fault: OnFault) -> None:
        """Take the shipped folder, where each tenant's lies, and whom to tell of faults."""
        self._shipped = shipped
        self._own = own
        self._now_ns = now_ns
        self._on_fault = on_fault
        self._lock = threading.Lock()
        self._files: dict[Path, _Read] = {}
        self._known: dict[str, tuple[int, tuple[Playbook, ...]]] = {}

    def playbooks(self, tenant: str) -> tuple[Playbook, ...]:
        """Return a tenant's playbooks in the order of their names."""
        known, now = self._known.get(tenant), self._now_ns()
        if known is not None and 0 <= now - known[0] < LOOK_EVERY_NS:
            return known[1]
        with self._lock:
            found = {book.name: book for folder in (self._shipped, self._own(tenant)) for book in self._folder(folder)}
            books = tuple(found[name] for name in sorted(found))
            self._known[tenant] = (now, books)
            return books

    def _folder(self, folder: Path) -> list[Playbook]:
        files = sorted(path for path in folder.glob("*.yaml") if path.is_file())[:MAX_FILES] if folder.is_dir() else []
        return [book for path in files if (book := self._file(path)) is not None]

    def _file(self, path: Path) -> Playbook | None:
        before = self._files.get(path)
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            if before is None or before.stamp != stamp:
                kept = before.playbook if before else None
                self._files[path] = _Read(stamp, kept)  # a faulty file is told once, not every second
                self._files[path] = _Read(stamp, load_file(path))
        except (OstiaryError, OSError) as fault:
            self._on_fault(getattr(fault, "code", "playbook_unreadable"), fault)
        found = self._files.get(path)
        return found.playbook if found else None


def load_file(path: Path) -> Playbook:
    """Return the playbook in one file.

    Raises:
        FaultyInputError: ``playbook_…``; ``playbook_misnamed`` when the file is not named after its playbook.
    """
    with path.open("rb") as file:
        playbook = read_playbook(path.name, file.read(MAX_BYTES + 1))
    if playbook.name != path.stem:
        text = f"{path.name}:1: the playbook `{playbook.name}` lies in a file of another name"
        raise FaultyInputError("playbook_misnamed", text, "1")
    return playbook
