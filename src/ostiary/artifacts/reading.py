"""Reads a folder's files exactly once, without following a link or leaving the folder.

- Every file is opened relative to one open directory, with ``O_NOFOLLOW``, and must be a regular file.
- Names are plain: letters, digits, dot, hyphen, underscore; no separators, so no traversal.
- Sizes are bounded while reading, not by what ``stat`` promised.
"""

import os
import re
import stat
from pathlib import Path
from typing import Final

from ostiary.artifacts.limits import ArtifactLimits
from ostiary.artifacts.statement import MANIFEST_NAME
from ostiary.errors import FaultyInputError, VerificationError

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_OPEN_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OPEN_FOLDER: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


def is_plain_name(name: str) -> bool:
    """Return whether ``name`` may name a file of an artefact."""
    return bool(_NAME.match(name))


def read_folder(directory: Path, limits: ArtifactLimits) -> dict[str, bytes]:
    """Return every file of ``directory`` by name, the manifest included.

    Raises:
        FaultyInputError: ``artifact_absent``.
        VerificationError: ``artifact_link``, ``artifact_name``, ``artifact_too_large``.
    """
    try:
        folder = os.open(directory, _OPEN_FOLDER)
    except OSError as fault:
        raise FaultyInputError("artifact_absent", f"`{directory}` is no folder that can be read") from fault
    try:
        return _read_all(folder, limits)
    finally:
        os.close(folder)


def _read_all(folder: int, limits: ArtifactLimits) -> dict[str, bytes]:
    names = sorted(os.listdir(folder))
    if len(names) > limits.max_files + 1:
        raise _too_large(f"{len(names)} files, {limits.max_files} are allowed")
    files: dict[str, bytes] = {}
    left = limits.max_total_bytes
    for name in names:
        if not is_plain_name(name):
            raise VerificationError("artifact_name", f"`{name[:80]}` is no plain file name")
        if name == MANIFEST_NAME:
            files[name] = _read_one(folder, name, limits.max_manifest_bytes)
            continue
        files[name] = _read_one(folder, name, min(left, limits.max_file_bytes))
        left -= len(files[name])
    return files


def _read_one(folder: int, name: str, most: int) -> bytes:
    try:
        handle = os.open(name, _OPEN_FILE, dir_fd=folder)
    except OSError as fault:
        raise VerificationError("artifact_link", f"`{name}` is a link or cannot be opened") from fault
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise VerificationError("artifact_link", f"`{name}` is no regular file")
    with os.fdopen(handle, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise _too_large(f"`{name}` has more than the {most} bytes that are allowed")
    return data


def _too_large(text: str) -> VerificationError:
    return VerificationError("artifact_too_large", f"the artefact is too large: {text}")


def read_file(directory: Path, name: str, most: int) -> bytes:
    """Return one file of ``directory``, at most ``most`` bytes.

    Raises:
        FaultyInputError: ``artifact_absent``.
        VerificationError: ``artifact_link``, ``artifact_name``, ``artifact_too_large``.
    """
    if not is_plain_name(name):
        raise VerificationError("artifact_name", f"`{name[:80]}` is no plain file name")
    try:
        folder = os.open(directory, _OPEN_FOLDER)
    except OSError as fault:
        raise FaultyInputError("artifact_absent", f"`{directory}` is no folder that can be read") from fault
    try:
        return _read_one(folder, name, most)
    finally:
        os.close(folder)
