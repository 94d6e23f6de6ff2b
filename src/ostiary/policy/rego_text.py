r"""Rego source as text: how deeply it nests, and in which line a reference stands. No judgement rests on this alone.

OPA's own parser judges meaning (`lint`), but its syntax tree tells no lines, and it must not be shown a source that is
nested without bounds. So this scanner knows just strings, raw strings, template strings, comments and brackets.

>>> nesting('p := [["(((", `[[[`]] # {{{')
2
>>> chains('p if\ninput["risk"].score')
[Chain(line=1, parts=('p',)), Chain(line=1, parts=('if',)), Chain(line=2, parts=('input', 'risk', 'score'))]
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_OPEN: Final = "([{"
_CLOSE: Final = ")]}"
_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\r]+|\#[^\n]*)|(?P<line>\n)|(?P<template>\$["`])|(?P<text>"(?:[^"\\\n]|\\.)*"?)"""
    r"""|(?P<raw>`[^`]*`?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_TEMPLATE: Final = {
    '"': re.compile(r'(?:[^"\\{\n]|\\.)*', re.DOTALL),
    "`": re.compile(r"(?:[^`\\{]|\\.)*", re.DOTALL),
}


class Token(NamedTuple):
    """One piece of source; ``depth`` counts the brackets open before it."""

    kind: str
    text: str
    line: int
    depth: int


class Chain(NamedTuple):
    """A name and the constant steps behind it: ``data.a["b"][x]`` is ``data, a, b``."""

    line: int
    parts: tuple[str, ...]


def tokens(source: str) -> Iterator[Token]:
    """Yield names, texts and signs; spaces and comments are left out. Total: any text is scanned to its end."""
    place, line = 0, 1
    brackets: list[str] = []  # open brackets; a template's brace is kept as its quote sign
    while place < len(source):
        match = _TOKEN.match(source, place)
        if match is None:  # cannot be: `other` takes any character
            return
        kind, text = match.lastgroup or "other", match.group()
        place = match.end()
        if kind == "template":
            place = _skip_template(source, place, text[1], brackets)
        elif kind == "other" and text in _OPEN:
            brackets.append(text)
        elif kind == "other" and text in _CLOSE and brackets:
            quote = brackets.pop()
            if quote in _TEMPLATE:
                place = _skip_template(source, place, quote, brackets)
        if kind not in {"space", "line"}:
            yield Token(kind, text, line, len(brackets))
        line += source.count("\n", match.start(), place)


def _skip_template(source: str, place: int, quote: str, brackets: list[str]) -> int:
    """Go on to the template's end, or into its next ``{expression}``, which is code again."""
    match = _TEMPLATE[quote].match(source, place)
    place = match.end() if match else place
    if source[place : place + 1] == "{":
        brackets.append(quote)
    return place + 1


def nesting(source: str) -> int:
    """Return how many brackets are open at once at most."""
    return max((token.depth for token in tokens(source)), default=0)


def raw_nesting(source: str) -> int:
    """Return the same, blind to strings and comments: it cannot be fooled into seeing too little."""
    depth = deepest = 0
    for sign in re.findall(r"[()\[\]{}]", source):
        depth = depth + 1 if sign in _OPEN else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


def chains(source: str) -> list[Chain]:
    """Return every name with the constant steps that follow it."""
    found: list[Chain] = []
    scanned = list(tokens(source))
    place = 0
    while place < len(scanned):
        token = scanned[place]
        place += 1
        if token.kind == "name":
            parts = [token.text]
            place = _steps(scanned, place, parts)
            found.append(Chain(token.line, tuple(parts)))
    return found


def _steps(scanned: list[Token], place: int, parts: list[str]) -> int:
    while True:
        following = [token.text for token in scanned[place : place + 3]]
        if following[:1] == ["."] and len(following) > 1 and scanned[place + 1].kind == "name":
            parts.append(following[1])
            place += 2
        elif following[:1] == ["["] and following[2:] == ["]"] and scanned[place + 1].kind in {"text", "raw"}:
            parts.append(following[1][1:-1])
            place += 3
        else:
            return place
