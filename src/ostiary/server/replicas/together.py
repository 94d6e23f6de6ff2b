"""What makes a house one of several replicas, put together; alone, each part says that nobody else is there."""

import time
from typing import Final

import msgspec

from ostiary.audit.sequencing import Sequencing
from ostiary.decision.ports import SessionReader
from ostiary.keys import SubjectVault, random_bytes
from ostiary.server.places import Places
from ostiary.server.replicas.alike import SameKeys
from ostiary.server.replicas.fresh import FreshSessions
from ostiary.server.replicas.keeper import Alone, Keeper, LeasedKeeper
from ostiary.server.settings.replicas import ReplicasSection
from ostiary.sessions import SessionLedger
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

_ASKS_A_LEASE: Final = 3
_MS: Final = 1000


class Together(msgspec.Struct, frozen=True):
    """One replica among others, or one alone.

    Attributes:
        name: this process's own, empty when it is alone.
        keeper: whether it does what is done once.
        keys: compares its keys with the others'; ``None`` when it is alone.
        settings: as configured.
    """

    name: str
    keeper: Keeper
    keys: SameKeys | None
    settings: ReplicasSection

    @property
    def shared(self) -> bool:
        """Whether there are others."""
        return bool(self.name)

    @property
    def ask_s(self) -> float:
        """How often to ask for the lease."""
        return self.settings.lease_s / _ASKS_A_LEASE

    def sessions(self, ledger: SessionLedger) -> SessionReader:
        """Return what decisions ask of sessions."""
        return FreshSessions(ledger, self.settings.session_lag_ms) if self.shared else ledger

    def settle(self) -> None:
        """Wait until what just fell has fallen at every replica; for whoever is about to say so."""
        if self.shared:
            time.sleep(self.settings.session_lag_ms / _MS)

    def sequencing(self, store: Store) -> Sequencing | None:
        """Return what the log needs to be one of several writers."""
        if not self.shared:
            return None
        ttl_s, most = self.settings.lease_s, self.settings.inbox_limit
        return Sequencing(self.name, store.inbox, store.leases, ttl_s, inbox_limit=most)


def alone(settings: ReplicasSection | None = None) -> Together:
    """Return what a house has that shares its store with nobody."""
    return Together("", Alone(), None, settings or ReplicasSection())


def open_together(
    settings: ReplicasSection, places: Places, store: Store, vault: SubjectVault, clock: Clock, *, serving: bool
) -> Together:
    """Return what a house needs to be one of several, as configured; checked against the others.

    A house that does not serve is not one of them: what it writes, it appends itself, after all that waits.

    Raises:
        RefusedError: ``replica_keys_differ``.
    """
    if not settings.enabled:
        return alone(settings)
    keys = SameKeys(places.keys, store.snapshots, vault, clock)
    keys.check()
    if not serving:
        return Together("", Alone(), None, settings)
    name = make_id("rep", clock.now_ns(), random_bytes(RANDOM_BYTES))
    return Together(name, LeasedKeeper(store.leases, name, settings.lease_s), keys, settings)
