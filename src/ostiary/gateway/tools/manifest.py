r"""The manifest of tools: what each one reads, where its calls go, and what its arguments may be.

- Written by the operator, as JSON or YAML: ``{"tools": [{"name", "reads", "sink", "sensitive", "args"}]}``.
- What is left out counts as the worst: a tool that says nothing reads what anybody wrote, and sends.
- A tool that is not in it is such a tool too, and is known by no other name: ``Send_Email`` is not ``send_email``.
- ``allow`` holds patterns (``*`` and ``?``) for every value of an argument; an empty list constrains nothing.
- The number of tools, arguments and patterns is bounded, and so is the text.

>>> manifest = Manifest.parse(b'{"tools": [{"name": "send", "sink": "egress", "reads": "trusted"}]}')
>>> manifest.find("send").sink, manifest.find("sent").known, manifest.shadowed("Send")
(<Sink.EGRESS: 'egress'>, False, 'send')
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.gateway.tools.constraints import fits, vouches
from ostiary.gateway.tools.names import skeleton
from ostiary.policy.plain_yaml import parse_yaml

MAX_BYTES: Final = 4 * 1_048_576
MAX_TOOLS: Final = 4_096
MAX_ARGS: Final = 256
MAX_PATTERNS: Final = 1_024
MAX_NAME: Final = 256
MAX_PATTERN: Final = 512


class Reads(StrEnum):
    """Who can have written what a tool answers."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


class Sink(StrEnum):
    """What a call does to the world, mildest first."""

    NONE = "none"
    STATE = "state"
    EGRESS = "egress"


class Argument(msgspec.Struct, frozen=True):
    """What one argument is, and which values the operator allows."""

    kind: str = ""
    allow: tuple[str, ...] = ()

    def allows(self, value: str) -> bool:
        """Tell whether ``value`` fits a pattern; whatever it is where there are none."""
        return not self.allow or any(fits(pattern, value) for pattern in self.allow)

    def vouches(self, value: str) -> bool:
        """Tell whether the operator's patterns name ``value``: one that fits everything names nothing."""
        return any(vouches(pattern, value) for pattern in self.allow)


class Tool(msgspec.Struct, frozen=True):
    """One tool.

    Attributes:
        name: as calls name it.
        reads: who can have written what it answers.
        sink: what its calls do.
        sensitive: whether it touches what is confidential.
        args: its arguments, as far as they are described.
        known: whether it stands in the manifest.
    """

    name: str
    reads: Reads = Reads.UNTRUSTED
    sink: Sink = Sink.EGRESS
    sensitive: bool = False
    args: Mapping[str, Argument] = {}
    known: bool = True


class _File(msgspec.Struct):
    tools: list[Tool]


class Manifest:
    """The tools of one application. Build it with `parse`."""

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        """Take checked tools; see `parse`."""
        self.tools: Mapping[str, Tool] = {tool.name: tool for tool in tools}

    @classmethod
    def parse(cls, text: bytes) -> "Manifest":
        """Read a manifest, JSON or YAML.

        Raises:
            FaultyInputError: ``manifest_invalid``, ``manifest_too_large`` or ``yaml_…``.
        """
        if len(text) > MAX_BYTES:
            raise FaultyInputError("manifest_too_large", f"the manifest has more than {MAX_BYTES} bytes")
        try:
            tools = tuple(_read(text).tools)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
            raise _invalid(str(fault)) from fault
        _check(tools)
        return cls(tools)

    def find(self, name: str) -> Tool:
        """Return the tool of exactly this name; for any other the worst that a tool can be."""
        return self.tools.get(name) or Tool(name, known=False)

    def shadowed(self, name: str) -> str:
        """Return the tool that ``name`` could be taken for without being it, or an empty text."""
        return "" if name in self.tools else self._skeletons.get(skeleton(name), "")

    @cached_property
    def _skeletons(self) -> dict[str, str]:
        return {skeleton(name): name for name in self.tools}


def _read(text: bytes) -> _File:
    if text.lstrip()[:1] in {b"{", b"["}:
        return msgspec.json.decode(text, type=_File)
    return msgspec.convert(parse_yaml(text.decode()), _File)


def _check(tools: tuple[Tool, ...]) -> None:
    if len(tools) > MAX_TOOLS:
        raise _invalid(f"more than {MAX_TOOLS} tools")
    if len({tool.name for tool in tools}) != len(tools):
        raise _invalid("a tool stands twice")
    for tool in tools:
        _check_tool(tool)


def _check_tool(tool: Tool) -> None:
    patterns = [pattern for argument in tool.args.values() for pattern in argument.allow]
    sizes = (
        1 <= len(tool.name) <= MAX_NAME,
        len(tool.args) <= MAX_ARGS,
        len(patterns) <= MAX_PATTERNS,
        all(len(pattern) <= MAX_PATTERN and pattern.count("*") <= 8 for pattern in patterns),  # noqa: PLR2004 - linear enough
    )
    if not all(sizes):
        raise _invalid(f"the tool `{tool.name[:80]}` is too large: its name, its arguments or their patterns")


def _invalid(text: str) -> FaultyInputError:
    return FaultyInputError("manifest_invalid", f"the manifest of tools is malformed: {text[:200]}")
