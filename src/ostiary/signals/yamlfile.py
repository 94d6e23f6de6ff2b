"""Reads a small YAML or JSON file into a typed value, with limits, and says where a fault is.

Rules:
- No aliases (a few lines of them unfold to gigabytes), no key twice, at most 32 levels and five million nodes.
- Only plain values: tags that build objects are unknown to the safe loader.
- A type fault names the JSON pointer and, for YAML, the line.
"""

import re
from typing import Any, Final, TypeVar

import msgspec
import yaml

from ostiary.errors import FaultyInputError
from ostiary.vocabulary.unreadable import UNREADABLE

T = TypeVar("T")

MAX_DEPTH: Final = 32
MAX_NODES: Final = 5_000_000
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PART: Final = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def read(data: bytes, form: type[T], name: str, code: str) -> T:
    """Return ``data`` as ``form``; a name that ends in ``.json`` is read as JSON.

    Raises:
        FaultyInputError: with ``code``; ``pointer`` says where.
    """
    if name.endswith(".json"):
        return _read_json(data, form, name, code)
    node = _compose(data, name, code)
    if node is None:
        return msgspec.convert({}, form)
    loader = _LOADER("")
    try:
        return msgspec.convert(loader.construct_document(node), form)
    except msgspec.ValidationError as fault:
        text, pointer = _where(str(fault))
        line = _line(node, pointer)
        raise FaultyInputError(code, f"`{name}` line {line} at `{pointer or '/'}`: {text}", pointer) from fault
    except (yaml.YAMLError, ValueError, TypeError) as fault:
        raise FaultyInputError(code, f"`{name}` holds a value that cannot be read") from fault


def _read_json(data: bytes, form: type[T], name: str, code: str) -> T:
    try:
        return msgspec.json.decode(data, type=form)
    except msgspec.ValidationError as fault:
        text, pointer = _where(str(fault))
        raise FaultyInputError(code, f"`{name}` at `{pointer or '/'}`: {text}", pointer) from fault
    except UNREADABLE as fault:
        raise FaultyInputError(code, f"`{name}` is no JSON") from fault


def _compose(data: bytes, name: str, code: str) -> Any:
    try:
        text = data.decode("utf-8")
        _check_events(text, name, code)
        node = yaml.compose(text, Loader=_LOADER)
    except UnicodeDecodeError as fault:
        raise FaultyInputError(code, f"`{name}` is no UTF-8 text") from fault
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        raise FaultyInputError(code, f"`{name}`{line}: {getattr(fault, 'problem', None) or 'no YAML'}") from fault
    _check_keys(node, name, code)
    return node


def _check_events(text: str, name: str, code: str) -> None:
    depth = 0
    events: Any = yaml.parse(text, Loader=_LOADER)
    for nodes, event in enumerate(events):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise FaultyInputError(code, f"`{name}` line {line}: aliases are not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise FaultyInputError(code, f"`{name}` line {line}: too deep or too large")


def _check_keys(node: Any, name: str, code: str) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise FaultyInputError(code, f"`{name}` line {key.start_mark.line + 1}: `{key.value}` stands twice")
            seen.add(key.value) if isinstance(key.value, str) else None
            _check_keys(value, name, code)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _check_keys(value, name, code)


def _where(text: str) -> tuple[str, str]:
    """Split msgspec's message into its text, lower case, and a JSON pointer."""
    message, _, path = text.partition(" - at `$")
    parts = [word or number for word, number in _PART.findall(path.rstrip("`"))]
    return message[:1].lower() + message[1:], "".join(f"/{part}" for part in parts)


def _line(node: Any, pointer: str) -> int:
    for part in pointer.split("/")[1:]:
        following = _child(node, part)
        if following is None:
            break
        node = following
    return int(node.start_mark.line) + 1


def _child(node: Any, part: str) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return node.value[int(part)] if part.isdigit() and int(part) < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None
