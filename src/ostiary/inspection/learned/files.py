"""The files of the learned detectors, each read once, bounded, and held to its digest before anybody parses it.

- The manifest's digest is pinned in the program; the manifest has the digest of every other file. A file that is not
  named there is not read.
- Whatever is wrong, the detector is unavailable: there is no running with half of it.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from ostiary.artifacts.reading import read_file
from ostiary.errors import FaultyInputError, UnavailableError, VerificationError
from ostiary.vocabulary.unreadable import UNREADABLE

MANIFEST_NAME: Final = "manifest.json"
_MAX_MANIFEST: Final = 65_536
_MAX_FILE: Final = 64 * 1024 * 1024


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    files: dict[str, str]


class LearnedFiles:
    """A folder whose manifest is the pinned one."""

    def __init__(self, folder: Path, pinned: str) -> None:
        """Read the manifest and hold it to ``pinned``.

        Raises:
            UnavailableError: ``detector_unavailable``.
        """
        self._folder, self.digest = folder, pinned
        if not pinned:
            raise unavailable("no weights are shipped with this version")
        self._files = _manifest(self._read(MANIFEST_NAME, _MAX_MANIFEST, pinned)).files

    def __contains__(self, name: str) -> bool:
        """Return whether the manifest names that file."""
        return name in self._files

    def read(self, name: str) -> bytes:
        """Return a file that the manifest names.

        Raises:
            UnavailableError: ``detector_unavailable``.
        """
        if name not in self._files:
            raise unavailable(f"`{name}` is not in the manifest")
        return self._read(name, _MAX_FILE, self._files[name])

    def _read(self, name: str, most: int, digest: str) -> bytes:
        try:
            data = read_file(self._folder, name, most)
        except (FaultyInputError, VerificationError) as fault:
            raise unavailable(fault.message) from fault
        if f"sha256:{sha256(data).hexdigest()}" != digest:
            raise unavailable(f"`{name}` is not the file that was shipped: its digest differs")
        return data


def _manifest(data: bytes) -> _Manifest:
    try:
        manifest = msgspec.json.decode(data, type=_Manifest)
    except UNREADABLE as fault:
        raise unavailable(f"the manifest is malformed: {fault}") from fault
    if manifest.version != 1:
        raise unavailable(f"the manifest has version {manifest.version}, this program reads 1")
    return manifest


def unavailable(text: str) -> UnavailableError:
    """Return the error that says why the learned detectors cannot be used."""
    return UnavailableError("detector_unavailable", f"the learned detectors are not available: {text}")
