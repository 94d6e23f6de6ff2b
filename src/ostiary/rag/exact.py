"""The embedded store: all vectors in memory, and an exact search of the rows that may be seen.

- Rows with the same rule and the same facts are one cell. A condition picks cells before anything is ranked, so that
  the work is that of the rows the asker may see, and recall is 1 at every selectivity: there is no graph to get lost
  in.
- The truth is the book. Who changes it in another process raises its generation, and the rows are read again.
- A search picks its rows under a lock and ranks them without it: what it took is never written again.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ostiary.rag.book import Book
from ostiary.rag.conditions import Condition, acls_of, fields, prepared
from ostiary.rag.ports import Facts, Row, Scored

if TYPE_CHECKING:
    from ostiary.rag.ports import Vectors

Cell = tuple[int, Facts]
MAX_INDEXES: Final = 256
_SHRINK: Final = 3


class _Table:
    """Rows of one index, changed and picked from under the owner's lock.

    INVARIANT: rows of ``matrix`` and ``chunks`` below ``used`` are never written again, so that a search may go on with
    both after it has given the lock back.
    """

    def __init__(self, dimension: int) -> None:
        import numpy as np  # noqa: PLC0415 - the extra `gateway`

        self.matrix: Any = np.zeros((0, dimension), np.float32)
        self.used = 0
        self.dead = 0
        self.chunks: list[str] = []
        self.cells: dict[Cell, Any] = {}
        self.of_document: dict[tuple[str, str], tuple[Cell, Any]] = {}
        self.of_acl: dict[int, set[Cell]] = defaultdict(set)

    def add(self, rows: Sequence[Row], vectors: "Vectors") -> None:
        import numpy as np  # noqa: PLC0415

        grouped: dict[tuple[str, str], list[int]] = defaultdict(list)
        for at, row in enumerate(rows):
            grouped[row.facts.source, row.document].append(at)
        self._room(len(rows), vectors.shape[1])
        self.matrix[self.used : self.used + len(rows)] = vectors
        self.chunks.extend(row.chunk for row in rows)
        added: dict[Cell, list[int]] = defaultdict(list)
        for name, places in grouped.items():
            self._take(name)
            cell = (rows[places[0]].acl, rows[places[0]].facts)
            numbers = [self.used + at for at in places]
            added[cell] += numbers
            self.of_document[name] = (cell, np.array(numbers, np.int64))
        for cell, numbers in added.items():
            self._put(cell, np.array(numbers, np.int64))
        self.used += len(rows)

    def remove(self, source: str, documents: Sequence[str]) -> None:
        for document in documents:
            self._take((source, document))

    def move(self, source: str, acls: Mapping[str, int]) -> None:
        for document, acl in acls.items():
            found = self._take((source, document))
            if found is None:
                continue
            (_, facts), numbers = found
            self.dead -= len(numbers)
            self._put((acl, facts), numbers)
            self.of_document[source, document] = ((acl, facts), numbers)

    def _room(self, more: int, dimension: int) -> None:
        import numpy as np  # noqa: PLC0415

        if self.used + more <= len(self.matrix):
            return
        # Rows below `used` are never written again: a search that holds the old array sees what it saw.
        larger = np.zeros((max(1024, 2 * self.used, self.used + more), dimension), np.float32)
        larger[: self.used] = self.matrix[: self.used]
        self.matrix = larger

    def _put(self, cell: Cell, numbers: Any) -> None:
        import numpy as np  # noqa: PLC0415

        before = self.cells.get(cell)
        self.cells[cell] = numbers if before is None else np.concatenate((before, numbers))
        self.of_acl[cell[0]].add(cell)

    def _take(self, name: tuple[str, str]) -> tuple[Cell, Any] | None:
        import numpy as np  # noqa: PLC0415

        found = self.of_document.pop(name, None)
        if found is None:
            return None
        cell, numbers = found
        left = np.setdiff1d(self.cells[cell], numbers, assume_unique=True)
        if len(left):
            self.cells[cell] = left
        else:
            del self.cells[cell]
            self.of_acl[cell[0]].discard(cell)
        self.dead += len(numbers)
        return found


class ExactStore:
    """A ``VectorStore`` of any number of indexes; safe for several threads."""

    def __init__(self, book: Book, dimension: int) -> None:
        """Take the book that remembers the vectors, and their length."""
        self._book = book
        self._dimension = dimension
        self._tables: dict[tuple[str, str], tuple[int, _Table]] = {}
        self._lock = threading.RLock()

    def put(self, tenant: str, index: str, rows: Sequence[Row], vectors: "Vectors") -> None:
        """Add rows."""
        self._change(tenant, index, lambda table: table.add(rows, vectors))

    def remove(self, tenant: str, index: str, source: str, documents: Sequence[str]) -> None:
        """Remove documents."""
        self._change(tenant, index, lambda table: table.remove(source, documents))

    def move(self, tenant: str, index: str, source: str, acls: Mapping[str, int]) -> None:
        """Put documents under other rules."""
        self._change(tenant, index, lambda table: table.move(source, acls))

    def forget(self, tenant: str, index: str) -> None:
        """Erase an index."""
        with self._lock:
            self._tables.pop((tenant, index), None)

    def search(self, tenant: str, index: str, vector: "Vectors", condition: Condition, k: int) -> Sequence[Scored]:
        """Return the nearest chunks for which the condition holds; exactly, ties by the chunk's id."""
        import numpy as np  # noqa: PLC0415 - the extra `gateway`

        with self._lock:
            table = self._current(tenant, index)
            matrix, chunks, numbers = table.matrix, table.chunks, _picked(table, condition, tenant, index)
        if not len(numbers):
            return []
        scores = matrix[numbers] @ vector
        if len(numbers) > k:
            border = np.partition(scores, len(scores) - k)[len(scores) - k]
            kept = scores >= border  # everything that ties with the last one, so that the choice is the same each time
            numbers, scores = numbers[kept], scores[kept]
        found = [(chunks[number], float(score)) for number, score in zip(numbers, scores, strict=True)]
        return sorted(found, key=lambda one: (-one[1], one[0]))[:k]

    def _change(self, tenant: str, index: str, change: Any) -> None:
        """Follow a change that the book already has; whoever is behind by more reads all of it anew."""
        with self._lock:
            known = self._tables.get((tenant, index))
            now = self._book.generation(tenant, index)
            if known is None or known[0] != now - 1:
                self._tables.pop((tenant, index), None)
                return
            change(known[1])
            self._tables[tenant, index] = (now, known[1])

    def _current(self, tenant: str, index: str) -> _Table:
        now = self._book.generation(tenant, index)
        known = self._tables.get((tenant, index))
        if known is not None and known[0] == now and known[1].dead * _SHRINK <= max(known[1].used, 4096):
            return known[1]
        table = self._read(tenant, index)
        if len(self._tables) >= MAX_INDEXES:
            self._tables.pop(next(iter(self._tables)))
        self._tables[tenant, index] = (now, table)
        return table

    def _read(self, tenant: str, index: str) -> _Table:
        import numpy as np  # noqa: PLC0415

        table = _Table(self._dimension)
        found = list(self._book.rows(tenant, index))
        if found:
            raw = b"".join(vector for _, vector in found)
            vectors = np.frombuffer(raw, "<f4").reshape(len(found), self._dimension)
            table.add([row for row, _ in found], vectors)
        return table


def _picked(table: _Table, condition: Condition, tenant: str, index: str) -> Any:
    import numpy as np  # noqa: PLC0415

    only = acls_of(condition)
    cells = table.cells if only is None else [cell for acl in only for cell in table.of_acl.get(acl, ())]
    test, asked = prepared(condition), fields(condition)
    place = {"tenant": tenant, "index": index}
    if "document" not in asked:
        parts = [table.cells[cell] for cell in cells if test({**place, **cell[1].of("", cell[0])})]
    else:
        wanted = set(cells)
        parts = [
            numbers
            for (_, document), (cell, numbers) in table.of_document.items()
            if cell in wanted and test({**place, **cell[1].of(document, cell[0])})
        ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
