"""Queries that were read before: the same text of the same caller is read once.

- Reading is a function of the text, the name of the set and its SQL alone, so what is remembered never goes stale: a
  change of columns, rights or policy changes nothing of it, and all of those are asked anew each time.
- What is remembered is the caller's own. Else the time of an answer would tell whether somebody else asked the same.
- The text is remembered as its digest. What was refused is not remembered.
- Never more than so many, nor more than so many bytes; the one that was longest not asked goes first.

>>> readings = Readings()
>>> readings.of(("t", "ci_job", "a"), "SELECT avg(amount) FROM f", "f").needs
('amount',)
"""

import threading
from collections import OrderedDict
from typing import Final

from ostiary.keys import sha256
from ostiary.pipeline.features.analysis import Analysis, Dialect, analyse

MAX_READINGS: Final = 1024
MAX_BYTES: Final = 4 * 1024 * 1024
_EACH_BYTES: Final = 512
_CHAR_BYTES: Final = 4
_Key = tuple[tuple[str, ...], str, Dialect, bytes]


class Readings:
    """What queries need, by who asked; safe for several threads."""

    def __init__(self, max_readings: int = MAX_READINGS, max_bytes: int = MAX_BYTES) -> None:
        """Remember at most so many, and at most so many bytes."""
        self._max_readings = max_readings
        self._max_bytes = max_bytes
        self._known: OrderedDict[_Key, Analysis] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, caller: tuple[str, ...], sql: str, table: str, dialect: Dialect = "duckdb") -> Analysis:
        """Return what ``sql`` needs of the feature set ``table``; ``caller`` is who asks, tenant included.

        Raises:
            FaultyInputError: ``query_not_understood``.
            RefusedError: ``query_not_allowed`` or ``query_unknown_table``.
        """
        key = (caller, table, dialect, sha256(sql.encode("utf-8", "surrogatepass")))
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        found = analyse(sql, table, dialect)
        self._keep(key, found)
        return found

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._known)

    def _keep(self, key: _Key, found: Analysis) -> None:
        size = _size(found)
        if size > self._max_bytes:
            return
        with self._lock:
            if key not in self._known:
                self._bytes += size
            self._known[key] = found
            while len(self._known) > self._max_readings or self._bytes > self._max_bytes:
                self._bytes -= _size(self._known.popitem(last=False)[1])


def _size(found: Analysis) -> int:
    chars = len(found.canonical) + sum(len(name) + _EACH_BYTES // 8 for name in (*found.needs, *found.may))
    return _EACH_BYTES + _CHAR_BYTES * chars
