"""The condition of a Sigma rule: a little grammar, read by descent into a tree.

    or    := and ("or" and)*          and   := not ("and" not)*          not := "not" not | "(" or ")" | quantity | NAME
    quantity := ("1" | "all") "of" (NAME with "*" | "them")

``them`` are all detections whose name does not begin with an underscore. Anything else (counts by ``|``, ``near``,
other numbers) is not supported and said to be so.

>>> parse("selection and not 1 of filter_*", {"selection", "filter_a", "filter_b"})
('and', ('name', 'selection'), ('not', ('or', ('name', 'filter_a'), ('name', 'filter_b'))))
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, Final

MAX_TOKENS: Final = 256
MAX_DEPTH: Final = 16
_TOKEN: Final = re.compile(r"\s*([()]|[A-Za-z0-9_*-]+)")
_WORDS: Final = frozenset({"and", "not", "of", "or"})
Tree = tuple[Any, ...]


class ConditionFaultError(Exception):
    """A condition cannot be read; ``supported`` is false when it may be Sigma, but not ours."""

    def __init__(self, why: str, *, supported: bool = True) -> None:
        """Keep why."""
        super().__init__(why)
        self.why = why
        self.supported = supported


def parse(text: str, names: Iterable[str]) -> Tree:
    """Return the tree of a condition over the detections called ``names``.

    Raises:
        ConditionFaultError: it cannot be read.
    """
    reader = _Reader(_tokens(text), sorted(names))
    tree = reader.either(0)
    if reader.peek():
        raise ConditionFaultError(f"`{reader.peek()}` is not expected in the condition")
    return tree


def _tokens(text: str) -> list[str]:
    found, place, text = list[str](), 0, text.rstrip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise ConditionFaultError(f"`{text[place:].strip()[:20]}` in a condition", supported=False)
        found.append(token[1])
        place = token.end()
        if len(found) > MAX_TOKENS:
            raise ConditionFaultError(f"a condition has at most {MAX_TOKENS} words")
    return found


class _Reader:
    def __init__(self, tokens: list[str], names: list[str]) -> None:
        self._tokens = tokens
        self._names = names
        self._place = 0

    def peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise ConditionFaultError("the condition ends too early")
        self._place += 1
        return token

    def either(self, depth: int) -> Tree:
        return self._joined("or", depth)

    def _joined(self, word: str, depth: int) -> Tree:
        below = self._negated if word == "and" else self._both
        parts = [below(depth)]
        while self.peek().lower() == word:
            self.take()
            parts.append(below(depth))
        return parts[0] if len(parts) == 1 else (word, *parts)

    def _both(self, depth: int) -> Tree:
        return self._joined("and", depth)

    def _negated(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise ConditionFaultError("the condition is nested too deep")
        token = self.take()
        if token.lower() == "not":
            return ("not", self._negated(depth + 1))
        if token == "(":  # noqa: S105 - a bracket
            inner = self.either(depth + 1)
            if self.take() != ")":
                raise ConditionFaultError("a bracket is not closed")
            return inner
        if self.peek().lower() == "of":
            return self._quantity(token.lower())
        if token not in self._names or token.lower() in _WORDS:
            raise ConditionFaultError(f"the detection `{token[:64]}` is not there")
        return ("name", token)

    def _quantity(self, how: str) -> Tree:
        self.take()
        pattern = self.take()
        if how not in {"1", "all"}:
            raise ConditionFaultError(f"`{how[:20]} of`", supported=False)
        if pattern == "them":
            found = [name for name in self._names if not name.startswith("_")]
        else:
            found = [name for name in self._names if fnmatchcase(name, pattern)]
        if not found:
            raise ConditionFaultError(f"no detection is called `{pattern[:64]}`")
        return ("or" if how == "1" else "and", *(("name", name) for name in found))
