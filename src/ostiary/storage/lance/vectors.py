"""Vectors in LanceDB; implements ``rag.ports.VectorStore``.

- A table an index, in a folder a tenant. Rows have tenant and index in them all the same, and every query asks for
  both.
- The condition is a prefilter, said so at every query: what LanceDB does by default has changed before.
- How many rows are left is counted first. Few are searched exactly (``bypass_vector_index``), so that no graph gets
  lost among what it must not see; an approximate index serves only whoever may see many, and only once it has been
  made.
"""

import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.keys import sha256_hex
from ostiary.rag.compilers import lance_where
from ostiary.rag.conditions import NEVER, Compare, Condition, both
from ostiary.rag.ports import Row, Scored
from ostiary.vocabulary.ids import check_tenant

if TYPE_CHECKING:
    from ostiary.rag.ports import Vectors

EXACT_BELOW: Final = 100_000
PROBES: Final = 64
_AWAY: Final = "vectors_unavailable"
_FACTS: Final = ("source", "kind", "verdict")
_NUMBERS: Final = ("confidentiality", "integrity")


class LanceVectors:
    """Tables in one folder; safe for several threads."""

    def __init__(self, folder: Path, dimension: int) -> None:
        """Use ``folder``; it is made when the first table is."""
        self._folder = folder
        self._dimension = dimension
        self._known: dict[tuple[str, str], Any] = {}
        self._lock = threading.RLock()

    def put(self, tenant: str, index: str, rows: Sequence[Row], vectors: "Vectors") -> None:
        """Add rows; those of the same documents are replaced."""
        with self._lock:
            table = self._table(tenant, index, make=True)
            for source in {row.facts.source for row in rows}:
                self._delete(table, source, sorted({row.document for row in rows if row.facts.source == source}))
            table.add(self._arrow(tenant, index, rows, vectors))

    def remove(self, tenant: str, index: str, source: str, documents: Sequence[str]) -> None:
        """Remove all rows of documents."""
        with self._lock:
            table = self._table(tenant, index)
            if table is not None:
                self._delete(table, source, documents)

    def move(self, tenant: str, index: str, source: str, acls: Mapping[str, int]) -> None:
        """Put documents under other rules."""
        with self._lock:
            table = self._table(tenant, index)
            for acl in sorted(set(acls.values())) if table is not None else ():
                names = tuple(sorted(name for name, number in acls.items() if number == acl))
                where = lance_where(both(Compare("source", "eq", source), Compare("document", "in", names)))
                table.update(where=where, values={"acl": acl})

    def search(self, tenant: str, index: str, vector: "Vectors", condition: Condition, k: int) -> Sequence[Scored]:
        """Return the nearest chunks for which the condition holds."""
        table = self._table(tenant, index)
        if table is None or condition == NEVER:
            return []
        where = lance_where(both(Compare("tenant", "eq", tenant), Compare("index", "eq", index), condition))
        try:
            found = (
                table.search(vector).distance_type("cosine").where(where, prefilter=True).select(["chunk", "_distance"])
            )
            exact = table.count_rows(where) < EXACT_BELOW
            found = found.bypass_vector_index() if exact else found.nprobes(PROBES).refine_factor(4)
            rows = found.limit(k).to_arrow().to_pylist()
        except (OSError, RuntimeError, ValueError) as fault:
            raise UnavailableError(_AWAY, "the store of vectors cannot be asked") from fault
        scored = [(str(row["chunk"]), 1.0 - float(row["_distance"])) for row in rows]
        return sorted(scored, key=lambda one: (-one[1], one[0]))

    def approximate(self, tenant: str, index: str) -> None:
        """Make an approximate index, for whoever may see many rows."""
        with self._lock:
            table = self._table(tenant, index)
            if table is not None:
                table.create_index(metric="cosine", vector_column_name="vector")

    def forget(self, tenant: str, index: str) -> None:
        """Erase an index."""
        with self._lock:
            self._known.pop((tenant, index), None)
            shutil.rmtree(self._place(tenant) / f"{_name(index)}.lance", ignore_errors=True)

    def _place(self, tenant: str) -> Path:
        return self._folder / check_tenant(tenant)

    def _table(self, tenant: str, index: str, *, make: bool = False) -> Any:
        import lancedb  # noqa: PLC0415 - an extra of its own

        with self._lock:
            known = self._known.get((tenant, index))
            if known is not None:
                return known
            place = self._place(tenant)
            if not make and not (place / f"{_name(index)}.lance").is_dir():
                return None
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            database = lancedb.connect(str(place))
            table = database.create_table(_name(index), schema=self._schema(), exist_ok=True)
            self._known[tenant, index] = table
            return table

    def _schema(self) -> Any:
        import pyarrow as pa  # noqa: PLC0415

        texts = [pa.field(name, pa.string()) for name in ("tenant", "index_name", "chunk", "document", *_FACTS)]
        numbers = [pa.field(name, pa.int32()) for name in ("acl", *_NUMBERS)]
        return pa.schema([*texts, *numbers, pa.field("vector", pa.list_(pa.float32(), self._dimension))])

    def _arrow(self, tenant: str, index: str, rows: Sequence[Row], vectors: "Vectors") -> Any:
        import pyarrow as pa  # noqa: PLC0415

        told = [
            {
                "tenant": tenant,
                "index_name": index,
                "chunk": row.chunk,
                "document": row.document,
                "acl": row.acl,
                **msgspec.structs.asdict(row.facts),
                "vector": vector,
            }
            for row, vector in zip(rows, vectors.tolist(), strict=True)
        ]
        return pa.Table.from_pylist(told, schema=self._schema())

    @staticmethod
    def _delete(table: Any, source: str, documents: Sequence[str]) -> None:
        if documents:
            table.delete(
                lance_where(both(Compare("source", "eq", source), Compare("document", "in", tuple(documents))))
            )


def _name(index: str) -> str:
    """Return a table's name: an index's own may have characters that a folder's must not."""
    return "i" + sha256_hex(index.encode())[:32]
