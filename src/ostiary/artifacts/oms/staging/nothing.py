"""No staging: digests only. For reports and ``ostiary model verify``, which hand nothing on."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from typing_extensions import override

from ostiary.artifacts.oms.staging.base import StagedFile, Staging, Taken, opened
from ostiary.errors import FaultyInputError


class CheckOnly(Staging):
    """Reads each file once and keeps nothing: afterwards, nobody can get bytes from the model."""

    @override
    def take(self, root: int, files: Mapping[str, int]) -> Taken:
        """Begin."""
        return _Nothing(root, files)


class _Nothing(Taken):
    def __init__(self, root: int, sizes: Mapping[str, int]) -> None:
        self._root, self._sizes = os.dup(root), sizes
        self._open = True

    @override
    def file(self, path: str) -> StagedFile:
        return _Unkept(self, path, self._sizes[path])

    def source(self, path: str) -> contextlib.AbstractContextManager[int]:
        """Lend the source while the digests are computed."""
        if not self._open:
            raise FaultyInputError(
                "artifact_not_staged", "the model was only checked: verify it with staging to load it"
            )
        return opened(self._root, path, self._sizes[path])

    @override
    def finish(self) -> None:
        self.drop()

    @override
    def drop(self) -> None:
        if self._open:
            self._open = False
            os.close(self._root)


class _Unkept(StagedFile):
    __slots__ = ("_taken",)

    def __init__(self, taken: _Nothing, name: str, size: int) -> None:
        super().__init__(name, size)
        self._taken = taken

    @override
    @contextlib.contextmanager
    def reading(self) -> Iterator[int]:
        with self._taken.source(self.name) as handle:
            yield handle

    @property
    @override
    def path(self) -> Path:
        raise FaultyInputError("artifact_not_staged", "the model was only checked: verify it with staging to load it")
