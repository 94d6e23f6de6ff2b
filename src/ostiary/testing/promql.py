"""A small reader of PromQL for tests, where no promtool is: balance, functions, metrics and their labels.

It refuses what it does not know, so an expression that passes uses only what is listed here.
"""

import re
from dataclasses import dataclass, field

FUNCTIONS = frozenset(
    {"rate", "increase", "deriv", "resets", "predict_linear", "histogram_quantile", "label_values", "absent"}
)
AGGREGATIONS = frozenset({"sum", "max", "min", "avg", "count"})
WORDS = frozenset({"by", "without", "and", "or", "unless", "bool"})
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>\d+(?:\.\d+)?(?![\w.]))|(?P<range>\[(?:\d+[smhdw]|\$__rate_interval)\])
    |(?P<name>[a-zA-Z_:][\w:]*)|(?P<op>==|!=|=~|!~|<=|>=|[-+*/%^<>=(){},]))""",
    re.VERBOSE,
)
_OPEN = {")": "(", "}": "{"}


@dataclass
class Read:
    """What an expression uses: labels by metric, and labels that are grouped by."""

    metrics: dict[str, set[str]] = field(default_factory=dict)
    grouped: set[str] = field(default_factory=set)


def tokens(expr: str) -> list[tuple[str, str]]:
    """Split an expression; raises ``ValueError`` for what is no token."""
    found, at = [], 0
    while expr[at:].strip():
        match = _TOKEN.match(expr, at)
        if match is None or match.lastgroup is None:
            msg = f"not PromQL at {expr[at : at + 20]!r}"
            raise ValueError(msg)
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def read(expr: str) -> Read:
    """Return what an expression uses; raises ``ValueError`` when it is not balanced or uses what is not known."""
    return _Reader(expr).told


class _Reader:
    """Goes through an expression token by token, knowing in which brackets it stands."""

    def __init__(self, expr: str) -> None:
        self.told, self._stack, self._metric = Read(), list[str](), ""
        self._parts = tokens(expr)
        for index, (kind, text) in enumerate(self._parts):
            if kind == "op":
                self._bracket(text, self._text(index - 1))
            elif kind == "name":
                self._name(text, self._text(index + 1))
            elif kind == "range":
                self._range(index)
        if self._stack:
            raise ValueError(f"not balanced: {expr}")

    def _text(self, index: int) -> str:
        return self._parts[index][1] if 0 <= index < len(self._parts) else ""

    def _bracket(self, text: str, before: str) -> None:
        if text in {"(", "{"}:
            self._stack.append("by" if before in {"by", "without"} else text)
        elif text in _OPEN:
            opened = self._stack.pop() if self._stack else ""
            if opened != _OPEN[text] and (opened, text) != ("by", ")"):
                raise ValueError(f"not balanced at {text}")

    def _name(self, text: str, after: str) -> None:
        inside = self._stack[-1] if self._stack else ""
        if inside == "by":
            self.told.grouped.add(text)
        elif inside == "{":
            if after not in {"=", "!=", "=~", "!~"}:
                raise ValueError(f"no matcher after {text}")
            self.told.metrics[self._metric].add(text)
        elif text in FUNCTIONS or (after == "(" and text not in AGGREGATIONS | WORDS):
            if text not in FUNCTIONS or after != "(":
                raise ValueError(f"{text} is no function, or not called")
        elif text not in AGGREGATIONS | WORDS:
            self._metric = text
            self.told.metrics.setdefault(text, set())

    def _range(self, index: int) -> None:
        """A range stands behind a selector."""
        kind, text = self._parts[index - 1] if index else ("", "")
        if (kind != "name" and text != "}") or text in FUNCTIONS | AGGREGATIONS:
            raise ValueError("a range stands behind a selector")
