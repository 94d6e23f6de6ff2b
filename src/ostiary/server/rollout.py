"""The phases in force for a tenant: its own where it has set them, else the configured ones.

A change is recorded in the log before it takes effect, and every process sees it within a second.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ostiary.decision.phases import PhaseTable
from ostiary.server.knowledge import SnapshotStore
from ostiary.vocabulary.effects import Control, Phase

KIND: Final = "phases"
NAME: Final = "table"
_LOOK_EVERY_NS: Final = 1_000_000_000


class Rollout:
    """Phase tables by tenant; a ``PhaseSource``, safe for several threads."""

    def __init__(self, configured: Mapping[Control, Phase], store: SnapshotStore, now_ns: Callable[[], int]) -> None:
        """Take the configured phases and where tenants' own are kept."""
        self._configured = dict(configured)
        self._store = store
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._tables: dict[str, tuple[int, PhaseTable]] = {}

    def phases(self, tenant: str) -> PhaseTable:
        """Return the table in force."""
        known = self._tables.get(tenant)
        now = self._now_ns()
        if known is not None and 0 <= now - known[0] < _LOOK_EVERY_NS:
            return known[1]
        with self._lock:
            table = PhaseTable({**self._configured, **self._own(tenant)})
            self._tables[tenant] = (now, table)
            return table

    def change(self, tenant: str, changes: Mapping[Control, Phase]) -> PhaseTable:
        """Set some controls of a tenant and return the table now in force."""
        with self._lock:
            own = {**self._own(tenant), **changes}
            data = msgspec.json.encode({control.value: phase.name for control, phase in own.items()})
            self._store.save(tenant, KIND, NAME, data, self._now_ns())
            self._tables.pop(tenant, None)
        return self.phases(tenant)

    def _own(self, tenant: str) -> dict[Control, Phase]:
        data = self._store.load(tenant, KIND, NAME)
        names = msgspec.json.decode(data, type=dict[str, str]) if data else {}
        return {Control(control): Phase[name] for control, name in names.items()}
