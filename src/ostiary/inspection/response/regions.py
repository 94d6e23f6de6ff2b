"""The watch for everything that is written as a pattern: secrets, numbers, links, escapes of terminals.

- An automaton of all patterns cuts the text into regions, at places that no match crosses. A region is judged once,
  when it is over, by the patterns that may have ended in it; what is held back is the region that is still open, and
  in prose there is none for most of the time.
- Where regions end depends on the text alone, so a find does not depend on how the text was cut (INVARIANT of
  ``Watch``).
- A region that outgrows the limit is one find, ``stream.overflow``: what cannot be looked at does not leave.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from ostiary.inspection.response.automaton import DIES, Automaton
from ostiary.inspection.response.heard import Heard
from ostiary.inspection.response.spans import Span

BEFORE: Final = 96
OVERFLOW: Final = "stream.overflow"
_AUTOMATA: Final = 8


class Region(NamedTuple):
    """A part of the text that may be judged apart.

    Attributes:
        before: up to ``BEFORE`` characters that stand before it.
        text: the part itself.
        after: the character behind it; empty at the end of the text.
    """

    before: str
    text: str
    after: str


class Find(NamedTuple):
    """A find in a region's text."""

    start: int
    end: int
    rule: str


Judge = Callable[[Region], list[Find]]


class Pattern(NamedTuple):
    """One thing to look for: ``viable`` is a superset of it as an expression, ``judge`` takes the second look.

    ``edge``: it begins only where no letter, digit or ``_`` stands before it.
    """

    viable: str
    judge: Judge
    edge: bool = False


@lru_cache(maxsize=_AUTOMATA)
def _automaton(patterns: tuple[tuple[str, bool], ...]) -> Automaton:
    """Return the automaton of these patterns: a third of a second, so policies with the same ones share it."""
    return Automaton(patterns)


class Machine:
    """The patterns of one policy, ready; shared by all its streams."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        """Build the automaton.

        Raises:
            ValueError: a pattern cannot be read.
        """
        self.automaton = _automaton(tuple((pattern.viable, pattern.edge) for pattern in patterns))
        self._judges = [pattern.judge for pattern in patterns]

    def judge(self, region: Region, hits: set[int]) -> list[Find]:
        """Return what the patterns in ``hits`` find in ``region``."""
        judges = dict.fromkeys(self._judges[index] for index in sorted(hits))  # several patterns may share a judge
        return [find for judge in judges for find in judge(region)]


class RegionWatch:
    """Follows one stream through a machine."""

    def __init__(self, machine: Machine, heard: Heard, max_held: int, *, holds: bool = True) -> None:
        """Watch what ``heard`` hears; ``holds=False`` only tells, and keeps nothing from leaving."""
        self._machine = machine
        self._heard = heard
        self._max_held = max_held
        self._holds = holds
        self._node = machine.automaton.start
        self._open = 0
        self._hits: set[int] = set()
        self._seen = 0

    @property
    def hold(self) -> int:
        """Return where the open region begins."""
        return self._open if self._holds else self._seen

    def feed(self, start: int, seen: str) -> list[Span]:
        """Look at the next characters."""
        found: list[Span] = []
        node, step, hits, opened, most = (
            self._node,
            self._machine.automaton.step,
            self._hits,
            self._open,
            self._max_held,
        )
        for position, character in enumerate(seen, start):
            known = node.steps.get(character)
            node, fate, ended = known if known is not None else step(node, character)
            if fate:
                if hits:
                    found += self._judged(opened, position)
                opened = position + (fate == DIES)
            elif position - opened >= most:
                found += [Span(opened, position + 1, OVERFLOW)] if self._holds else []
                node, opened = self._machine.automaton.start, position + 1
                hits.clear()
            if ended:
                hits.update(ended)
        self._node, self._open, self._seen = node, opened, start + len(seen)
        return found

    def close(self) -> list[Span]:
        """Judge what is still open."""
        found = self._judged(self._open, self._seen) if self._hits else []
        self._open = self._seen
        return found

    def _judged(self, start: int, end: int) -> list[Span]:
        text = self._heard.text
        region = Region(text(max(start - BEFORE, 0), start), text(start, end), text(end, end + 1))
        found = [Span(start + f.start, start + f.end, f.rule) for f in self._machine.judge(region, self._hits)]
        self._hits.clear()
        return found
