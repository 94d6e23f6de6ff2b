"""Watches for subjects who map a model's boundary: many questions close to each other, on both sides of it.

In the spirit of PRADA (distances between a client's queries) and SEAT (pairs of queries too alike for honest use),
without anything learned. What it says is a fact for policy; it decides nothing and loosens nothing.

Rules:

- A question is kept as a sketch: each column quantised to a byte, and a digest of the exact row. Two are *near* when
  they differ and the mean difference of their columns is at most the endpoint's own ``near`` (calibrated on training
  data). A question asked again exactly is none: it tells nobody anything new.
- *Straddling*: near questions that were answered differently. Searching a boundary makes these; honest use hardly does.
- *Unusual*: questions outside the typical ranges of the training data, where synthetic ones lie.
- Counts are of a sliding window; sketches of a subject's latest questions are kept, and so many subjects of a tenant.
  When there is no room for one more, ``known`` is false, and policy must take that for the worst.
- What policy denied was never answered: ``withdraw`` takes it out again, so that nobody fills this by being refused.

>>> watch = ProbeWatch()
>>> asked = [Sketch(bytes([10, n]), bytes([n])) for n in (50, 51, 90)]
>>> [watch.observe("acme", "fraud", "user:eve", [one], 0.02, now_ns=0).seen.near for one in asked]
[0, 1, 1]
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from operator import sub
from typing import Final

import msgspec

from ostiary.defence.budgets import SLOTS

MISSING: Final = 255
TOP: Final = 254
_NS: Final = 1_000_000_000


class Sketch(msgspec.Struct, frozen=True):
    """One question, quantised.

    Attributes:
        cells: a byte a column, 0 to 254 over its range; 255 when it is missing. The same number for each question.
        exact: digest of the exact row.
        apart: a number a column that has no order; another one there counts as wholly different.
        unusual: whether it lies outside what is typical.
    """

    cells: bytes
    exact: bytes
    apart: tuple[int, ...] = ()
    unusual: bool = False


class ProbeLimits(msgspec.Struct, frozen=True):
    """How far the watch looks.

    Attributes:
        window_s: length of the sliding window of the counts.
        remembered: latest questions of a subject that new ones are compared with.
        subjects: pairs of subject and endpoint of a tenant.
    """

    window_s: int = 3600
    remembered: int = 128
    subjects: int = 4096


class Seen(msgspec.Struct, frozen=True):
    """What was seen of one subject at one endpoint, this very request included.

    Attributes:
        known: whether the watch could look at all.
        queries: questions in the window.
        near: questions in the window that were near an earlier one.
        straddling: those of them whose neighbour was answered differently, as far as answers are known.
        unusual: questions outside what is typical.
    """

    known: bool = True
    queries: int = 0
    near: int = 0
    straddling: int = 0
    unusual: int = 0


BLIND: Final = Seen(known=False)


class _Entry:
    """One question that is remembered."""

    __slots__ = ("neighbours", "outcome", "sketch", "straddles", "weight")

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self.weight = sum(sketch.cells)
        self.outcome: str | None = None
        self.neighbours: tuple[_Entry, ...] = ()
        self.straddles = False


class _Memory:
    """What is remembered of one subject at one endpoint."""

    __slots__ = ("entries", "gone", "lock", "newest_ns", "open", "slots", "whose")

    def __init__(self, whose: tuple[str, str, str], remembered: int) -> None:
        self.whose = whose
        self.gone = False
        self.entries: deque[_Entry] = deque(maxlen=remembered)
        self.open: list[_Entry] = []
        self.slots: dict[int, list[int]] = {}
        self.lock = threading.Lock()
        self.newest_ns = 0


class Ticket(msgspec.Struct, frozen=True):
    """One observed request: what was seen, and what is needed to complete or to withdraw it."""

    seen: Seen
    memory: "_Memory | None" = None
    entries: "tuple[_Entry, ...]" = ()
    slot: int = 0
    counted: tuple[int, int, int] = (0, 0, 0)


class ProbeWatch:
    """Sees all questions to all endpoints; safe for many threads."""

    def __init__(self, limits: ProbeLimits | None = None) -> None:
        """Look as far as ``limits``."""
        self._limits = limits or ProbeLimits()
        self._window_ns = self._limits.window_s * _NS
        self._slot_ns = self._window_ns // SLOTS
        self._tenants: dict[str, OrderedDict[tuple[str, str], _Memory]] = {}
        self._lock = threading.Lock()

    def observe(
        self, tenant: str, endpoint: str, subject: str, asked: Sequence[Sketch], near: float, now_ns: int
    ) -> Ticket:
        """Remember the questions of one request and return what is seen of the subject with them.

        ``near`` 0 looks for no neighbours: where nobody has said how alike two honest rows are, most may be one sketch.
        """
        while True:
            memory = self._memory((tenant, endpoint, subject), now_ns)
            if memory is None:
                return Ticket(BLIND)
            with memory.lock:
                if not memory.gone:  # else it was forgotten between being found and being held
                    return self._observed(memory, asked, near, now_ns // self._slot_ns)

    def _observed(self, memory: _Memory, asked: Sequence[Sketch], near: float, slot: int) -> Ticket:
        made = [self._enter(memory, sketch, near) for sketch in asked]
        counted = (len(made), sum(bool(one.neighbours) for one in made), sum(s.unusual for s in asked))
        for place, count in enumerate(counted):
            memory.slots.setdefault(slot, [0, 0, 0, 0])[place] += count
        return Ticket(self._seen(memory, slot), memory, tuple(made), slot, counted)

    def withdraw(self, ticket: Ticket) -> None:
        """Forget a request that was not answered."""
        memory = ticket.memory
        if memory is None:
            return
        with memory.lock:
            for place, count in enumerate(ticket.counted):
                if ticket.slot in memory.slots:
                    memory.slots[ticket.slot][place] -= count
            _close(memory, ticket)
            empty = not memory.open and not memory.entries and not any(map(any, memory.slots.values()))
        if empty:
            self._forget(memory)

    def _forget(self, memory: _Memory) -> None:
        """Forget a subject of whom nothing is known any more: who is only ever refused takes up no room."""
        tenant, *rest = memory.whose
        with self._lock, memory.lock:
            if not memory.open and not memory.entries and not any(map(any, memory.slots.values())):
                memory.gone = True
                self._tenants[tenant].pop((rest[0], rest[1]), None)

    def answered(self, ticket: Ticket, outcomes: Sequence[str]) -> None:
        """Remember how a request was answered: a short text for each question."""
        memory = ticket.memory
        if memory is None:
            return
        with memory.lock:
            for entry, outcome in zip(ticket.entries, outcomes, strict=True):
                entry.outcome = outcome
            for entry in ticket.entries:
                if any(_differ(entry, other) for other in entry.neighbours):
                    memory.slots.setdefault(ticket.slot, [0, 0, 0, 0])[3] += 1
                entry.neighbours = ()
            _close(memory, ticket)
            memory.entries.extend(ticket.entries)

    def _memory(self, whose: tuple[str, str, str], now_ns: int) -> _Memory | None:
        tenant, name = whose[0], whose[1:]
        with self._lock:
            known = self._tenants.setdefault(tenant, OrderedDict())
            found = known.get(name)
            if found is None:
                if len(known) >= self._limits.subjects and not self._makes_room(known, now_ns):
                    return None
                found = known[name] = _Memory(whose, self._limits.remembered)
            known.move_to_end(name)
            found.newest_ns = max(found.newest_ns, now_ns)
            return found

    def _makes_room(self, known: "OrderedDict[tuple[str, str], _Memory]", now_ns: int) -> bool:
        """Forget the one that was quiet longest, if all that counts of it has gone by."""
        name, oldest = next(iter(known.items()))
        with oldest.lock:
            oldest.gone = oldest.newest_ns + self._window_ns + self._slot_ns < now_ns
        if oldest.gone:
            del known[name]
        return oldest.gone

    def _enter(self, memory: _Memory, sketch: Sketch, near: float) -> _Entry:
        entry = _Entry(sketch)
        bound = near * TOP * max(1, len(sketch.cells) + len(sketch.apart))
        known = (*memory.entries, *memory.open)
        if near > 0 and all(other.sketch.exact != sketch.exact for other in known):
            entry.neighbours = tuple(other for other in known if _is_near(entry, other, bound))
        memory.open.append(entry)
        return entry

    def _seen(self, memory: _Memory, slot: int) -> Seen:
        for old in [number for number in memory.slots if number < slot - SLOTS]:
            del memory.slots[old]
        queries, near, unusual, straddling = (sum(column) for column in zip(*memory.slots.values(), strict=True))
        return Seen(queries=queries, near=near, straddling=straddling, unusual=unusual)


def _close(memory: _Memory, ticket: Ticket) -> None:
    """Take a request's questions from those that wait for their answer: only answered ones push out older ones."""
    closed = {id(entry) for entry in ticket.entries}
    memory.open = [entry for entry in memory.open if id(entry) not in closed]


def _is_near(one: _Entry, other: _Entry, bound: float) -> bool:
    # The sums differ at most as much as the columns do: most are told apart by one subtraction.
    if abs(one.weight - other.weight) > bound or len(one.sketch.cells) != len(other.sketch.cells):
        return False
    mine, theirs = one.sketch, other.sketch
    distance = sum(map(abs, map(sub, mine.cells, theirs.cells)))
    distance += TOP * sum(a != b for a, b in zip(mine.apart, theirs.apart, strict=False))
    return bool(distance <= bound)


def _differ(one: _Entry, other: _Entry) -> bool:
    return one.outcome is not None and other.outcome is not None and one.outcome != other.outcome
