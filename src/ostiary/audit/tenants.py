"""Tenants: made, listed, and deleted for good.

- Deleting destroys the tenant's key, so everything sealed for it is unreadable, backups of the database included.
- A deleted id is never given out again, and answers exactly like one that never was.
- ``system`` is ours and can be neither made nor deleted.
"""

from typing import Final

import msgspec

from ostiary.audit.erasure import Erased, erase, finish
from ostiary.audit.log import AuditLog
from ostiary.audit.ports import AuditTransaction, Selection, TenantRow
from ostiary.audit.settings import SYSTEM_TENANT
from ostiary.errors import RefusedError
from ostiary.keys import KeyRing, random_bytes
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, check_tenant, make_id

_SALT_BYTES: Final = 32


class TenantRecord(msgspec.Struct, frozen=True, tag_field="type", tag="tenant"):
    """Payload of the record that making a tenant leaves."""

    v: int
    action: str
    tenant: str


class TenantAdmin:
    """Makes, finds and deletes tenants."""

    def __init__(self, log: AuditLog, ring: KeyRing, clock: Clock) -> None:
        """Work on ``log``; deletions and erasures that a crash cut short are finished first."""
        self._log = log
        self._ring = ring
        self._clock = clock
        for row in log.store.tenants():
            if row.deleted_ns is not None:
                self._shred(row.tenant)
        finish(log)

    def living(self) -> list[TenantRow]:
        """Return every tenant but ``system``, in the order of their ids."""
        rows = self._log.store.tenants()
        return [row for row in rows if row.deleted_ns is None and row.tenant != SYSTEM_TENANT]

    def find(self, tenant: str) -> TenantRow | None:
        """Return a living tenant; a deleted one is as unknown as one that never was."""
        row = self._log.store.find_tenant(tenant)
        return row if row is not None and row.deleted_ns is None and tenant != SYSTEM_TENANT else None

    def create(self, tenant: str) -> TenantRow:
        """Make a tenant.

        Raises:
            FaultyInputError: ``tenant_invalid``.
            RefusedError: ``tenant_exists``, also for an id that was used before.
            UnavailableError: the log cannot be written; then there is no tenant.
        """
        row = TenantRow(check_tenant(tenant), random_bytes(_SALT_BYTES), self._clock.now_ns())

        def effect(transaction: AuditTransaction) -> bytes:
            if not transaction.add_tenant(row):
                raise RefusedError("tenant_exists", f"the tenant id `{tenant}` is or was in use")
            return msgspec.json.encode(TenantRecord(1, "tenant.create", tenant))

        record_id = make_id("adm", row.created_ns, random_bytes(RANDOM_BYTES))
        self._log.append_effect(SYSTEM_TENANT, "admin", record_id, row.created_ns, effect).result()
        return row

    def delete(self, tenant: str) -> Erased:
        """Delete a tenant and make all that was sealed for it unreadable.

        Raises:
            RefusedError: ``tenant_unknown``.
            UnavailableError: the log cannot be written; then nothing was deleted.
        """
        now = self._clock.now_ns()

        def end(transaction: AuditTransaction) -> list[Selection]:
            if tenant == SYSTEM_TENANT or not transaction.end_tenant(tenant, now):
                raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
            return [Selection(tenant)]

        erased = erase(self._log, self._clock, "tenant.delete", end, note=tenant)
        self._shred(tenant)
        return erased

    def _shred(self, tenant: str) -> None:
        if not self._log.vault.is_shredded(tenant):
            self._log.vault.shred_tenant(tenant)
            self._ring.shred_tenant(tenant)
