"""The one way that files leave a sandbox: the declared folder, when nobody in there lives any more.

- Read by descriptor, relative to the folder, never by a path: there is no link to follow and no name to swap.
- A symbolic link, a device, a pipe, a socket, a file of two names, or anything beyond the bounds refuses all of it.
- Each file is copied into a folder of ours with mode 0600 and digested on the way.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.pipeline.training.limits import SandboxLimits

MAX_DEPTH: Final = 8
_COPY: Final = 1 << 20
_NAME_MAX: Final = 255
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class OutputFile(msgspec.Struct, frozen=True, order=True):
    """One file that a run left: its name below the folder of outputs, its size, and its SHA-256 in hex."""

    name: str
    size: int
    sha256: str


def collect(folder: int, into: Path, limits: SandboxLimits) -> list[OutputFile]:
    """Copy what lies in the open ``folder`` to ``into``; return the files in the order of their names.

    Raises:
        RefusedError: ``training_output_refused``; nothing is handed on then.
    """
    try:
        return _collected(folder, into, limits)
    except OSError as fault:  # such as a folder that its owner closed to himself, and so to us where we are no root
        raise _refused(f"they cannot be read: {fault.strerror}") from fault


def _collected(folder: int, into: Path, limits: SandboxLimits) -> list[OutputFile]:
    found: list[OutputFile] = []
    left = limits.outputs_bytes
    into.mkdir(mode=0o700)
    for name, number in _Walk(limits.output_files).files(folder, "", 0):
        try:
            one = _copy(number, into / name, name, left)
        finally:
            os.close(number)
        left -= one.size
        found.append(one)
    return sorted(found)


def digest_of(files: list[OutputFile]) -> str:
    """Return ``sha256:…`` of the list of all names and digests: one name for all that a run left."""
    return "sha256:" + hashlib.sha256(msgspec.json.encode(sorted(files), order="sorted")).hexdigest()


class _Walk:
    """Finds files, and stops at the first thing too much: names are not read that nobody could take."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen = 0

    def files(self, folder: int, below: str, depth: int) -> Iterator[tuple[str, int]]:
        """Yield the name and an open descriptor of every file."""
        if depth > MAX_DEPTH:
            raise _refused(f"folders are more than {MAX_DEPTH} deep")
        for name in self._names(folder):
            told = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(told.st_mode):
                inner = os.open(name, _FLAGS | os.O_DIRECTORY, dir_fd=folder)
                try:
                    yield from self.files(inner, f"{below}{name}/", depth + 1)
                finally:
                    os.close(inner)
            elif stat.S_ISREG(told.st_mode) and told.st_nlink == 1:
                yield f"{below}{name}", os.open(name, _FLAGS, dir_fd=folder)
            else:
                raise _refused(f"`{below}{name}` is no plain file of one name")

    def _names(self, folder: int) -> list[str]:
        found = []
        with os.scandir(folder) as entries:
            for entry in entries:
                self._seen += 1
                if self._seen > self._most:
                    raise _refused(f"there are more than {self._most} files and folders")
                _check_name(entry.name)
                found.append(entry.name)
        return sorted(found)


def _check_name(name: str) -> None:
    if not name.isascii() or not name.isprintable() or len(name) > _NAME_MAX or "\\" in name:
        raise _refused("a name is not plain printable ASCII")


def _copy(number: int, into: Path, name: str, left: int) -> OutputFile:
    if not stat.S_ISREG(os.fstat(number).st_mode):
        raise _refused(f"`{name}` is no plain file")
    into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    told, size = hashlib.sha256(), 0
    with os.fdopen(os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        while data := os.read(number, _COPY):
            size += len(data)
            if size > left:
                raise _refused("all files together are too large")
            told.update(data)
            file.write(data)
    return OutputFile(name, size, told.hexdigest())


def _refused(why: str) -> RefusedError:
    return RefusedError("training_output_refused", f"the outputs are refused: {why}")
