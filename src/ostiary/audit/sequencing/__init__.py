"""One log, many replicas: records are handed over durably, and one holder of a lease sequences them (ADR-0070)."""

from ostiary.audit.sequencing.ports import Handed, Inbox, Lease, Leases
from ostiary.audit.sequencing.settings import Sequencing

__all__ = ["Handed", "Inbox", "Lease", "Leases", "Sequencing"]
