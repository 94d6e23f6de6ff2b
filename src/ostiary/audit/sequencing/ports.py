"""What sequencing asks of storage. This comment is the contract.

- ``hand_over`` is durable when it returns, excludes no other replica and never waits for the sequencer. A row is known
  by replica and number: handed over again, because an answer was lost, it is one row.
- ``hand_over`` adds nothing when the log's ``epoch`` is another than the rows were sealed under. ``shut`` waits until
  no hand-over is under way and lets none begin before the transaction ends; whatever moves the epoch shuts first. So
  no row waits that was sealed with a key, or for a tenant, that is gone.
- ``take`` removes rows inside the transaction that appends them to the log: both or neither. It gives the rows of one
  replica in the order of their numbers, and a number that was taken before is never given again.
- Leases go by the time of the database. ``take`` on ``Leases`` gives a greater token whenever the holder changes;
  ``holds`` reads inside the transaction that does the holder's work, so a holder that was paused or cut off, and whose
  lease went to another, changes nothing: its token is no longer there.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec


class Handed(NamedTuple):
    """One record that waits for its place in the log: everything about it but the place and the moment it got it.

    While it waits ``sealed`` begins with its mark (``marks``).
    """

    replica: str
    seq: int
    tenant: str
    kind: str
    record_id: str
    time_ns: int
    tag: bytes
    commit: str
    sealed: bytes


class Inbox(Protocol):
    """Where records wait for the sequencer."""

    def hand_over(self, rows: Sequence[Handed], epoch: int) -> bool:
        """Keep rows for the sequencer; return false, and keep none, when the log's epoch is another."""
        ...

    def shut(self) -> None:
        """Keep hand-overs out until the transaction ends; inside the log's transaction only."""
        ...

    def take(self, most: int) -> list[Handed]:
        """Remove and return at most ``most`` rows, oldest first; inside the log's transaction only."""
        ...

    def waiting(self) -> int:
        """Return how many rows wait."""
        ...


class Lease(msgspec.Struct, frozen=True):
    """Who holds what; ``left_ms`` is what the database says is left of it, negative when it is over."""

    name: str
    holder: str
    token: int
    left_ms: int


class Leases(Protocol):
    """Rights that one holder has at a time."""

    def take(self, name: str, holder: str, ttl_ms: int) -> int:
        """Take or renew a lease; return its fencing token, 0 when another holds it."""
        ...

    def holds(self, name: str, holder: str, token: int) -> bool:
        """Return whether this is still the newest token of the lease; inside a transaction only."""
        ...

    def give_back(self, name: str, holder: str) -> None:
        """End a lease before its time, if ``holder`` has it."""
        ...

    def all(self) -> list[Lease]:
        """Return every lease by name."""
        ...
