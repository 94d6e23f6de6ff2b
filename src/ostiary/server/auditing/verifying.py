"""Verifies the log of this very server, with the verifier that believes nothing but keys, and tells how far it is.

1. It reads the store as it lies there, in one snapshot, and opens payloads with the keys beside it.
2. It remembers what it saw in the data directory. Whoever can write there can write that, too: a verifier elsewhere
   (``ostiary audit verify URL``) remembers for itself, and witnesses remember for everybody.
3. What was found wrong is never remembered.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from ostiary.audit.verifier import Report, Verifier
from ostiary.audit.verifier.memory import load_memory, save_memory
from ostiary.audit.verifier.ports import LogSource
from ostiary.server.places import Places
from ostiary.server.settings.store import StoreSection
from ostiary.server.storing import open_source

Progress = Callable[[str, int, int], None]
FOLDER: Final = "audit"
STEP: Final = "reading entries"


def memory_file(places: Places) -> Path:
    """Return where the server remembers what it verified."""
    return places.root / FOLDER / "verified.json"


def verify_log(places: Places, store: StoreSection, progress: Progress, *, since: bool = False) -> Report:
    """Verify the log, or only what is new since the last time.

    Args:
        places: the data directory.
        store: which store it has.
        progress: told of the step, and how many entries of how many are read; what it raises ends the work.
        since: whether what was remembered is taken as it was.

    Raises:
        UnavailableError: the log cannot be read; that says nothing about it.
        VerificationError: ``memory_damaged``: somebody changed what was remembered.
    """
    place = memory_file(places)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    memory = load_memory(place)
    with open_source(places, store) as source:
        known = memory.size if since and memory is not None else 0
        told = _Telling(source, progress, known)
        verifier = Verifier(told, memory, since=since and memory is not None)
        learned = verifier.run()
    if learned is not None:
        save_memory(place, learned)
    return verifier.report


class _Telling:
    """A source that tells how far it was read."""

    def __init__(self, source: LogSource, progress: Progress, known: int) -> None:
        self._source = source
        self._progress = progress
        self._done = known
        self._total = 0
        self.tile = source.tile
        self.openings = source.openings
        self.published_keys = source.published_keys
        self.beyond = source.beyond

    def checkpoint(self) -> bytes:
        note = self._source.checkpoint()
        size = note.split(b"\n", 2)[1:2]
        self._total = int(size[0]) if size and size[0].isdigit() and len(size[0]) < 16 else 0  # noqa: PLR2004
        return note

    def bundle(self, index: int, width: int) -> list[bytes | None]:
        self._done = index * 256 + width
        self._progress(STEP, min(self._done, self._total), self._total)
        return self._source.bundle(index, width)
