"""What of a data directory is backed up, and how files get into a backup and out of it.

- ``DATABASE`` is a copy of one committed state. Everything else is copied after it: what a row names was there before
  the row was. Of a vector store's folder the list of versions goes first, for it names what must be there.
- What holds secrets (keys, the first keys, the configuration, files that it names as secrets) is sealed under a
  passphrase or left out: ``PRIVATE`` and ``backup.secrets``.
- Left out for good: the disk reserve, spooled uploads, packs for auditors (made anew from the log), locks, links.
"""

import io
import os
import stat
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Final, Protocol, cast

from ostiary.artifacts.object_digest import hasher
from ostiary.errors import FaultyInputError, UnavailableError, VerificationError
from ostiary.server.backup.manifest import MAX_FILES, NAME, BackedUpFile
from ostiary.server.places import Places

DATABASE: Final = "ostiary.db"
FILES: Final = "files"
SEALED: Final = "keys.sealed"
SEALED_LIMIT: Final = 256 << 20
_PRIVATE: Final = ("keys", "pep.key", "admin.key", "ostiary.toml")
_SKIPPED: Final = ("ostiary.db", "ostiary.db-wal", "ostiary.db-shm", "reserve.bin", "spool", "audit/packs", "retired")
_CHUNK: Final = 1 << 20
_KEPT_MODE: Final = 0o700


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take some."""
        ...


def plain_files(places: Places, secrets: Collection[str] = ()) -> Iterator[str]:
    """Yield the paths of what is copied as it is, below the data directory, in the order of copying."""
    found = [name for name in _walk(places.root) if not _below(name, (*_PRIVATE, *secrets, *_SKIPPED))]
    yield from sorted(found, key=lambda name: ("_versions" not in PurePosixPath(name).parts, name))


def private_files(places: Places, secrets: Collection[str] = ()) -> list[str]:
    """Return the paths of what holds secrets; ``secrets`` are those that the configuration names."""
    return sorted(name for name in _walk(places.root) if _below(name, (*_PRIVATE, *secrets)))


def left_out(secrets: Collection[str] = (), *, keys: bool) -> list[str]:
    """Return what a backup does not hold, in words."""
    always = ["reserve.bin", "spool", "audit/packs"]
    return always if keys else [*_PRIVATE, *sorted(secrets), *always]


def copy_in(source: Path, target: Path) -> tuple[int, str] | None:
    """Copy a file; return its size and SHA-256 as copied, ``None`` when it is gone meanwhile or no plain file."""
    try:
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as reading:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        make_folder(target.parent)
        with _new(target) as writing:
            told = digest_of(reading, writing)
            writing.flush()
            os.fsync(writing.fileno())
    return told


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, 0700 each."""
    for missing in reversed([place for place in (folder, *folder.parents) if not place.exists()]):
        missing.mkdir(mode=_KEPT_MODE, exist_ok=True)


def digest_of(reading: IO[bytes], writing: IO[bytes] | None = None) -> tuple[int, str]:
    """Read to the end and return size and SHA-256; what is read is written on."""
    digest, size = hasher("sha256"), 0
    while piece := reading.read(_CHUNK):
        digest.update(piece)
        size += len(piece)
        if writing is not None:
            writing.write(piece)
    return size, digest.hexdigest()


def listed(folder: Path) -> list[BackedUpFile]:
    """Return every file of a backup but the manifest, with size and digest, in order.

    Raises:
        VerificationError: ``backup_malformed``: a link, a device, or too many files.
    """
    found: list[BackedUpFile] = []
    for name in _walk(folder, strict=True):
        if name == NAME:
            continue
        if len(found) >= MAX_FILES:
            raise VerificationError("backup_malformed", f"more than {MAX_FILES:,} files")
        with (folder / name).open("rb") as file:
            size, digest = digest_of(file)
        found.append(BackedUpFile(name, size, {"sha256": digest}))
    return sorted(found, key=lambda one: one.name)


def pack_private(places: Places, secrets: Collection[str] = ()) -> bytes:
    """Return keys, first keys and configuration in one archive.

    Raises:
        UnavailableError: ``backup_too_large``.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in private_files(places, secrets):
            add_to(archive, name, (places.root / name).read_bytes())
    if buffer.tell() > SEALED_LIMIT:
        raise UnavailableError("backup_too_large", "the key folder is too large to be sealed in one piece")
    return buffer.getvalue()


def unpack(data: IO[bytes], folder: Path, *, limit: int) -> None:
    """Write the files of an archive that we made below ``folder``: plain files, no links, no path that leads out.

    Raises:
        FaultyInputError: ``backup_malformed``.
    """
    try:
        with tarfile.open(fileobj=data, mode="r:") as archive:
            for number, member in enumerate(archive):
                path = PurePosixPath(member.name)
                # A sparse member says of a few bytes that they are any number of zeros.
                plain = (
                    member.isreg()
                    and member.sparse is None
                    and not path.is_absolute()
                    and ".." not in path.parts
                    and member.size <= limit
                )
                if not plain or number >= MAX_FILES:
                    raise FaultyInputError("backup_malformed", f"`{member.name[:200]}` may not be in a backup")
                inner = archive.extractfile(member)
                target = folder / path
                make_folder(target.parent)
                with _new(target) as writing:
                    while inner is not None and (piece := inner.read(_CHUNK)):
                        writing.write(piece)
                    writing.flush()
                    os.fsync(writing.fileno())
    except (tarfile.TarError, OSError, ValueError, UnicodeError) as fault:
        raise FaultyInputError("backup_malformed", f"the archive cannot be read: {fault}") from fault


def add_to(archive: tarfile.TarFile, name: str, data: bytes | Path) -> None:
    """Add a file so that equal contents give equal bytes: no time, no owner."""
    member = tarfile.TarInfo(name)
    member.mode = 0o600
    if isinstance(data, bytes):
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
        return
    member.size = data.stat().st_size
    with data.open("rb") as file:
        archive.addfile(member, file)


def write_archive(folder: Path, writing: Sink) -> None:
    """Write a backup's folder as one archive; the same folder gives the same bytes."""
    with tarfile.open(fileobj=cast("IO[bytes]", writing), mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(_walk(folder)):
            add_to(archive, name, folder / name)


def _new(target: Path) -> IO[bytes]:
    return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _walk(root: Path, *, strict: bool = False) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in [*names, *(one for one in folders if (Path(folder) / one).is_symlink())]:
            path = Path(folder) / name
            lock = name.endswith(".lock") and not strict
            if path.is_file() and not path.is_symlink() and not lock:
                yield path.relative_to(root).as_posix()
            elif strict:
                raise VerificationError("backup_malformed", f"`{name[:200]}` is no plain file of a backup")


def _below(name: str, places: Collection[str]) -> bool:
    return any(name == place or name.startswith(f"{place}/") for place in places)
