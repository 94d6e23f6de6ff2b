"""Remembers which bundles were admitted: each is tried out once."""

from typing import Final

from ostiary.audit import SYSTEM_TENANT
from ostiary.storage.sqlite import SqliteStore
from ostiary.vocabulary.clock import Clock

_ADMITTED: Final = "policy_admitted"


class Admitted:
    """Remembers admitted bundles in the store, under the tenant ``system``."""

    def __init__(self, store: SqliteStore, clock: Clock) -> None:
        """Keep it in ``store``."""
        self._store = store
        self._clock = clock

    def knows(self, digest: str) -> bool:
        """Return whether a bundle has passed before."""
        return self._store.snapshots.load(SYSTEM_TENANT, _ADMITTED, digest) is not None

    def remember(self, digest: str) -> None:
        """Note that a bundle has passed."""
        self._store.snapshots.save(SYSTEM_TENANT, _ADMITTED, digest, b"{}", self._clock.now_ns())
