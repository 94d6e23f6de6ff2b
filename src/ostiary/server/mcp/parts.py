"""What the MCP proxy is put together from, beside its tools: approved definitions, and redaction."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.gateway.mcp.pins import definition_digest
from ostiary.gateway.mcp.ports import Redact
from ostiary.inspection.response.leaks import Leaks
from ostiary.server.settings.mcp import McpSection
from ostiary.vocabulary.inspecting import Finding


def redaction(leaks: Leaks) -> Redact:
    """Return what takes out of a text that must not be told."""

    def redact(text: str) -> tuple[str, Sequence[Finding]]:
        scan = leaks.scan()
        released = scan.feed(text) + scan.close()
        return released, scan.findings

    return redact


class FilePins:
    """The approved definitions, from files that an operator keeps."""

    def __init__(self, approved: Mapping[str, Mapping[str, str]]) -> None:
        """Take digests by server and tool; a server that is missing has no pins."""
        self._approved = approved

    def state(self, _tenant: str, server: str, tool: Mapping[str, Any]) -> str:
        """Return ``pinned``, ``changed`` or, for a server without pins, ``unpinned``."""
        approved = self._approved.get(server)
        if approved is None:
            return "unpinned"
        return "pinned" if approved.get(str(tool.get("name"))) == definition_digest(tool) else "changed"

    def kept(self, server: str) -> bool:
        """Return whether a server's definitions are approved one by one."""
        return server in self._approved


def pins_of(settings: McpSection) -> FilePins:
    """Return the approved definitions of all servers.

    Raises:
        FaultyInputError: ``pins_unreadable``.
    """
    files = {name: server.pins for name, server in settings.servers.items() if server.pins is not None}
    return FilePins({name: _pins(name, path) for name, path in files.items()})


def _pins(name: str, path: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise FaultyInputError(
            "pins_unreadable", f"the pins of `{name}` cannot be read: {type(fault).__name__}"
        ) from fault
