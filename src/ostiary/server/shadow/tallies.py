"""Counts on their way to the store: gathered in memory, added in one go, exact whatever comes.

- Kinds of cells are bounded by the hour: what is new beyond ``MAX_CELLS`` is counted under ``OTHER``, with its effects
  and controls, so that sums stay exact whoever makes up names of groups and resource types.
- What cannot be written stays and is written with the next turn.
- The last two hours are also kept by the minute, for whoever must know within one.
"""

import threading
from collections import Counter
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from ostiary.decision.counts import COMPARED, LIVE, Key, ShadowCounts
from ostiary.decision.shadow import HOUR_NS, Cell

OTHER: Final = "(other)"
MAX_CELLS: Final = 2_000
MINUTE_NS: Final = 60 * 10**9
MAX_MINUTES: Final = 120


class Tallies:
    """Counts of one process; safe for several threads."""

    def __init__(self, store: ShadowCounts) -> None:
        """Start with nothing to write."""
        self._store = store
        self._lock = threading.Lock()
        self._waiting: dict[str, Counter[Key]] = {}
        self._known: dict[tuple[str, str, int], set[Cell]] = {}
        self._minutes: dict[tuple[str, int], Counter[Cell]] = {}
        self.since_ns: dict[str, int] = {}

    def compared(self, tenant: str, about: str, cell: Cell, at_ns: int) -> None:
        """Count one pair of answers."""
        with self._lock:
            kept = self._bounded(tenant, about, cell)
            self._waiting.setdefault(tenant, Counter())[Key(about, COMPARED, kept)] += 1
            if about == LIVE:
                self.since_ns.setdefault(tenant, at_ns)
                minute = at_ns // MINUTE_NS
                self._minutes.setdefault((tenant, minute), Counter())[kept] += 1
                self._drop_old_minutes(minute)

    def count(self, tenant: str, about: str, what: str, at_ns: int, number: int = 1) -> None:
        """Count something that is no pair: what was left out, and why."""
        with self._lock:
            key = Key(about, what, Cell(at_ns // HOUR_NS))
            self._waiting.setdefault(tenant, Counter())[key] += number

    def minutes(self, tenant: str, since_ns: int, until_ns: int) -> Counter[Cell]:
        """Return the live counts of the minutes that ``[since_ns, until_ns)`` touches, as this process saw them."""
        first, last = since_ns // MINUTE_NS, until_ns // MINUTE_NS
        found: Counter[Cell] = Counter()
        with self._lock:
            for (one, minute), counts in self._minutes.items():
                if one == tenant and first <= minute <= last:
                    found.update(counts)
        return found

    def keep_only(self, tenants: AbstractSet[str]) -> None:
        """Forget what waits for tenants that are gone, so that nothing of theirs is written again."""
        with self._lock:
            self._waiting = {tenant: counts for tenant, counts in self._waiting.items() if tenant in tenants}
            self._minutes = {place: counts for place, counts in self._minutes.items() if place[0] in tenants}
            self._known = {place: cells for place, cells in self._known.items() if place[0] in tenants}

    def flush(self) -> None:
        """Write what waits.

        Raises:
            UnavailableError: it could not be written; it stays.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        while waiting:
            tenant, counts = waiting.popitem()
            try:
                self._store.add(tenant, counts)
            except BaseException:
                with self._lock:
                    for one, back in ((tenant, counts), *waiting.items()):
                        self._waiting.setdefault(one, Counter()).update(back)
                raise

    def _bounded(self, tenant: str, about: str, cell: Cell) -> Cell:
        known = self._known.setdefault((tenant, about, cell.hour), set())
        if cell in known:
            return cell
        if len(known) >= MAX_CELLS:
            return msgspec.structs.replace(cell, groups=OTHER, resource_class=OTHER)
        if not known:
            self._known = {place: cells for place, cells in self._known.items() if place[2] >= cell.hour - 1}
            self._known[tenant, about, cell.hour] = known
        known.add(cell)
        return cell

    def _drop_old_minutes(self, minute: int) -> None:
        if len(self._minutes) > MAX_MINUTES * 2:
            self._minutes = {place: one for place, one in self._minutes.items() if place[1] > minute - MAX_MINUTES}
