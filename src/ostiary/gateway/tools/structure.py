"""What a tool answered, taken apart: fields, each in its record, and running text.

JSON is read as JSON; YAML (which Python's own way of printing mappings mostly is) as texts without any types; anything
else is lines, and so is what is very long or nested deeply. A field is a whole value. Only structured answers have
fields that mean something: in plain text anybody can write ``to: eve@e.example``, so a line of it is a
field for names and ids at most (``solid`` is false).

>>> parts = take_apart('[{"sender": "bob@corp.example", "subject": "Lunch"}, {"sender": "eve@e.example"}]')
>>> [(field.text, field.record) for field in parts.fields], parts.solid
([('bob@corp.example', 0), ('lunch', 0), ('eve@e.example', 1)], True)
"""

import json
import re
from typing import Any, Final

import msgspec
import yaml

from ostiary.gateway.tools.shapes import fold

MAX_FIELDS: Final = 20_000
MAX_YAML_CHARS: Final = 65_536
MAX_DEPTH: Final = 24
MAX_NESTING: Final = 64
_NOT_BRACKETS: Final = re.compile(r"[^\[\]{}]+")
_PREFIX: Final = re.compile(rf"^[ \t?-]{{{4 * MAX_NESTING},}}", re.MULTILINE)
_LOOKS_STRUCTURED: Final = re.compile(r"^\s*(?:[\[{]|- |[\w \"'.-]{1,64}:(?:\s|$))")
_ANCHOR: Final = re.compile(r"(?:^|[\s\[{,:-])&[\w-]")
_ALIAS: Final = re.compile(r"(?:^|[\s\[{,:-])\*[\w-]")
_LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class Field(msgspec.Struct, frozen=True):
    """A whole value, folded as `text`, as it came in `raw`, with the number of its record."""

    text: str
    raw: str
    record: int


class Parts(msgspec.Struct, frozen=True):
    """An answer taken apart; ``solid`` when its fields are the tool's own structure."""

    fields: tuple[Field, ...]
    solid: bool


def take_apart(text: str, *, structured: bool = True) -> Parts:
    """Return the parts of an answer; never fails, what cannot be read, or shall not be, is lines."""
    value = _json(text) if structured else None
    solid = isinstance(value, dict | list)
    if not solid and structured:
        value = _yaml(text)
        solid = isinstance(value, list) and any(isinstance(one, dict) for one in value) or isinstance(value, dict)  # noqa: RUF021
    walker = _Walker()
    walker.walk(value if solid or isinstance(value, list) else text.splitlines(), MAX_DEPTH)
    return Parts(tuple(walker.fields), solid)


def _json(text: str) -> Any:
    if text.lstrip()[:1] not in {"[", "{"}:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _yaml(text: str) -> Any:
    if (
        len(text) > MAX_YAML_CHARS
        or _deep(text)
        or not _LOOKS_STRUCTURED.match(text)
        or (_ANCHOR.search(text) and _ALIAS.search(text))
    ):
        return None  # no aliases: a short text could unfold into gigabytes
    try:
        return yaml.load(text, _LOADER)  # noqa: S506 - the base loader knows texts, lists and mappings only
    except (yaml.YAMLError, RecursionError, ValueError, TypeError):
        return None


def _deep(text: str) -> bool:
    """Tell whether a text could be nested deeply: libyaml composes by recursion in C, without any bound of its own."""
    depth = 0
    for mark in _NOT_BRACKETS.sub("", text):
        depth = depth + 1 if mark in "[{" else max(0, depth - 1)
        if depth > MAX_NESTING:
            return True
    return _PREFIX.search(text) is not None


class _Walker:
    def __init__(self) -> None:
        self.fields: list[Field] = []
        self._records = 0

    def walk(self, value: Any, depth: int, record: int = 0) -> None:
        if depth < 0 or len(self.fields) >= MAX_FIELDS:
            return
        if isinstance(value, dict):
            for name, one in value.items():
                if isinstance(one, dict) and not str(name).isidentifier():
                    self.walk(str(name), depth - 1, record)
                self.walk(one, depth - 1, record)
        elif isinstance(value, list | tuple):
            for one in value:
                mine = record
                if isinstance(one, dict):
                    mine, self._records = self._records, self._records + 1
                self.walk(one, depth - 1, mine)
        elif value is not None and not isinstance(value, bool):
            raw = str(value).strip()
            self.fields.append(Field(fold(raw), raw, record))
