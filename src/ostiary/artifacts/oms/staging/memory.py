"""Staging in sealed memory: what is handed on can be written by nobody, this process and root included.

- Each file becomes a ``memfd`` that can neither be written, nor grow or shrink, nor be unsealed: all that *before* its
  digest is computed, and the kernel keeps to it (memfd_create(2), fcntl(2) F_ADD_SEALS).
- Small files are kept as Python bytes: thousands of them would use up the descriptors.
- It costs memory of the model's size once, and takes the place of the loader's own reading: a loader that maps
  ``view()`` or opens ``path`` reads these pages, and no second copy is made.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from typing_extensions import override

from ostiary.artifacts.oms.staging.base import StagedFile, Staging, Taken, opened, still_open
from ostiary.errors import UnavailableError

_SMALL: Final = 64 << 10
_MAX_LARGE: Final = 512  # descriptors of one model: half of the usual limit of a process
_SPARE: Final = 0.9  # of the memory that is available
_STEP: Final = 1 << 30
_NO_EXECUTE: Final = 0x0008  # MFD_NOEXEC_SEAL, Linux 6.3


class InMemory(Staging):
    """Keeps files in sealed memory.

    Args:
        max_bytes: the most that one model may take; 0 asks only whether the machine has so much to spare.
    """

    def __init__(self, max_bytes: int = 0) -> None:
        """Bound the memory that is taken."""
        self.max_bytes = max_bytes

    @override
    def take(self, root: int, files: Mapping[str, int]) -> Taken:
        """Begin, when there is memory enough."""
        if not hasattr(os, "memfd_create"):
            text = "this system has no sealed memory: stage in a folder"
            raise UnavailableError("artifact_staging_unavailable", text)
        total = sum(files.values())
        most = self.max_bytes or int(_available_bytes() * _SPARE)
        if total > most or sum(size > _SMALL for size in files.values()) > _MAX_LARGE:
            text = f"the model has {total} bytes, {most} may be taken: stage it in a folder, or in place"
            raise UnavailableError("artifact_staging_full", text)
        return _Memory(root, files)


class _Memory(Taken):
    def __init__(self, root: int, sizes: Mapping[str, int]) -> None:
        self._root, self._sizes = root, sizes
        self._files: list[StagedFile] = []

    @override
    def file(self, path: str) -> StagedFile:
        size = self._sizes[path]
        with opened(self._root, path, size) as source:
            file = _Small(path, _read(source, size)) if size <= _SMALL else _Large(path, _sealed(source, size))
        self._files.append(file)
        return file

    @override
    def finish(self) -> None:
        """Nothing is left open but the memory itself."""

    @override
    def drop(self) -> None:
        for file in self._files:
            file.close()


class _Large(StagedFile):
    __slots__ = ("_handle",)

    def __init__(self, name: str, handle: int) -> None:
        super().__init__(name, os.fstat(handle).st_size)
        self._handle = handle

    @override
    @contextlib.contextmanager
    def reading(self) -> Iterator[int]:
        yield still_open(self._handle)

    @property
    @override
    def path(self) -> Path:
        return Path(f"/proc/self/fd/{still_open(self._handle)}")

    @override
    def close(self) -> None:
        super().close()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class _Small(StagedFile):
    """Bytes of this process; a memory file is made only for who asks for a path or a descriptor."""

    __slots__ = ("_data", "_handle")

    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(name, len(data))
        self._data = data
        self._handle = -1

    @override
    @contextlib.contextmanager
    def reading(self) -> Iterator[int]:
        handle = _memory_file(self._data)
        try:
            yield handle
        finally:
            os.close(handle)

    @property
    @override
    def path(self) -> Path:
        if self._handle < 0:
            self._handle = _memory_file(self._data)
        return Path(f"/proc/self/fd/{self._handle}")

    @override
    def view(self) -> memoryview:
        return memoryview(self._data)

    @override
    def read(self) -> bytes:
        return self._data

    @override
    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _memory_file(data: bytes) -> int:
    handle = _new()
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
    _seal(handle)
    return handle


def _sealed(source: int, size: int) -> int:
    """Return a sealed memory file of at most ``size`` bytes of ``source``."""
    handle = _new()
    try:
        at = 0
        while at < size:
            count = os.sendfile(handle, source, at, min(_STEP, size - at))
            if count == 0:
                break  # it shrank: the size, and then the digest, will say so
            at += count
        _seal(handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _new() -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        return os.memfd_create("ostiary-model", flags | _NO_EXECUTE)
    except OSError:  # an older kernel
        return os.memfd_create("ostiary-model", flags)


def _seal(handle: int) -> None:
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, seals)


def _read(source: int, size: int) -> bytes:
    with os.fdopen(os.dup(source), "rb") as file:
        return file.read(size)


def _available_bytes() -> int:
    """Return what the kernel says it can give without swapping (proc(5), MemAvailable)."""
    with Path("/proc/meminfo").open("rb") as file:
        for line in file:
            if line.startswith(b"MemAvailable:"):
                return int(line.split()[1]) << 10
    raise UnavailableError("artifact_staging_unavailable", "the system does not say how much memory it has to spare")
