"""Numbers of approvals' acts in memory; the same port that storage implements on disk.

They live in the state of a ``MemoryStore``, so that what a failed transaction wrote is gone with it.

>>> MemoryApprovalBook(MemoryStore()).topics("acme", 10)
[]
"""

from collections.abc import Sequence

from ostiary.testing.memory_store import MemoryStore

_TABLE = "approval_act"
_DIGITS = 12


class MemoryApprovalBook:
    """Implements ``approvals.ports.ApprovalBook``."""

    def __init__(self, store: MemoryStore) -> None:
        """Live in ``store``."""
        self._store = store

    def add(self, tenant: str, topic: str, seq: int, record_id: str) -> bool:
        """Give a number of a topic to a record, if it is free."""
        key = (_TABLE, tenant, topic, str(seq).zfill(_DIGITS))
        with self._store.transaction():
            fresh = key not in self._store.state.models
            if fresh:
                self._store.state.models = {**self._store.state.models, key: record_id}
            return fresh

    def acts(self, tenant: str, topic: str) -> Sequence[tuple[int, str]]:
        """Return numbers and records of a topic, in order."""
        found = self._store.state.models.items()
        return sorted((int(key[3]), value) for key, value in found if key[:3] == (_TABLE, tenant, topic))

    def topics(self, tenant: str, limit: int) -> Sequence[str]:
        """Return the newest proposals, newest first."""
        found = {key[2] for key in self._store.state.models if key[:2] == (_TABLE, tenant)}
        return sorted((one for one in found if one.startswith("apr_")), reverse=True)[:limit]

    def count(self, tenant: str) -> int:
        """Return how many numbers a tenant's topics have together."""
        return sum(key[:2] == (_TABLE, tenant) for key in self._store.state.models)
