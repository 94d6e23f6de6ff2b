"""A person's rights over the log: to see what it holds of them, and to be forgotten (GDPR articles 15 and 17).

After ``erase`` the entries and every proof stand as before; what they were about can no longer be read by anyone.
"""

import base64
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ostiary.audit.erasure import Erased, erase
from ostiary.audit.log import AuditLog
from ostiary.audit.pending import StoredRecord
from ostiary.audit.ports import AuditTransaction, Selection
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.unreadable import UNREADABLE

ERASED: Final = "subject.erase"
"""The action of the record that an erasure leaves."""


class ExportedRecord(msgspec.Struct, frozen=True):
    """One record as it is handed to the person: ``payload`` is JSON where it is JSON, else base64 text."""

    index: int
    kind: str
    record_id: str
    time_ns: int
    entry: dict[str, Any]
    payload: Any


class SubjectAdmin:
    """Export and erasure by subject."""

    def __init__(self, log: AuditLog, clock: Clock) -> None:
        """Work on ``log``."""
        self._log = log
        self._clock = clock

    def export(self, tenant: str, subject_key: str) -> Iterator[ExportedRecord]:
        """Yield everything the log holds of a subject, oldest first."""
        for record in self._log.iterate(tenant, subject_key=_named(subject_key)):
            if record.payload is not None:
                yield _exported(record, record.payload)

    def erase(self, tenant: str, subject_key: str) -> Erased:
        """Forget a subject: its key is destroyed, its payloads are overwritten, and a record says so without a name.

        Raises:
            UnavailableError: the log cannot be written; then nothing was erased.
            RefusedError: ``tenant_shredded`` or ``tenant_unknown``.
        """
        vault, name = self._log.vault, _named(subject_key)

        def choose(_: AuditTransaction) -> list[Selection]:
            tag = vault.tag(tenant, name)
            vault.shred(tenant, name)
            return [Selection(tenant, tag=tag)]

        return erase(self._log, self._clock, ERASED, choose)


def _named(subject_key: str) -> str:
    if not subject_key:
        raise FaultyInputError("subject_invalid", "say which subject: its key is not empty")
    return subject_key


def _exported(record: StoredRecord, payload: bytes) -> ExportedRecord:
    entry = msgspec.json.decode(record.entry)
    try:
        told: Any = msgspec.json.decode(payload)
    except UNREADABLE:
        told = base64.b64encode(payload).decode()
    return ExportedRecord(record.index, record.kind, record.record_id, record.time_ns, entry, told)
