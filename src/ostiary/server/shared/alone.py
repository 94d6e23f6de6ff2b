"""One process, which shares nothing: secrets that it made itself, memories of its own.

A restart makes new secrets, so all that was sealed before is worthless and need not be remembered as used.
"""

from collections.abc import Callable

from ostiary.defence.rates import MemoryRates, RateStore
from ostiary.identity.ports import ReplayMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import DpopSettings
from ostiary.keys import random_bytes
from ostiary.server.chores import Chore
from ostiary.server.shared.ports import Remark
from ostiary.server.telemetry.metrics import Metrics
from ostiary.sessions import SessionLedger, SessionSettings
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock

_SECRET_BYTES = 32
_LONG_AGO_NS = -(1 << 62)


class Alone:
    """Implements ``Shared`` for one process."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock: proofs that are older than this process are refused."""
        self._clock = clock

    @property
    def several(self) -> bool:
        """Return False."""
        return False

    def secret(self, purpose: str) -> bytes:  # noqa: ARG002 - each is made anew
        """Return fresh random bytes."""
        return random_bytes(_SECRET_BYTES)

    def once(self, kind: str, most: int) -> ReplayMemory:  # noqa: ARG002 - each has a memory of its own
        """Return a memory of this process."""
        return MemoryReplay(0, most)

    def proofs(self, settings: DpopSettings) -> ReplayMemory:
        """Return a memory of this process, which refuses what is older than itself."""
        return MemoryReplay(self._clock.now_ns(), settings.max_remembered)

    def over(self, store: Store) -> None:
        """Leave the store as it is."""

    def ledger(
        self, store: Store, settings: SessionSettings, on_fault: Callable[[str, BaseException], None]
    ) -> SessionLedger:
        """Return a ledger that looks for what others stored in its own rhythm."""
        return SessionLedger(store.sessions, settings, on_fault)

    def rates(self) -> RateStore:
        """Return buckets of this process, full at its start."""
        return MemoryRates(_LONG_AGO_NS)

    def degraded(self) -> tuple[str, ...]:
        """Return nothing: there is nothing that could be away."""
        return ()

    def remarks(self) -> list[Remark]:
        """Return nothing."""
        return []

    def serve(self, ledger: SessionLedger) -> None:
        """Listen to nobody."""

    def chores(self) -> list[Chore]:
        """Return none."""
        return []

    def gauges(self, metrics: Metrics) -> None:
        """Add none."""

    def close(self) -> None:
        """Let go of nothing."""
