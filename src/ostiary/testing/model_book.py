"""The registry's rows in memory, for tests and demos; the same port that storage implements on disk.

They live in the state of a ``MemoryStore``, so that what a failed transaction wrote is gone with it.
"""

from collections.abc import Sequence
from typing import Any

from ostiary.pipeline.registry.model import Kept
from ostiary.pipeline.registry.ports import Row
from ostiary.testing.memory_store import MemoryStore

_Key = tuple[str, ...]
_DIGITS = 12


class MemoryModelBook:
    """Implements ``pipeline.registry.ports.ModelBook``."""

    def __init__(self, store: MemoryStore) -> None:
        """Live in ``store``."""
        self._store = store

    def next_number(self, tenant: str, name: str) -> int:
        """Take the next version number of a model."""
        with self._store.transaction():
            number = int(self._get("number", tenant, name) or 0) + 1
            self._put(number, "number", tenant, name)
            return number

    def add_version(self, tenant: str, name: str, number: int, digest: str, kept: Kept) -> bool:
        """Add a version whose number and digest are new."""
        with self._store.transaction():
            known = self.find_version(tenant, name, number) or self.find_digest(tenant, name, digest)
            if known is None:
                self._put((0, kept), "version", tenant, name, _sortable(number))
                self._put(number, "digest", tenant, name, digest)
            return known is None

    def replace_version(self, tenant: str, name: str, number: int, revision: int, kept: Kept) -> bool:
        """Replace a version by the one of the next revision."""
        key = ("version", tenant, name, _sortable(number))
        with self._store.transaction():
            follows = (self._get(*key) or (revision, None))[0] == revision - 1
            if follows:
                self._put((revision, kept), *key)
            return follows

    def find_version(self, tenant: str, name: str, number: int) -> Kept | None:
        """Return one version."""
        found = self._get("version", tenant, name, _sortable(number))
        return found[1] if found else None

    def find_digest(self, tenant: str, name: str, digest: str) -> Row | None:
        """Return the version with this root digest."""
        number = self._get("digest", tenant, name, digest)
        kept = self.find_version(tenant, name, number) if number else None
        return Row(number, kept) if kept else None

    def versions(self, tenant: str, name: str) -> Sequence[Row]:
        """Return the versions of a model in the order of their numbers."""
        found = self._below("version", tenant, name)
        return [Row(int(key[-1]), value[1]) for key, value in found]

    def names(self, tenant: str) -> Sequence[str]:
        """Return the names of a tenant's models."""
        return sorted({key[2] for key, _ in self._below("version", tenant)})

    def put_live(self, tenant: str, name: str, stage: str, counter: int, kept: Kept) -> bool:
        """Replace what is live in a stage by what follows it."""
        key = ("live", tenant, name, stage)
        with self._store.transaction():
            follows = (self._get(*key) or (0, None))[0] == counter - 1
            if follows:
                self._put((counter, kept), *key)
            return follows

    def find_live(self, tenant: str, name: str, stage: str) -> Kept | None:
        """Return what is live in a stage."""
        found = self._get("live", tenant, name, stage)
        return found[1] if found else None

    def lives(self, tenant: str, name: str) -> Sequence[Kept]:
        """Return what is live in every stage of a model."""
        return [value[1] for _, value in self._below("live", tenant, name)]

    def use_nonce(self, tenant: str, nonce: str, expires_ns: int) -> bool:
        """Use an approval's nonce up."""
        return self._once(expires_ns, "nonce", tenant, nonce)

    def revoke(self, tenant: str, approval: str, at_ns: int) -> bool:
        """Revoke an approval."""
        return self._once(at_ns, "revoked", tenant, approval)

    def is_revoked(self, tenant: str, approval: str) -> bool:
        """Return whether an approval was revoked."""
        return self._get("revoked", tenant, approval) is not None

    def forget(self, tenant: str) -> None:
        """Erase all that a tenant has."""
        with self._store.transaction():
            state = self._store.state
            state.models = {key: value for key, value in state.models.items() if key[1] != tenant}

    def _once(self, value: int, *key: str) -> bool:
        with self._store.transaction():
            fresh = self._get(*key) is None
            if fresh:
                self._put(value, *key)
            return fresh

    def _get(self, *key: str) -> Any:
        return self._store.state.models.get(key)

    def _put(self, value: object, *key: str) -> None:
        self._store.state.models = {**self._store.state.models, key: value}

    def _below(self, *prefix: str) -> list[tuple[_Key, Any]]:
        found = self._store.state.models.items()
        return sorted((key, value) for key, value in found if key[: len(prefix)] == prefix)


def _sortable(number: int) -> str:
    return str(number).zfill(_DIGITS)
