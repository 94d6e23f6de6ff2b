"""What the house asks of whatever its replicas share."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from ostiary.defence.rates import RateStore
from ostiary.identity.ports import ReplayMemory
from ostiary.identity.settings import DpopSettings
from ostiary.server.chores import Chore
from ostiary.server.telemetry.metrics import Metrics
from ostiary.sessions import SessionLedger, SessionSettings
from ostiary.storage.tables import Store

VALKEY_AWAY = "valkey_away"
CLOCK_SKEWED = "clock_skewed"


class Remark(msgspec.Struct, frozen=True):
    """What ``ostiary doctor`` says of it, and what mends it; ``bad`` is ``None`` where all is well."""

    text: str
    bad: bool | None = None
    mend: str = ""


class Shared(Protocol):
    """What the replicas of one Ostiary share; safe for many threads."""

    @property
    def several(self) -> bool:
        """Whether there may be other replicas."""
        ...

    def secret(self, purpose: str) -> bytes:
        """Return 32 bytes that every replica has for this purpose, and nobody else."""
        ...

    def once(self, kind: str, most: int) -> ReplayMemory:
        """Return what remembers things that people use once: challenges, sign-ins, nonces of devices."""
        ...

    def proofs(self, settings: DpopSettings) -> ReplayMemory:
        """Return what remembers used proofs of possession."""
        ...

    def over(self, store: Store) -> None:
        """Put what is shared in the place of what a store does by itself."""
        ...

    def ledger(
        self, store: Store, settings: SessionSettings, on_fault: Callable[[str, BaseException], None]
    ) -> SessionLedger:
        """Return the sessions of this replica."""
        ...

    def rates(self) -> RateStore:
        """Return buckets of rates."""
        ...

    def degraded(self) -> tuple[str, ...]:
        """Return codes of what is away now; policy sees them."""
        ...

    def remarks(self) -> list[Remark]:
        """Return what somebody who runs this should know of it."""
        ...

    def serve(self, ledger: SessionLedger) -> None:
        """Begin to listen to the other replicas."""
        ...

    def chores(self) -> list[Chore]:
        """Return what is to be done beside the requests."""
        ...

    def gauges(self, metrics: Metrics) -> None:
        """Add what can be measured of it."""
        ...

    def close(self) -> None:
        """Stop listening and let go of it."""
        ...
