"""How replicas share a log; times in seconds."""

from typing import Final

import msgspec

from ostiary.audit.sequencing.ports import Inbox, Leases

LOG_LEASE: Final = "log"


class Sequencing(msgspec.Struct, frozen=True):
    """What a log needs to be one of several writers.

    Attributes:
        replica: this process's own name, never used by another process or a second time; empty for one that serves
            nothing: what it writes it appends itself, after all that waits.
        inbox: where records wait.
        leases: who sequences.
        ttl_s: time after which a silent holder's lease goes to another.
        idle_s: how often the holder looks whether anything waits; what this process hands over wakes it at once.
        inbox_limit: rows that may wait; past that a record is refused as ``overloaded``.
    """

    replica: str
    inbox: Inbox
    leases: Leases
    ttl_s: float = 3.0
    idle_s: float = 0.01
    inbox_limit: int = 50_000
