"""Small tables of other rooms: registered enforcement points, snapshots.

- ``PepTable`` implements ``identity.ports.PepRegistry``: read once, kept in memory, read again when anything changed.
- ``SnapshotTable`` keeps opaque bytes by tenant, kind and name: profiles, catalogues, whatever a room wants back.
"""

from typing import Final

import msgspec

from ostiary.identity.ports import RegisteredPep
from ostiary.storage.tables.approvals import APPROVAL_ERASURES
from ostiary.storage.tables.biometrics import BIOMETRIC_ERASURES
from ostiary.storage.tables.conversations import CONVERSATION_ERASURES
from ostiary.storage.tables.database import Database
from ostiary.storage.tables.decision_index import INDEX_ERASURES
from ostiary.storage.tables.models import MODEL_ERASURES
from ostiary.storage.tables.producers import PRODUCER_ERASURES
from ostiary.storage.tables.rag import RAG_ERASURES
from ostiary.storage.tables.ssf import TENANT_ERASURES

_UNREAD: Final = -1


class PepTable:
    """Registered enforcement points."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database
        self._known: tuple[int, dict[str, RegisteredPep]] = (_UNREAD, {})

    def save(self, pep: RegisteredPep, created_ns: int) -> bool:
        """Register or change one; return false when another tenant has this id, or another one what proves it."""
        with self._database.transaction() as database:
            # INVARIANT: what proves one enforcement point proves no other, or a tenant could catch another's callers.
            others = (msgspec.json.decode(row[0], type=RegisteredPep) for row in database.read_inside("peps"))
            if any(_alike(pep, other) for other in others if other.pep_id != pep.pep_id):
                return False
            database.write("next_epoch")
            return database.write("save_pep", pep.pep_id, pep.tenant, msgspec.json.encode(pep), created_ns) == 1

    def delete(self, tenant: str, pep_id: str) -> bool:
        """Forget one; return false when the tenant has none with this id."""
        with self._database.transaction() as database:
            database.write("next_epoch")
            return database.write("delete_pep", tenant, pep_id) == 1

    def of_tenant(self, tenant: str) -> list[RegisteredPep]:
        """Return a tenant's enforcement points in the order of their ids."""
        return [pep for pep in self._all().values() if pep.tenant == tenant]

    def find(self, pep_id: str) -> RegisteredPep | None:
        """Return the enforcement point with this id."""
        return self._all().get(pep_id)

    def find_by_certificate(self, thumbprint: str) -> RegisteredPep | None:
        """Return the one that registered this certificate thumbprint."""
        return next((pep for pep in self._all().values() if thumbprint in pep.certificates), None)

    def find_by_workload(self, issuer: str, subject: str) -> RegisteredPep | None:
        """Return the one that authenticates by JWTs of ``issuer`` with this subject."""
        wanted = (issuer, subject)
        return next((pep for pep in self._all().values() if (pep.token_issuer, pep.token_subject) == wanted), None)

    def _all(self) -> dict[str, RegisteredPep]:
        epoch = int(self._database.read("head")[0][-1])
        if self._known[0] != epoch:
            rows = self._database.read("peps")
            peps = [msgspec.json.decode(row[0], type=RegisteredPep) for row in rows]
            self._known = (epoch, {pep.pep_id: pep for pep in peps})
        return self._known[1]


def _alike(one: RegisteredPep, other: RegisteredPep) -> bool:
    workload = (one.token_issuer, one.token_subject)
    same_workload = one.token_issuer != "" and workload == (other.token_issuer, other.token_subject)
    return same_workload or not set(one.certificates).isdisjoint(other.certificates)


class Snapshot(msgspec.Struct, frozen=True):
    """One stored snapshot."""

    name: str
    data: bytes
    updated_ns: int


class SnapshotTable:
    """Opaque bytes by tenant, kind and name."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        """Store one, replacing what was there."""
        self._database.write("save_snapshot", tenant, kind, name, data, now_ns)

    def add(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> bool:
        """Store one unless there is one; return whether it was stored: of many at once, in any process, one is."""
        return self._database.write("add_snapshot", tenant, kind, name, data, now_ns) == 1

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        rows = self._database.read("load_snapshot", tenant, kind, name)
        return rows[0][0] if rows else None

    def all(self, tenant: str, kind: str) -> list[Snapshot]:
        """Return all of a kind in the order of their names."""
        return [Snapshot(*row) for row in self._database.read("snapshots", tenant, kind)]

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        """Erase one; return whether it was there."""
        return self._database.erase("delete_snapshot", [(tenant, kind, name)]) == 1


def forget_tenant(database: Database, tenant: str) -> None:
    """Erase all that these tables hold of a tenant."""
    with database.transaction():
        for name in (
            "delete_tenant_peps",
            "delete_tenant_sessions",
            "delete_tenant_living_sessions",
            "delete_tenant_revocations",
            "delete_tenant_proofs",
            "delete_tenant_snapshots",
            "delete_tenant_profiles",
            "delete_tenant_used_tokens",
            "delete_tenant_authenticators",
            "delete_tenant_holders",
            "delete_tenant_invitations",
            "delete_tenant_recoveries",
            *TENANT_ERASURES,
            "delete_tenant_cards",
            "delete_tenant_card_numbers",
            "delete_tenant_devices",
            "delete_tenant_device_invitations",
            *MODEL_ERASURES,
            "delete_tenant_budgets",
            "delete_tenant_dataset_budgets",
            "delete_tenant_online_features",
            *CONVERSATION_ERASURES,
            *RAG_ERASURES,
            *PRODUCER_ERASURES,
            *APPROVAL_ERASURES,
            "delete_tenant_shadow_counts",
            *BIOMETRIC_ERASURES,
            *INDEX_ERASURES,
        ):
            database.erase(name, [(tenant,)])
