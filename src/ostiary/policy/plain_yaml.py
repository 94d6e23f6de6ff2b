r"""YAML as plain data: the JSON types and nothing else, so that no value changes its meaning on the way.

- Only ``true``, ``false`` and ``null`` (or ``~``) are words with a meaning (YAML 1.2 core): ``NO`` stays a text.
- No anchors or aliases (a short text could unfold into gigabytes), no tags, no duplicate keys, keys are texts.
- Depth and number of nodes are bounded.

>>> parse_yaml("country: NO\nopen: yes\nlimit: 5")
{'country': 'NO', 'open': 'yes', 'limit': 5}
"""

import re
from typing import Any, Final

import yaml
from typing_extensions import override

from ostiary.errors import FaultyInputError

MAX_DEPTH: Final = 32
MAX_NODES: Final = 500_000
_BASE: Final = yaml.SafeLoader
_WORDS: Final = (
    ("bool", r"true|false", "tf"),
    ("null", r"~|null|", "~n"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
)


class _PlainLoader(yaml.SafeLoader):
    """Reads the JSON subset of values from YAML's syntax."""

    depth = 0
    nodes = 0

    @override
    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _fault("yaml_alias", "aliases are not allowed", event)
        if getattr(event, "anchor", None):
            raise _fault("yaml_alias", "anchors are not allowed", event)
        if getattr(event, "tag", None):
            raise _fault("yaml_tag", "tags are not allowed", event)
        self.nodes += 1
        self.depth += 1
        if self.depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise _fault("yaml_too_deep", f"more than {MAX_DEPTH} levels or {MAX_NODES} values", event)
        node = _BASE.compose_node(self, parent, index)
        self.depth -= 1
        return node

    def construct_plain_mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise _fault("yaml_key", f"the key `{key}` is no text: put it in quotes", key_node)
            if key in result:
                raise _fault("yaml_duplicate_key", f"the key `{key[:80]}` stands twice", key_node)
            result[key] = self.construct_object(value_node, deep=True)
        return result


def _scalar(loader: Any, node: Any) -> str:
    return str(loader.construct_scalar(node))


_PlainLoader.yaml_implicit_resolvers = {}  # forget YAML 1.1's words: yes, NO, on, dates, 0o17
for _tag, _pattern, _first in _WORDS:
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"\Z"), [""])
_PlainLoader.add_constructor("tag:yaml.org,2002:map", _PlainLoader.construct_plain_mapping)
_PlainLoader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(_scalar(loader, node)))
_PlainLoader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(_scalar(loader, node)))


def parse_yaml(text: str) -> Any:
    """Return the plain value of one YAML document.

    Raises:
        FaultyInputError: ``yaml_…`` with the line in ``pointer``.
    """
    try:
        return yaml.load(text, _PlainLoader)  # noqa: S506 - a SafeLoader with fewer types still
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 0
        raise FaultyInputError("yaml_malformed", f"malformed YAML at line {line}", str(line)) from fault
    except (RecursionError, ValueError) as fault:
        raise FaultyInputError("yaml_malformed", "malformed YAML") from fault


def _fault(code: str, text: str, place: Any) -> FaultyInputError:
    line = str(place.start_mark.line + 1)
    return FaultyInputError(code, f"YAML line {line}: {text}", line)
