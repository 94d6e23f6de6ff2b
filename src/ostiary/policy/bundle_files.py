"""Reads the files of a bundle from a folder or an OPA archive (``tar.gz``), as bytes, within limits.

- Only ``.rego`` files, ``data.json``, ``data.yaml`` and the root's ``.manifest`` are a bundle; other files are left
  alone (``.signatures.json`` is handed over apart).
- No symbolic links, devices or paths that leave the bundle, no name twice; sizes and counts are bounded while reading.

>>> check_name("/access/data.yaml")
'access/data.yaml'
"""

import gzip
import io
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from typing_extensions import override

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.policy.limits import BundleLimits

MANIFEST: Final = ".manifest"
SIGNATURES: Final = ".signatures.json"
_DATA: Final = {"data.json", "data.yaml"}
_TAR_OVERHEAD: Final = 4096  # header, padding and long names of one member


def read_files(source: Path, limits: BundleLimits) -> dict[str, bytes]:
    """Return path → bytes of every bundle file under ``source`` (a folder or an archive).

    Raises:
        FaultyInputError: ``bundle_…``.
        UnavailableError: ``bundle_unreadable``.
    """
    try:
        return _collect(_from_folder(source, limits) if source.is_dir() else _from_archive(source, limits), limits)
    except OSError as fault:
        text = f"the bundle `{source}` cannot be read: {fault.strerror or fault}"
        raise UnavailableError("bundle_unreadable", text) from fault


def check_name(name: str, limits: BundleLimits | None = None) -> str:
    """Return a member's clean relative path. OPA writes archives with a leading slash; that one is taken off.

    Raises:
        FaultyInputError: ``bundle_path_invalid``.
    """
    limits = limits or BundleLimits()
    path = name.removeprefix("./").removeprefix("/")
    parts = path.split("/")
    bad = any(part in {"", ".", ".."} for part in parts) or "\\" in path or not path.isprintable()
    if bad or len(path) > limits.max_path_chars:
        raise FaultyInputError("bundle_path_invalid", f"`{path[:80]!a}` is no path inside a bundle")
    return path


def is_bundle_file(path: str) -> bool:
    """Return whether the file at ``path`` is part of a bundle."""
    name = path.rsplit("/", 1)[-1]
    return path in {MANIFEST, SIGNATURES} or name in _DATA or name.endswith(".rego")


def _collect(found: Iterator[tuple[str, bytes]], limits: BundleLimits) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    for path, content in found:
        total += len(content)
        if path in files:
            raise FaultyInputError("bundle_path_invalid", f"the bundle holds `{path}` twice")
        if len(files) >= limits.max_files or total > limits.max_total_bytes:
            raise FaultyInputError("bundle_too_large", "the bundle has too many files or bytes")
        files[path] = content
    return files


def _check_size(path: str, size: int, limits: BundleLimits) -> None:
    if size > limits.max_file_bytes:
        text = f"`{path}` is longer than the {limits.max_file_bytes} bytes allowed"
        raise FaultyInputError("bundle_too_large", text)


def _from_folder(root: Path, limits: BundleLimits) -> Iterator[tuple[str, bytes]]:
    entries = 0
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in [*names, *sorted(files)]:
            entries += 1
            if entries > 16 * limits.max_files:
                raise FaultyInputError("bundle_too_large", f"`{root}` holds too many files to be a bundle")
            place = Path(folder, name)
            if place.is_symlink():
                raise FaultyInputError("bundle_link", f"`{place.relative_to(root)}` is a symbolic link")
        for name in sorted(files):
            path = Path(folder, name).relative_to(root).as_posix()
            if is_bundle_file(path):
                yield check_name(path, limits), _read_plain(root / path, path, limits)


def _read_plain(place: Path, path: str, limits: BundleLimits) -> bytes:
    descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FaultyInputError("bundle_link", f"`{path}` is no plain file")
        content = file.read(limits.max_file_bytes + 1)
    _check_size(path, len(content), limits)
    return content


def _from_archive(place: Path, limits: BundleLimits) -> Iterator[tuple[str, bytes]]:
    with place.open("rb") as file:
        packed = file.read(limits.max_archive_bytes + 1)
    if len(packed) > limits.max_archive_bytes:
        raise FaultyInputError("bundle_too_large", "the bundle archive is too large")
    yield from unpack(packed, limits)


def unpack(packed: bytes, limits: BundleLimits) -> Iterator[tuple[str, bytes]]:
    """Yield the bundle files of a ``tar.gz``; unpacking stops at the limits, so that a bomb never unfolds.

    Raises:
        FaultyInputError: ``bundle_…``.
    """
    ceiling = limits.max_total_bytes + _TAR_OVERHEAD * limits.max_files
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(packed)) as plain,
            tarfile.open(fileobj=_Bounded(plain, ceiling), mode="r|") as archive,
        ):
            for member in archive:
                yield from _member(archive, member, limits)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, RecursionError) as fault:
        raise FaultyInputError("bundle_malformed", "the bundle is no tar.gz archive") from fault


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo, limits: BundleLimits) -> Iterator[tuple[str, bytes]]:
    if member.isdir():
        return
    path = check_name(member.name, limits)
    if not member.isreg():
        raise FaultyInputError("bundle_link", f"`{path}` is no plain file")
    if is_bundle_file(path):
        _check_size(path, member.size, limits)
        content = archive.extractfile(member)
        yield path, content.read() if content is not None else b""


class _Bounded(io.RawIOBase):
    """Reads at most ``ceiling`` bytes of a stream, then refuses."""

    def __init__(self, inner: gzip.GzipFile, ceiling: int) -> None:
        super().__init__()
        self._inner = inner
        self._left = ceiling

    @override
    def read(self, size: int = -1, /) -> bytes:
        chunk = self._inner.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(chunk)
        if self._left < 0:
            raise FaultyInputError("bundle_too_large", "the unpacked bundle is too large")
        return chunk
