r"""A mapping's YAML as plain values that remember their lines, with limits.

Rules:
- No anchors, aliases or tags, no key twice, one document; only ``true``, ``false`` and ``null`` are words with a
  meaning (YAML 1.2), and a key is the text that is written.
- At most 256 KiB, 16 levels, 20,000 values, 1,024 characters in one value.
- No control characters, nor what reorders text, written out or escaped; a tab may stand in a value.

>>> parse(b"a:\n  - {2: success}").child("a").value[0].lines
{'2': 2}
"""

import re
from collections.abc import Collection, Iterator
from typing import Any, Final

import msgspec
import yaml

from ostiary.errors import FaultyInputError
from ostiary.signals.anylog.faults import at, hint
from ostiary.signals.texts import neutral, shown

MAX_BYTES: Final = 256 << 10
MAX_DEPTH: Final = 16
MAX_NODES: Final = 20_000
MAX_TEXT: Final = 1_024
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT: Final = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}(?:\.[0-9]{0,18})?)(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}

Plain = str | int | float | bool | None


class Node(msgspec.Struct):
    """A value and the line on which it begins.

    Attributes:
        value: a plain value, a list of nodes, or nodes by key.
        lines: where each key stands.
    """

    line: int
    value: Any
    lines: dict[str, int] = {}

    def child(self, key: str) -> "Node":
        """Return the node under ``key``."""
        found: Node = self.value[key]
        return found


def parse(data: bytes) -> Node:
    """Return the document's root.

    Raises:
        FaultyInputError: ``mapping_too_large``, ``mapping_too_deep``, ``mapping_malformed``, ``mapping_characters``,
            ``mapping_alias``, ``mapping_tag``, ``mapping_duplicate``; the line is its pointer.
    """
    if len(data) > MAX_BYTES:
        raise at(1, "mapping_too_large", f"a mapping has at most {MAX_BYTES >> 10} KiB")
    text = _text(data)
    events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
    try:
        return _Builder(events).document()
    except yaml.YAMLError as fault:
        raise _no_yaml(fault) from fault


def _no_yaml(fault: Any) -> FaultyInputError:
    mark, problem = getattr(fault, "problem_mark", None), getattr(fault, "problem", None)
    line = mark.line + 1 if mark is not None else 1
    return at(line, "mapping_malformed", shown(str(problem or "the file is no YAML")))


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise at(data.count(b"\n", 0, fault.start) + 1, "mapping_malformed", "a mapping is UTF-8 text") from fault
    for number, line in enumerate(text.split("\n"), 1):
        _check_characters(line.removesuffix("\r"), number)
    return text


def _check_characters(text: str, line: int) -> None:
    bare = text.replace("\t", " ")
    if neutral(bare) != bare:
        raise at(line, "mapping_characters", "control characters and marks that reorder text are not allowed")


class _Builder:
    """Builds nodes from the parser's events, and counts."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._count = 0

    def document(self) -> Node:
        root = None
        for event in self._events:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
                continue
            if not isinstance(event, yaml.DocumentStartEvent):
                raise at(line, "mapping_malformed", "the file is no YAML document")
            if root is not None:
                raise at(line, "mapping_malformed", "a mapping is one document")
            root = self._node(next(self._events), 1)
        if root is None:
            raise at(1, "mapping_malformed", "the file is empty")
        return root

    def _node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        self._count += 1
        _check_event(event, line)
        if depth > MAX_DEPTH or self._count > MAX_NODES:
            raise at(line, "mapping_too_deep", f"more than {MAX_DEPTH} levels or {MAX_NODES:,} values")
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(item, depth + 1))
            return Node(line, items)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(line, depth)
        return Node(line, _plain(event, line))

    def _mapping(self, line: int, depth: int) -> Node:
        values: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            here = event.start_mark.line + 1
            _check_event(event, here)
            if not isinstance(event, yaml.ScalarEvent):
                raise at(here, "mapping_malformed", "a key is a text")
            _plain(event, here)
            if event.value in values:
                raise at(here, "mapping_duplicate", f"the key `{shown(event.value)}` stands twice")
            lines[event.value] = here
            values[event.value] = self._node(next(self._events), depth + 1)
        return Node(line, values, lines)


def _check_event(event: Any, line: int) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise at(line, "mapping_alias", "anchors and aliases are not allowed")
    if getattr(event, "tag", None):
        raise at(line, "mapping_tag", "tags are not allowed")


def _plain(event: Any, line: int) -> Plain:
    text: str = event.value
    if len(text) > MAX_TEXT:
        raise at(line, "mapping_too_large", f"a value has at most {MAX_TEXT:,} characters")
    _check_characters(text.replace("\n", " "), line)
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def entries(node: Node, allowed: Collection[str], what: str, code: str = "mapping_key") -> Node:
    """Return ``node`` when it has keys, and only allowed ones.

    Raises:
        FaultyInputError: ``mapping_value``, or ``code`` with a guess at what was meant.
    """
    if not isinstance(node.value, dict):
        raise at(node.line, "mapping_value", f"{what} is made of keys and values")
    for key in node.value:
        if key not in allowed:
            raise at(node.lines[key], code, f"`{shown(key)}` is no key of {what}{hint(key, allowed)}")
    return node
