r"""A small YAML document whose every value knows its line; what a Sigma rule is read from.

At most 64 KiB, 16 levels and 5000 values, no aliases, no tags, no key twice, integers of 64 bits. Faults name file and
line.

>>> read_document("r.yml", b"a:\n  b: [1, x]\n").get("a").get("b").items()[1].value
'x'
"""

from typing import Any, Final

import msgspec
import yaml

from ostiary.errors import FaultyInputError

MAX_BYTES: Final = 65_536
MAX_DEPTH: Final = 16
MAX_VALUES: Final = 5_000
INVALID: Final = "sigma_invalid"
UNSUPPORTED: Final = "sigma_unsupported"
MOST: Final = 2**63
"""An integer is less than that: no log holds greater ones, and Python writes none of more than 4,300 digits."""
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN: Final = frozenset({"bool", "float", "int", "null", "str", "timestamp"})
_TAG: Final = "tag:yaml.org,2002:"
Scalar = str | int | float | bool | None


class Node(msgspec.Struct, frozen=True):
    """One value: a mapping, a list or a scalar."""

    file: str
    line: int
    value: dict[str, "Node"] | list["Node"] | Scalar

    def get(self, name: str) -> "Node":
        """Return a member of a mapping.

        Raises:
            FaultyInputError: ``sigma_invalid``.
        """
        found = self.members().get(name)
        if found is None:
            raise self.wrong(f"`{name}` is missing")
        return found

    def members(self) -> dict[str, "Node"]:
        """Return the members of a mapping."""
        if not isinstance(self.value, dict):
            raise self.wrong("a mapping is wanted here")
        return self.value

    def items(self) -> list["Node"]:
        """Return the items of a list; a scalar is a list of one."""
        if isinstance(self.value, dict):
            raise self.wrong("a list or a value is wanted here")
        return self.value if isinstance(self.value, list) else [self]

    def text(self) -> str:
        """Return a text that is not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.wrong("a text is wanted here")
        return self.value

    def wrong(self, why: str, code: str = INVALID) -> FaultyInputError:
        """Return the fault that something is wrong here."""
        return FaultyInputError(code, f"{self.file}:{self.line}: {why}", str(self.line))

    def unknown(self, what: str) -> FaultyInputError:
        """Return the fault that something here is Sigma, perhaps, but not known to us."""
        return self.wrong(f"{what} is not supported", UNSUPPORTED)


def read_document(name: str, data: bytes) -> Node:
    """Return the one document of a file.

    Raises:
        FaultyInputError: ``sigma_invalid``.
    """
    if len(data) > MAX_BYTES:
        raise FaultyInputError(INVALID, f"{name}:1: a rule has at most {MAX_BYTES >> 10} KiB", "1")
    try:
        text = data.decode("utf-8")
        _check(name, text)
        found = yaml.compose(text, Loader=_LOADER)
        if found is None:
            raise FaultyInputError(INVALID, f"{name}:1: the file is empty", "1")
        return _node(name, found)
    except UnicodeDecodeError as fault:
        raise FaultyInputError(INVALID, f"{name}:1: the file is no UTF-8 text", "1") from fault
    except (yaml.YAMLError, ValueError) as fault:
        mark = getattr(fault, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise FaultyInputError(INVALID, f"{name}:{line}: it is no plain YAML document", str(line)) from fault


def _check(name: str, text: str) -> None:
    depth = 0
    events: Any = yaml.parse(text, Loader=_LOADER)
    for count, event in enumerate(events):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > MAX_DEPTH or count > MAX_VALUES:
            line = event.start_mark.line + 1
            raise FaultyInputError(INVALID, f"{name}:{line}: an alias, or the rule is too deep or too large", str(line))


def _node(name: str, found: Any) -> Node:
    line = found.start_mark.line + 1
    if isinstance(found, yaml.SequenceNode):
        return Node(name, line, [_node(name, one) for one in found.value])
    if isinstance(found, yaml.MappingNode):
        members: dict[str, Node] = {}
        for key, value in found.value:
            place = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.value in members:
                raise FaultyInputError(INVALID, f"{name}:{place}: a key is no text, or stands twice", str(place))
            members[key.value] = _node(name, value)
        return Node(name, line, members)
    return Node(name, line, _scalar(name, line, found))


def _scalar(name: str, line: int, found: Any) -> Scalar:
    kind = found.tag.removeprefix(_TAG)
    if kind not in _PLAIN:
        raise FaultyInputError(INVALID, f"{name}:{line}: the tag `{found.tag[:40]}` is not allowed", str(line))
    if kind in {"str", "timestamp"}:  # a date is a text here
        return str(found.value)
    try:
        made: Scalar = yaml.safe_load(found.value)
    except ValueError as fault:  # more digits than Python reads
        raise FaultyInputError(INVALID, f"{name}:{line}: it is no number", str(line)) from fault
    if isinstance(made, int) and not -MOST <= made < MOST:
        raise FaultyInputError(INVALID, f"{name}:{line}: an integer has at most 64 bits", str(line))
    return made
