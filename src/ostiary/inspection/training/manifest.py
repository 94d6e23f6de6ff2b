"""Which files the detectors and the encoder are taught from, by digest; training checks them before it begins.

- ``SOURCES.json`` beside our own texts names every file of every source and of our own with its SHA-256. It is written
  by ``python -m ostiary.inspection.training.run sources``, read by people, and changed in a commit like any code.
- A file that differs, is missing, or that nobody named stops the training: ``training_sources``.
- The digest of the manifest goes onto the card.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import RefusedError, VerificationError
from ostiary.inspection.training.places import Places
from ostiary.inspection.training.sources import SOURCES
from ostiary.vocabulary.unreadable import UNREADABLE

MANIFEST: Final = "SOURCES.json"
_PARTS: Final = (".json", ".jsonl")


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: its place, its digest, its source and what that may be used for."""

    file: str
    sha256: str
    source: str
    role: str
    licence: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All files, in the order of their places."""

    files: tuple[Named, ...]
    v: int = 1

    @property
    def digest(self) -> str:
        """By this the card names it."""
        return f"sha256:{sha256(msgspec.json.encode(self, order='sorted')).hexdigest()}"


def manifest_of(where: Places) -> Manifest:
    """Return what lies there now."""
    return Manifest(tuple(sorted(_files(where), key=lambda one: one.file)))


def read_manifest(where: Places) -> Manifest:
    """Return what was written down.

    Raises:
        RefusedError: ``training_sources``: there is no manifest, so nobody answers for what would teach.
        VerificationError: ``training_sources``: it cannot be read.
    """
    try:
        return msgspec.json.decode((where.own / MANIFEST).read_bytes(), type=Manifest)
    except OSError as fault:
        raise RefusedError(
            "training_sources", f"there is no `{where.own / MANIFEST}`: nobody named the texts"
        ) from fault
    except UNREADABLE as fault:
        raise VerificationError("training_sources", f"`{where.own / MANIFEST}` cannot be read") from fault


def check_sources(where: Places) -> Manifest:
    """Return the manifest when everything lies there as it was written down.

    Raises:
        RefusedError: as ``read_manifest``.
        VerificationError: ``training_sources``.
    """
    wanted, found = read_manifest(where), manifest_of(where)
    told = {one.file: one for one in wanted.files}
    there = {one.file: one for one in found.files}
    wrong = [
        *(f"`{name}` is missing" for name in sorted(told.keys() - there.keys())),
        *(f"nobody named `{name}`" for name in sorted(there.keys() - told.keys())),
        *(f"`{name}` is another file" for name in sorted(told.keys() & there.keys()) if told[name] != there[name]),
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""  # noqa: PLR2004 - the first few
        raise VerificationError("training_sources", f"{', '.join(wrong[:3])}{more}: nothing is taught")
    return wanted


def write_manifest(where: Places) -> str:
    """Write down what lies there now; return the manifest's digest."""
    made = manifest_of(where)
    (where.own / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    return made.digest


def _files(where: Places) -> Iterator[Named]:
    for source in SOURCES.values():
        path = where.texts / f"{source.name}.jsonl.gz"
        if path.is_file():
            yield Named(f"texts/{path.name}", _digest(path), source.name, source.role.value, source.licence)
    for path in where.own.iterdir():
        if path.suffix in _PARTS and path.name != MANIFEST:
            yield Named(f"own/{path.name}", _digest(path), "own", "teaches", "this repository's")


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
