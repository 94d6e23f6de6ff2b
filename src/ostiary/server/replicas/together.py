"""What makes a house one of several replicas, put together; alone, each part says that nobody else is there."""

import time
from collections.abc import Callable
from typing import Final

from ostiary.audit import AuditLog
from ostiary.audit.sequencing import Leases, Sequencing
from ostiary.errors import OstiaryError
from ostiary.keys import SubjectVault, random_bytes
from ostiary.server.chores import Chore
from ostiary.server.places import Places
from ostiary.server.replicas.alike import SameKeys
from ostiary.server.replicas.keeper import Alone, Keeper, LeasedKeeper
from ostiary.server.settings.replicas import ReplicasSection
from ostiary.server.settings.sections import Settings
from ostiary.server.telemetry.metrics import Metrics
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

_ASKS_A_LEASE: Final = 3
_MS: Final = 1000
_WORD_S: Final = 10.0


class Together:
    """One replica among others, or one alone."""

    def __init__(
        self, name: str, keeper: Keeper, keys: SameKeys | None, settings: ReplicasSection, leases: Leases | None = None
    ) -> None:
        """Take who we are.

        Args:
            name: this process's own; empty when it is alone, or beside the replicas as the command line is.
            keeper: whether it does what is done once.
            keys: compares its keys with the others'; ``None`` when it is alone.
            settings: as configured.
            leases: who holds what; ``None`` when it is alone.
        """
        self.name = name
        self.keeper = keeper
        self._keys = keys
        self._settings = settings
        self._leases = leases
        self._listeners: list[Callable[[], None]] = []

    @property
    def several(self) -> bool:
        """Whether there may be others."""
        return self._keys is not None

    @property
    def wrong(self) -> str:
        """What keeps this replica from serving, or an empty string."""
        return self._keys.wrong if self._keys else ""

    def listen(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` whenever this replica becomes the keeper."""
        self._listeners.append(callback)

    def ask(self) -> None:
        """Take the keeper's lease, or renew it, and tell whoever must know that it is ours now.

        Raises:
            UnavailableError: the store is away.
        """
        if self.keeper.ask():
            for callback in self._listeners:
                callback()

    def settle(self) -> None:
        """Wait until what just fell has fallen at every replica; for whoever is about to say so."""
        if self.several:
            time.sleep(self._settings.session_lag_ms / _MS)

    def sequencing(self, store: Store) -> Sequencing | None:
        """Return what the log needs to be one of several writers."""
        if not self.several:
            return None
        ttl_s, most = self._settings.lease_s, self._settings.inbox_limit
        return Sequencing(self.name, store.inbox, store.leases, ttl_s, inbox_limit=most)

    def chores(self) -> list[Chore]:
        """Return what is to be done beside the requests."""
        if self._keys is None:
            return []
        return [
            Chore("lease_not_asked", self._settings.lease_s / _ASKS_A_LEASE, self.ask),
            Chore("keys_not_compared", _WORD_S, self._keys.speak, once=True),
            Chore("keys_not_compared", _WORD_S / 2, self._keys.listen),
        ]

    def gauges(self, metrics: Metrics, log: AuditLog) -> None:
        """Add what can be measured."""
        sequencer, leases = log.sequencer, self._leases
        if sequencer is None or leases is None:
            return
        metrics.gauge("ostiary_replica_keeps", "whether this replica does what is done once", self._keeps)
        metrics.gauge("ostiary_audit_sequencer", "whether this replica sequences", lambda: float(sequencer.token > 0))
        metrics.gauge("ostiary_audit_sequenced", "records sequenced by this replica", lambda: sequencer.sequenced)
        metrics.gauge("ostiary_audit_inbox", "records that wait for their place in the log", sequencer.waiting)

    def close(self, on_fault: Callable[[str, BaseException], None]) -> None:
        """Leave what is done once to another."""
        try:
            self.keeper.close()
        except OstiaryError as fault:  # it ends by itself
            on_fault(fault.code, fault)

    def _keeps(self) -> float:
        return float(self.keeper.leads)


def alone(settings: ReplicasSection | None = None) -> Together:
    """Return what a house has that shares its store with nobody."""
    return Together("", Alone(), None, settings or ReplicasSection())


def open_together(
    settings: Settings, places: Places, store: Store, vault: SubjectVault, clock: Clock, *, serving: bool
) -> Together:
    """Return what a house needs to be one of several, as configured; checked against the others.

    A house that does not serve is not one of them: what it writes, it appends itself, after all that waits.

    Raises:
        RefusedError: ``replica_keys_differ``.
    """
    if not settings.several:
        return alone(settings.replicas)
    keys = SameKeys(places.keys, store.snapshots, vault, clock)
    keys.check()
    if not serving:
        return Together("", Alone(), keys, settings.replicas)
    name = make_id("rep", clock.now_ns(), random_bytes(RANDOM_BYTES))
    keeper = LeasedKeeper(store.leases, name, settings.replicas.lease_s)
    return Together(name, keeper, keys, settings.replicas, store.leases)
