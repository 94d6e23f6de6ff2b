"""The transparency log: append, checkpoint, prove, and a verifier that shares no code with the writer.

- ``AuditLog`` appends and reads back; ``audit.ports`` is the contract with storage.
- ``audit.tlog`` holds trees, tiles, notes and proofs; ``audit.verifier`` holds its own.
- Entries are public and hold no personal data; payloads are sealed by subject and can be erased without breaking
  a proof (ADR-0003).
"""

from ostiary.audit.log import AuditLog
from ostiary.audit.pending import Appended, StoredRecord
from ostiary.audit.reserve import DiskReserve
from ostiary.audit.settings import SYSTEM_TENANT, AuditSettings

__all__ = ["SYSTEM_TENANT", "Appended", "AuditLog", "AuditSettings", "DiskReserve", "StoredRecord"]
