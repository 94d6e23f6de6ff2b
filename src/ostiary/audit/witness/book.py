"""What a witness has cosigned: one file a log, written before any answer leaves.

- The newest cosigned checkpoint is the memory; the ones before it tell a verifier where history was changed.
- Files are replaced atomically and synced; a lock excludes other processes, so no checkpoint can be rolled back by a
  race (tlog-witness, "must be performed atomically").
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ostiary.audit.witness.judge import Known
from ostiary.errors import UnavailableError
from ostiary.keys import sha256_hex
from ostiary.keys.files import locked, private_folder, read_private, write_private

_HISTORY: Final = 256


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    origin: str
    size: int
    root: str
    cosigned: list[str]


class WitnessBook:
    """A witness's memory in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder`` (0700), made when it is missing."""
        self._folder = private_folder(folder)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the book: nobody else reads, judges and writes meanwhile."""
        with locked(self._folder):
            yield

    def known(self, origin: str) -> Known:
        """Return what was cosigned last of a log.

        Raises:
            UnavailableError: ``witness_damaged``: a witness that has lost its memory must not cosign.
        """
        told = self._load(sha256_hex(origin.encode()))
        return Known() if told is None else Known(told.size, base64.b64decode(told.root))

    def keep(self, origin: str, known: Known, cosigned: bytes) -> None:
        """Write down a checkpoint that is about to be cosigned."""
        name = sha256_hex(origin.encode())
        before = self._load(name)
        earlier = before.cosigned if before else []
        if before is not None and before.size == known.size:  # the same state once more: the fresh date is enough
            earlier = earlier[:-1]
        history = [*earlier, cosigned.decode()][-_HISTORY:]
        told = _File(1, origin, known.size, base64.b64encode(known.root).decode(), history)
        write_private(self._folder / f"{name}.json", msgspec.json.encode(told))

    def history(self, origin_hash: str) -> list[bytes]:
        """Return the cosigned checkpoints of a log by the hash of its origin, oldest first."""
        told = self._load(origin_hash)
        return [] if told is None else [note.encode() for note in told.cosigned]

    def _load(self, name: str) -> _File | None:
        path = self._folder / f"{name}.json"
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(read_private(path), type=_File)
        except (msgspec.MsgspecError, ValueError) as fault:
            raise UnavailableError("witness_damaged", f"the witness's memory `{path}` is damaged") from fault
