"""What is kept of typing and moving, in memory; the same port that storage implements on disk.

>>> MemoryTemplates().of_owner("acme", "a")
[]
"""

import threading
from collections import Counter

from ostiary.biometrics.ports import STANDING, PartRow


class MemoryTemplates:
    """Implements ``biometrics.ports.TemplateStore``."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lock = threading.RLock()
        self._rows: dict[tuple[str, str, str], PartRow] = {}

    def find(self, tenant: str, owner: str, part: str) -> PartRow | None:
        """Return a part."""
        return self._rows.get((tenant, owner, part))

    def of_owner(self, tenant: str, owner: str) -> list[PartRow]:
        """Return all parts of an owner, by their names."""
        with self._lock:
            found = [row for (name, whose, _), row in self._rows.items() if (name, whose) == (tenant, owner)]
        return sorted(found, key=lambda row: row.part)

    def counts(self, tenant: str) -> dict[str, int]:
        """Return how many owners have each part."""
        with self._lock:
            return dict(sorted(Counter(part for name, _, part in self._rows if name == tenant).items()))

    def put(self, tenant: str, row: PartRow, before: int, standing: int) -> bool:
        """Write a part in the place of what was read, while the standing is what was read."""
        with self._lock:
            if self._generation(tenant, row.owner, row.part) != before or row.generation <= before:
                return False
            if row.part != STANDING and self._generation(tenant, row.owner, STANDING) != standing:
                return False
            self._rows[tenant, row.owner, row.part] = row
            return True

    def delete(self, tenant: str, owner: str) -> int:
        """Erase all parts of an owner."""
        with self._lock:
            gone = [name for name in self._rows if name[:2] == (tenant, owner)]
            for name in gone:
                del self._rows[name]
            return len(gone)

    def _generation(self, tenant: str, owner: str, part: str) -> int:
        row = self._rows.get((tenant, owner, part))
        return row.generation if row is not None else 0
