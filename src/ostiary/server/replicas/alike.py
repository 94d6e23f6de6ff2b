"""Whether this replica has the keys that the others have: asked at its start, and again while it serves.

- All replicas use one folder of keys: keys are made at run time, and a tenant's or a person's key that only one replica
  has would make what it sealed unreadable for the others. The first replica notes a fingerprint of the vault's master
  key beside the log; one with another key is refused before it serves.
- A copy of the folder has the same master key and misses what is made later. So the keeper writes a new word into the
  folder and into the store every so often; a replica that finds another word in its folder than in the store works on
  a copy, and is not ready until that ends.
"""

from pathlib import Path
from typing import Final, Protocol

from ostiary.audit import SYSTEM_TENANT
from ostiary.errors import OstiaryError, RefusedError
from ostiary.keys import SubjectVault, random_bytes
from ostiary.keys.files import read_private, write_private
from ostiary.vocabulary.clock import Clock

KIND: Final = "replicas"
_FINGERPRINT: Final = "keys"
_WORD: Final = "word"
_FILE: Final = "replicas.word"
_WORD_BYTES: Final = 16
_PATIENCE: Final = 2
"""Looks in a row at which the words may differ: the keeper writes one after the other."""


class Kept(Protocol):
    """Keeps opaque bytes by tenant, kind and name."""

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        """Store one, replacing what was there."""
        ...

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        ...


class SameKeys:
    """Compares this replica's keys with what the others have."""

    def __init__(self, keys: Path, store: Kept, vault: SubjectVault, clock: Clock) -> None:
        """Compare the folder ``keys``, where ``vault`` has its own, with what lies in ``store``."""
        self._file = keys / _FILE
        self._store = store
        self._vault = vault
        self._clock = clock
        self._differed = 0

    def check(self) -> None:
        """Refuse other keys than the ones in use.

        Raises:
            RefusedError: ``replica_keys_differ``.
        """
        ours = self._vault.fingerprint()
        known = self._store.load(SYSTEM_TENANT, KIND, _FINGERPRINT)
        if known is None:
            self._store.save(SYSTEM_TENANT, KIND, _FINGERPRINT, ours, self._clock.now_ns())
        elif known != ours:
            text = f"the keys beside `{self._file.parent}` are not those of the replicas that share this store"
            raise RefusedError("replica_keys_differ", text)

    def speak(self) -> None:
        """Write a new word; the keeper's to do."""
        word = random_bytes(_WORD_BYTES)
        write_private(self._file, word)
        self._store.save(SYSTEM_TENANT, KIND, _WORD, word, self._clock.now_ns())

    def listen(self) -> None:
        """Compare the words."""
        word = self._store.load(SYSTEM_TENANT, KIND, _WORD)
        self._differed = 0 if word is None or word == self._read() else self._differed + 1

    @property
    def wrong(self) -> str:
        """What is wrong, or an empty string."""
        return "keys_not_shared" if self._differed > _PATIENCE else ""

    def _read(self) -> bytes:
        try:
            return read_private(self._file)
        except OstiaryError:
            return b""
