"""Many patterns as one automaton that says, character by character, whether a match can still be under way.

- It is a superset of its patterns: it may say "possible" where nothing comes of it, never "impossible" wrongly. Anchors
  are read over, and a long count of a class without white space becomes "any number" (it costs a state else). A pattern
  with an *edge* begins only where no letter, digit or ``_`` of ASCII stands before it.
- ``step`` says whether the threads that were alive before a character died with it: there, no match crosses, the text
  falls into two parts that can be judged apart. Where that is depends on the text alone, never on how it was cut.
- States are made when they are first needed, and kept; a text that makes too many empties the store. Each character
  costs one look-up, or at worst one pass over the live positions: linear time.

>>> machine = Automaton([("ab+", False), ("xy", False)])
>>> node = machine.start
>>> for letter in "aab":
...     node, fate, hits = machine.step(node, letter)
>>> hits, fate == LIVES
((0,), True)
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Final

from ostiary.inspection.response.grammar import OTHER, SPACE, SYMBOLS, Alt, Cat, Rep, Sym, Tree, parse

MAX_NODES: Final = 8_000
_KEPT: Final = 16  # so many of a long count are told apart
_WORDY: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Node:
    """One state: what follows it, and the steps known so far."""

    __slots__ = ("entry", "follow", "steps")

    def __init__(self, follow: int, entry: int) -> None:
        """Start without known steps; ``entry`` are the positions where a new thread may begin."""
        self.follow = follow
        self.entry = entry
        self.steps: dict[str, Step] = {}


LIVES, PARTS, DIES = 0, 1, 2  # old threads go on; they died here and others begin; nothing is under way any more
Step = tuple[Node, int, tuple[int, ...]]  # the next state, one of these three, which patterns may end here


class Automaton:
    """An automaton of positions (Glushkov 1961), made deterministic on the way. Safe for several threads."""

    def __init__(self, patterns: Sequence[tuple[str, bool]]) -> None:
        """Read all patterns, each with whether it needs an edge; ``hits`` are indices into them.

        Raises:
            ValueError: a pattern uses something that the grammar does not know.
        """
        self._follow: list[int] = []
        self._masks: list[int] = [0] * SYMBOLS
        self._inner = self._first = 0  # where threads may begin: inside of words, and at their edges
        self._ends: dict[int, int] = {}
        for index, (pattern, edge) in enumerate(patterns):
            _, first, last = self._build(parse(pattern))
            self._first |= first
            self._inner |= 0 if edge else first
            self._ends.update(dict.fromkeys(_bits(last), index))
        self._ending = sum(1 << position for position in self._ends)
        self._nodes: dict[tuple[int, bool], Node] = {}
        self.start = self._node(0, wordy=False)

    def step(self, node: Node, character: str) -> Step:
        """Return what ``character`` makes of ``node``."""
        known = node.steps.get(character)
        if known is not None:
            return known
        symbol = min(ord(character), OTHER)
        if symbol == OTHER:
            return node.steps.get("\x80") or self._made(node, "\x80", symbol)
        return self._made(node, character, symbol)

    def _made(self, node: Node, character: str, symbol: int) -> Step:
        mask = self._masks[symbol]
        live = (node.follow | node.entry) & mask
        fate = LIVES if node.follow & mask else PARTS if live else DIES
        hits = tuple(sorted({self._ends[position] for position in _bits(live & self._ending)}))
        made = node.steps[character] = (self._node(live, wordy=character in _WORDY), fate, hits)
        return made

    def _node(self, live: int, *, wordy: bool) -> Node:
        known = self._nodes.get((live, wordy))
        if known is not None:
            return known
        if len(self._nodes) >= MAX_NODES:
            self._forget()
        follow = 0
        for position in _bits(live):
            follow |= self._follow[position]
        entry = self._inner if wordy else self._first
        return self._nodes.setdefault((live, wordy), Node(follow, entry))

    def _forget(self) -> None:
        """Empty the store: what still stands in a state keeps that state, and finds its way anew."""
        nodes, self._nodes = self._nodes, {(0, False): self.start}
        for node in nodes.values():
            node.steps = {}

    def _build(self, tree: Tree) -> tuple[bool, int, int]:
        """Return whether ``tree`` may be empty, and its first and last positions."""
        if isinstance(tree, Sym):
            return self._position(tree.mask)
        if isinstance(tree, Rep):
            return self._repetition(tree)
        if isinstance(tree, Alt):
            built = [self._build(part) for part in tree.parts]
            return any(b[0] for b in built), _union(b[1] for b in built), _union(b[2] for b in built)
        return self._row(tree)

    def _position(self, mask: int) -> tuple[bool, int, int]:
        bit = 1 << len(self._follow)
        self._follow.append(0)
        for symbol in _bits(mask):
            self._masks[symbol] |= bit
        return False, bit, bit

    def _row(self, tree: Cat) -> tuple[bool, int, int]:
        empty, first, last = True, 0, 0
        for part in tree.parts:
            part_empty, part_first, part_last = self._build(part)
            self._link(last, part_first)
            first |= part_first if empty else 0
            last = part_last | (last if part_empty else 0)
            empty = empty and part_empty
        return empty, first, last

    def _repetition(self, tree: Rep) -> tuple[bool, int, int]:
        least, most = tree.least, tree.most
        if (most is None or most > _KEPT) and not _spaced(tree.part):
            least, most = min(least, _KEPT), None
        ended = most is None
        copies = max(least, 1) if most is None else most
        row = [self._build(tree.part) for _ in range(copies)]
        empty, first, last = least == 0, 0, 0
        reach = 0  # last positions from which the next copy may be entered
        for index, (part_empty, part_first, part_last) in enumerate(row):
            self._link(reach, part_first)
            if index == 0 or all(earlier[0] for earlier in row[:index]):
                first |= part_first
            reach = part_last | (reach if part_empty else 0)
            if index + 1 >= least:
                last |= reach
            empty = empty or (index + 1 >= least and all(part[0] for part in row[: index + 1]))
        if ended:
            self._link(row[-1][2], row[-1][1])
        return empty, first, last

    def _link(self, sources: int, targets: int) -> None:
        for position in _bits(sources):
            self._follow[position] |= targets


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)


def _spaced(tree: Tree) -> bool:
    """Return whether a class of ``tree`` holds white space: then a count is kept, for prose would live on it."""
    if isinstance(tree, Sym):
        return bool(tree.mask & SPACE)
    if isinstance(tree, Rep):
        return _spaced(tree.part)
    return any(_spaced(part) for part in tree.parts)
