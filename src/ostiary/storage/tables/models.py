"""The registry of models; ``ModelTable`` implements ``pipeline.registry.ports.ModelBook``.

Inside the transaction of a record (``AuditLog.append_effect``) every write joins it, for it comes from the thread that
has it open; reads then use the same connection, so that they see what it has written.
"""

from collections.abc import Sequence
from typing import Final

from ostiary.pipeline.registry.model import Kept
from ostiary.pipeline.registry.ports import Row
from ostiary.storage.tables.database import Database
from ostiary.storage.tables.database import Row as Values

MODEL_ERASURES: Final = (
    "delete_tenant_model_numbers",
    "delete_tenant_model_versions",
    "delete_tenant_model_lives",
    "delete_tenant_model_nonces",
    "delete_tenant_model_revoked",
)


class ModelTable:
    """Versions, stages, nonces and revoked approvals by tenant."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def next_number(self, tenant: str, name: str) -> int:
        """Take the next version number of a model."""
        with self._database.transaction() as database:
            database.write("next_model_number", tenant, name)
            return int(database.read_inside("model_number", tenant, name)[0][0])

    def add_version(self, tenant: str, name: str, number: int, digest: str, kept: Kept) -> bool:
        """Add a version whose number and digest are new."""
        return self._database.write("add_model_version", tenant, name, number, digest, kept.record_id, kept.body) == 1

    def replace_version(self, tenant: str, name: str, number: int, revision: int, kept: Kept) -> bool:
        """Replace a version by the one of the next revision."""
        values = (revision, kept.record_id, kept.body, tenant, name, number)
        return self._database.write("replace_model_version", *values) == 1

    def find_version(self, tenant: str, name: str, number: int) -> Kept | None:
        """Return one version."""
        rows = self._read("find_model_version", tenant, name, number)
        return Kept(*rows[0]) if rows else None

    def find_digest(self, tenant: str, name: str, digest: str) -> Row | None:
        """Return the version with this root digest."""
        rows = self._read("find_model_digest", tenant, name, digest)
        return _row(rows[0]) if rows else None

    def versions(self, tenant: str, name: str) -> Sequence[Row]:
        """Return the versions of a model in the order of their numbers."""
        return [_row(row) for row in self._read("model_versions", tenant, name)]

    def names(self, tenant: str) -> Sequence[str]:
        """Return the names of a tenant's models."""
        return [row[0] for row in self._read("model_names", tenant)]

    def put_live(self, tenant: str, name: str, stage: str, counter: int, kept: Kept) -> bool:
        """Replace what is live in a stage by what follows it."""
        if counter == 1:
            return self._database.write("add_model_live", tenant, name, stage, 1, kept.record_id, kept.body) == 1
        values = (counter, kept.record_id, kept.body, tenant, name, stage)
        return self._database.write("replace_model_live", *values) == 1

    def find_live(self, tenant: str, name: str, stage: str) -> Kept | None:
        """Return what is live in a stage."""
        rows = self._read("find_model_live", tenant, name, stage)
        return Kept(*rows[0]) if rows else None

    def lives(self, tenant: str, name: str) -> Sequence[Kept]:
        """Return what is live in every stage of a model."""
        return [Kept(*row) for row in self._read("model_lives", tenant, name)]

    def use_nonce(self, tenant: str, nonce: str, expires_ns: int) -> bool:
        """Use an approval's nonce up."""
        return self._database.write("use_model_nonce", tenant, nonce, expires_ns) == 1

    def revoke(self, tenant: str, approval: str, at_ns: int) -> bool:
        """Revoke an approval."""
        return self._database.write("revoke_model_approval", tenant, approval, at_ns) == 1

    def is_revoked(self, tenant: str, approval: str) -> bool:
        """Return whether an approval was revoked."""
        return bool(self._read("model_approval_revoked", tenant, approval))

    def _read(self, name: str, *values: object) -> list[Values]:
        inside = self._database.inside()
        return self._database.read_inside(name, *values) if inside else self._database.read(name, *values)


def _row(values: Values) -> Row:
    return Row(values[0], Kept(values[1], values[2]))
