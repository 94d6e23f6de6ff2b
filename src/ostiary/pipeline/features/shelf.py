"""Projected columns in memory, by what they are a view of, so that the next query finds them as they were.

- The key holds tenant, set, view and the files' stamp: a change of any makes another key, and the old one falls out.
- Never more than so many bytes; the one that was longest not used goes first. Text that repeats itself is kept as a
  dictionary, which is smaller and quicker to group by.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final

_REPEATS: Final = 4


class Shelf:
    """Arrow tables by key; safe for several threads."""

    def __init__(self, max_bytes: int) -> None:
        """Keep at most ``max_bytes``."""
        self._max = max_bytes
        self._tables: OrderedDict[Hashable, Any] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """Return a table, or ``None``."""
        with self._lock:
            table = self._tables.get(key)
            if table is not None:
                self._tables.move_to_end(key)
            return table

    def put(self, key: Hashable, table: Any) -> None:
        """Keep a table, when there is room for it at all."""
        size = table.nbytes
        if size > self._max:
            return
        with self._lock:
            old = self._tables.pop(key, None)
            self._bytes += size - (old.nbytes if old is not None else 0)
            self._tables[key] = table
            while self._bytes > self._max:
                _, gone = self._tables.popitem(last=False)
                self._bytes -= gone.nbytes

    def keep(self, wanted: Callable[[Any], bool]) -> None:
        """Drop all tables but those whose key is ``wanted``."""
        with self._lock:
            for key in [one for one in self._tables if not wanted(one)]:
                self._bytes -= self._tables.pop(key).nbytes

    @property
    def max_bytes(self) -> int:
        """The most bytes of one table that can be kept."""
        return self._max


def packed(table: Any) -> Any:
    """Return a table whose texts are dictionaries where they repeat themselves."""
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own
    import pyarrow.compute as pc  # noqa: PLC0415

    columns = []
    for column in table.columns:
        if pa.types.is_string(column.type) and pc.count_distinct(column).as_py() * _REPEATS <= table.num_rows:
            columns.append(column.combine_chunks().dictionary_encode())
        else:
            columns.append(column.combine_chunks())
    return pa.table(columns, names=table.column_names)
