"""A small grammar of regular expressions, read into a tree from which an automaton can be built.

- What it knows is what the tables use: literals, classes, groups, ``(?i)``, ``|`` and counted repetition. Anything
  else is an error when the table is read, never a pattern that silently matches something different.
- Anchors and lazy marks are read over: the tree tells what *may* match. Exactness is the second look's work
  (``secrets.py``).
- Symbols are the 128 characters of ASCII and one for all others.

>>> parse("a[0-9]{2,3}|b")
Alt(parts=(Cat(parts=(Sym(mask=...), Rep(part=Sym(mask=...), least=2, most=3))), Sym(mask=...)))
"""

from dataclasses import dataclass
from typing import Final

from typing_extensions import override

SYMBOLS: Final = 129
OTHER: Final = 128
_EVERY: Final = (1 << SYMBOLS) - 1
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}


@dataclass(frozen=True)
class Sym:
    """One symbol of a class, as a bit mask."""

    mask: int

    @override
    def __repr__(self) -> str:
        """Keep trees readable."""
        return "Sym(mask=...)"


@dataclass(frozen=True)
class Cat:
    """One after the other."""

    parts: "tuple[Tree, ...]"


@dataclass(frozen=True)
class Alt:
    """One of them."""

    parts: "tuple[Tree, ...]"


@dataclass(frozen=True)
class Rep:
    """``least`` to ``most`` times; ``None`` is without end."""

    part: "Tree"
    least: int
    most: int | None


Tree = Sym | Cat | Alt | Rep


def mask_of(characters: str) -> int:
    """Return the mask of a set of ASCII characters."""
    mask = 0
    for character in characters:
        mask |= 1 << min(ord(character), OTHER)
    return mask


_DIGIT: Final = mask_of("0123456789")
_WORD: Final = mask_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
SPACE: Final = mask_of(" \t\n\r\f\v")
_CLASSES: Final = {
    "d": _DIGIT,
    "w": _WORD,
    "s": SPACE,
    "D": _EVERY & ~_DIGIT,
    "W": _EVERY & ~_WORD,
    "S": _EVERY & ~SPACE,
}


def _folded(mask: int) -> int:
    for lower in range(ord("a"), ord("z") + 1):
        both = (1 << lower) | (1 << (lower - 32))
        if mask & both:
            mask |= both
    return mask


def parse(pattern: str) -> Tree:
    """Return the tree of ``pattern``.

    Raises:
        ValueError: it uses something that the grammar does not know.
    """
    reader = _Reader(pattern)
    tree = reader.alternatives(folds=False)
    if reader.at < len(pattern):
        raise ValueError(f"unbalanced at {reader.at} in `{pattern}`")
    return tree


class _Reader:
    """Recursive descent over one pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def _peek(self, word: str) -> bool:
        return self._pattern.startswith(word, self.at)

    def _take(self) -> str:
        if self.at >= len(self._pattern):
            raise ValueError(f"`{self._pattern}` ends too early")
        self.at += 1
        return self._pattern[self.at - 1]

    def alternatives(self, *, folds: bool) -> Tree:
        """Read ``a|b|c`` up to the end or a closing bracket."""
        parts: list[Tree] = []
        row: list[Tree] = []
        while self.at < len(self._pattern) and not self._peek(")"):
            if self._peek("(?i)"):
                self.at += 4
                folds = True
            elif self._peek("|"):
                self.at += 1
                parts.append(_cat(row))
                row = []
            else:
                row.append(self._repeated(folds=folds))
        parts.append(_cat(row))
        return parts[0] if len(parts) == 1 else Alt(tuple(parts))

    def _repeated(self, *, folds: bool) -> Tree:
        part = self._atom(folds=folds)
        while self.at < len(self._pattern) and self._pattern[self.at] in "*+?{":
            least, most = self._count()
            if self._peek("?"):
                self.at += 1  # lazy or greedy: the same may match
            part = Rep(part, least, most)
        return part

    def _count(self) -> tuple[int, int | None]:
        mark = self._take()
        if mark != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[mark]
        end = self._pattern.index("}", self.at)
        least, comma, most = self._pattern[self.at : end].partition(",")
        self.at = end + 1
        if not comma:
            return int(least), int(least)
        return int(least or 0), (int(most) if most else None)

    def _atom(self, *, folds: bool) -> Tree:
        mark = self._take()
        if mark == "(":
            return self._group(folds=folds)
        if mark in "^$":
            return Cat(())
        if mark == "\\" and self._pattern[self.at : self.at + 1] in {"b", "B", "z", "A"}:
            self.at += 1
            return Cat(())
        mask = self._mask(mark)
        return Sym(_folded(mask) if folds else mask)

    def _group(self, *, folds: bool) -> Tree:
        for word, inner in (("?:", folds), ("?i:", True), ("?-i:", False)):
            if self._peek(word):
                self.at += len(word)
                folds = inner
                break
        else:
            if self._peek("?") and not self._peek("?i)"):
                raise ValueError(f"unknown group at {self.at} in `{self._pattern}`")
        tree = self.alternatives(folds=folds)
        if self._take() != ")":
            raise ValueError(f"unbalanced at {self.at} in `{self._pattern}`")
        return tree

    def _mask(self, mark: str) -> int:
        if mark == ".":
            return _EVERY & ~mask_of("\n")
        if mark == "[":
            return self._class()
        if mark == "\\":
            return self._escape()
        return mask_of(mark)

    def _escape(self) -> int:
        mark = self._take()
        if mark in _CLASSES:
            return _CLASSES[mark]
        if mark == "x":
            self.at += 2
            return mask_of(chr(int(self._pattern[self.at - 2 : self.at], 16)))
        if mark.isalnum() and mark not in _LETTERS:
            raise ValueError(f"unknown escape `{mark}` in `{self._pattern}`")
        return mask_of(_LETTERS.get(mark, mark))

    def _class(self) -> int:
        negated = self._peek("^")
        self.at += negated
        mask = 0
        while not self._peek("]"):
            first = self._member()
            if self._peek("-") and not self._pattern.startswith("-]", self.at):
                self.at += 1
                last = self._member()
                mask |= (last << 1) - first  # every bit from the first to the last
            else:
                mask |= first
        self.at += 1
        return _EVERY & ~mask if negated else mask

    def _member(self) -> int:
        mark = self._take()
        return self._escape() if mark == "\\" else mask_of(mark)


def _cat(row: list[Tree]) -> Tree:
    return row[0] if len(row) == 1 else Cat(tuple(row))
