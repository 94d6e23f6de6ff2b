"""Remembers the highest version of each model, for one who loads models without a registry at hand.

- The registry keeps marks of its own (``VersionMarks``); these are a file of this machine.
- Reading, comparing and writing happen under one lock, and a mark never falls.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ostiary.artifacts.oms.ports import VersionMark
from ostiary.errors import UnavailableError

_MAX_BYTES: Final = 16 << 20


class FileMarks:
    """Version marks in one JSON file, beside a lock file."""

    def __init__(self, path: Path) -> None:
        """Keep marks at ``path``; it need not exist yet, its folder must."""
        self._path = path

    def find(self, tenant: str, name: str, stage: str) -> VersionMark | None:
        """Return the mark, or ``None`` when none was set.

        Raises:
            UnavailableError: ``artifact_marks_unavailable``.
        """
        with self._locked():
            return self._read().get(_key(tenant, name, stage))

    def advance(self, tenant: str, name: str, stage: str, mark: VersionMark) -> VersionMark:
        """Set the mark unless one of the same or a higher version stands; return the one that stands now.

        Raises:
            UnavailableError: ``artifact_marks_unavailable``.
        """
        key = _key(tenant, name, stage)
        with self._locked():
            marks = self._read()
            stands = marks.get(key)
            if stands is not None and stands.version >= mark.version:
                return stands
            self._write({**marks, key: mark})
        return mark

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._path.with_name(self._path.name + ".lock")
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise self._unavailable(fault.strerror) from fault
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _read(self) -> dict[str, VersionMark]:
        try:
            with self._path.open("rb") as file:
                return _DECODER.decode(file.read(_MAX_BYTES))
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
            raise self._unavailable(str(fault)) from fault  # unreadable marks are no reason to forget them

    def _write(self, marks: dict[str, VersionMark]) -> None:
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}.draft")
        try:
            with draft.open("wb") as file:
                file.write(msgspec.json.encode(marks, order="sorted"))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as fault:
            raise self._unavailable(fault.strerror) from fault

    def _unavailable(self, why: str | None) -> UnavailableError:
        return UnavailableError("artifact_marks_unavailable", f"the version marks in `{self._path}` fail: {why}")


def _key(tenant: str, name: str, stage: str) -> str:
    return msgspec.json.encode([tenant, name, stage]).decode()


_DECODER: Final = msgspec.json.Decoder(dict[str, VersionMark])
