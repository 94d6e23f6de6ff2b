"""Refused batches, put aside: they train nothing, and only several people's agreement lets one in.

- Kept as they came, in a folder of their own, mode 0600, named by the SHA-256 of their bytes. Bounded: beyond so many
  or so many bytes a refused batch is counted and not kept, so that nobody fills the disk by being refused.
- Beside each lies why it was refused. What is in here is never read as events, but to forget a person.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.keys import sha256_hex

MAX_FILES: Final = 200
MAX_BYTES: Final = 128 << 20
_DATA: Final = ".batch"
_WHY: Final = ".json"


class Refused(msgspec.Struct, frozen=True):
    """Why a batch lies here.

    Attributes:
        digest: SHA-256 of its bytes, hex; by this it is named.
        code, text: the refusal.
        at_ns: when.
        size: bytes.
        producer, sequence: what it says of itself, which is not verified.
        batch: digest of its header, which an approval to let it in names; empty when it has none.
    """

    digest: str
    code: str
    text: str
    at_ns: int
    size: int
    producer: str = ""
    sequence: int = 0
    batch: str = ""


class Quarantine:
    """The quarantine of one tenant."""

    def __init__(self, folder: Path) -> None:
        """Keep it in ``folder``, which may be absent."""
        self._folder = folder

    def keep(self, data: bytes, fault: OstiaryError, at_ns: int, *, producer: str, sequence: int, batch: str) -> bool:
        """Put a batch aside; return whether there was room.

        Raises:
            UnavailableError: ``quarantine_unwritable``.
        """
        digest = sha256_hex(data)
        known = self.all()
        if any(one.digest == digest for one in known):
            return True
        if len(known) >= MAX_FILES or sum(one.size for one in known) + len(data) > MAX_BYTES:
            return False
        why = Refused(digest, fault.code, fault.message, at_ns, len(data), producer, sequence, batch)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(self._folder / f"{digest}{_DATA}", data)
            _write(self._folder / f"{digest}{_WHY}", msgspec.json.encode(why))
        except OSError as bad:
            text = f"`{self._folder}` cannot be written: {bad.strerror}"
            raise UnavailableError("quarantine_unwritable", text) from bad
        return True

    def all(self) -> Sequence[Refused]:
        """Return what lies here, oldest first."""
        found = [_why(path) for path in self._folder.glob(f"*{_WHY}")] if self._folder.is_dir() else []
        return sorted((one for one in found if one is not None), key=lambda one: (one.at_ns, one.digest))

    def take(self, digest: str) -> tuple[Refused, bytes]:
        """Return one batch and why it lies here.

        Raises:
            RefusedError: ``batch_unknown``: there is none, or its bytes are others.
        """
        why = next((one for one in self.all() if one.digest == digest), None)
        try:
            data = b"" if why is None else (self._folder / f"{why.digest}{_DATA}").read_bytes()
        except OSError:
            why = None
            data = b""
        if why is None or sha256_hex(data) != digest:
            raise RefusedError("batch_unknown", "there is no such batch in quarantine")
        return why, data

    def drop(self, digest: str) -> None:
        """Forget one."""
        for ending in (_DATA, _WHY):
            (self._folder / f"{digest}{ending}").unlink(missing_ok=True)

    def forget(self, subject_id: str) -> int:
        """Drop every batch in which a subject's id stands anywhere; return how many that were."""
        needle = msgspec.json.encode(subject_id)
        named = [one.digest for one in self.all() if needle in (self._folder / f"{one.digest}{_DATA}").read_bytes()]
        for digest in named:
            self.drop(digest)
        return len(named)

    def clear(self) -> None:
        """Forget all."""
        for one in self.all():
            self.drop(one.digest)


def _write(path: Path, data: bytes) -> None:
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _why(path: Path) -> Refused | None:
    """Return what a file says; one that cannot be read is none of ours."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Refused)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
