"""Online values in memory, for tests and demos; the same port that storage implements on disk."""

import threading
from collections.abc import Mapping, Sequence

from ostiary.pipeline.features.ports import Allows, Cell


class MemoryOnlineStore:
    """Keeps cells in a dictionary; ``asked`` holds what was ever asked for."""

    def __init__(self) -> None:
        """Begin empty."""
        self._cells: dict[tuple[str, str, str, str], Cell] = {}
        self._lock = threading.RLock()
        self.asked: list[tuple[str, ...]] = []

    def get(
        self, tenant: str, name: str, keys: Sequence[str], columns: Sequence[str]
    ) -> Mapping[str, Mapping[str, Cell]]:
        """Return the cells of these columns, and of no others."""
        found: dict[str, dict[str, Cell]] = {}
        with self._lock:
            self.asked.append(tuple(columns))
            for key in keys:
                for column in columns:
                    cell = self._cells.get((tenant, name, key, column))
                    if cell is not None:
                        found.setdefault(key, {})[column] = cell
        return found

    def put(self, tenant: str, name: str, cells: Sequence[tuple[str, str, Cell]]) -> None:
        """Store cells; an older event never replaces a newer one."""
        with self._lock:
            for key, column, cell in cells:
                place = (tenant, name, key, column)
                if place not in self._cells or self._cells[place].event_ns <= cell.event_ns:
                    self._cells[place] = cell

    def put_over(
        self, tenant: str, name: str, cells: Sequence[tuple[str, str, Cell]], columns: Sequence[str], allows: Allows
    ) -> bool:
        """Store cells if ``allows`` says so of what they are put over."""
        with self._lock:
            allowed = allows(self.get(tenant, name, list(dict.fromkeys(key for key, _, _ in cells)), columns))
            if allowed:
                self.put(tenant, name, cells)
            return allowed

    def forget(self, tenant: str, name: str) -> int:
        """Erase a feature set's cells."""
        with self._lock:
            gone = [place for place in self._cells if place[:2] == (tenant, name)]
            for place in gone:
                del self._cells[place]
            return len(gone)
