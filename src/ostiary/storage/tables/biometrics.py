"""What is kept of typing and moving: ciphertexts. ``TemplateTable`` implements ``biometrics.ports.TemplateStore``."""

from typing import Final

from ostiary.biometrics.ports import STANDING, PartRow
from ostiary.storage.tables.database import Database

BIOMETRIC_ERASURES: Final = ("delete_tenant_biometrics",)


class TemplateTable:
    """Parts by tenant, owner and name."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def find(self, tenant: str, owner: str, part: str) -> PartRow | None:
        """Return a part."""
        rows = self._database.read("biometric_part", tenant, owner, part)
        return PartRow(*rows[0]) if rows else None

    def of_owner(self, tenant: str, owner: str) -> list[PartRow]:
        """Return all parts of an owner, by their names."""
        return [PartRow(*row) for row in self._database.read("biometric_parts", tenant, owner)]

    def counts(self, tenant: str) -> dict[str, int]:
        """Return how many owners have each part."""
        return {str(part): int(count) for part, count in self._database.read("biometric_counts", tenant)}

    def put(self, tenant: str, row: PartRow, before: int, standing: int) -> bool:
        """Write a part in the place of what was read, while the standing is what was read."""
        with self._database.transaction() as database:
            if self._generation(database, tenant, row.owner, row.part) != before or row.generation <= before:
                return False
            if row.part != STANDING and self._generation(database, tenant, row.owner, STANDING) != standing:
                return False
            values = (row.owner, row.part, row.generation, row.epoch, row.sealed, row.updated_ns)
            # By ``erase``: what was there is overwritten, for it may not outlive what takes its place.
            return database.erase("put_biometric_part", [(tenant, *values)]) == 1

    def delete(self, tenant: str, owner: str) -> int:
        """Erase all parts of an owner."""
        return self._database.erase("delete_biometrics", [(tenant, owner)])

    @staticmethod
    def _generation(database: Database, tenant: str, owner: str, part: str) -> int:
        rows = database.read_inside("biometric_generation", tenant, owner, part)
        return int(rows[0][0]) if rows else 0
