"""The keeper: of all replicas the one that does what is done once for all of them.

- A lease by the database's time says who. This process stops believing in it before the database lets another take it.
- What the keeper does bears being done by two at once, as it must when a worker takes over for another: it is claimed,
  compared or idempotent in the store. The lease saves work; it is no lock.
"""

import time
from collections.abc import Callable
from typing import Final, Protocol

from ostiary.audit.sequencing import Leases

LEASE: Final = "keeper"
_BELIEVED: Final = 0.8
"""Share of the lease's time for which its holder relies on it."""


class Keeper(Protocol):
    """Says whether this process does what is done once."""

    @property
    def leads(self) -> bool:
        """Whether it does now."""
        ...

    def ask(self) -> bool:
        """Take the lease, or renew it; return whether it is ours since now."""
        ...

    def close(self) -> None:
        """Leave it to the next."""
        ...


class Alone:
    """The keeper where nobody else is."""

    leads = True

    def ask(self) -> bool:
        """Nobody is to be asked."""
        return False

    def close(self) -> None:
        """Nobody takes over."""


class LeasedKeeper:
    """The keeper among replicas; safe for several threads."""

    def __init__(
        self, leases: Leases, replica: str, ttl_s: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Ask ``leases`` under the name ``replica``."""
        self._leases = leases
        self._replica = replica
        self._ttl_s = ttl_s
        self._monotonic = monotonic
        self._until = 0.0

    @property
    def leads(self) -> bool:
        """Whether the lease is ours and surely not over."""
        return self._monotonic() < self._until

    def ask(self) -> bool:
        """Take the lease, or renew it; return whether it is ours since now.

        Raises:
            UnavailableError: the database is away; what is ours ends by itself.
        """
        led, asked = self.leads, self._monotonic()  # before: the database counts from later on
        ours = self._leases.take(LEASE, self._replica, int(self._ttl_s * 1000))
        self._until = asked + self._ttl_s * _BELIEVED if ours else 0.0
        return bool(ours) and not led

    def close(self) -> None:
        """Leave it to the next.

        Raises:
            UnavailableError: the database is away; then it ends by itself.
        """
        self._until = 0.0
        self._leases.give_back(LEASE, self._replica)
