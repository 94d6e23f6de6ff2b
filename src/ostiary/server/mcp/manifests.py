"""The tools of all MCP servers, in one manifest."""

from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.gateway.tools.manifest import Manifest
from ostiary.server.settings.mcp import McpSection

MANIFEST: Final = "manifest_unreadable"


def manifest_of(settings: McpSection) -> Manifest:
    """Return the tools of all servers, each named ``server/tool``.

    Raises:
        FaultyInputError: ``manifest_…``: a file cannot be read, or is none.
    """
    tools = []
    for name, server in settings.servers.items():
        if server.manifest is None:
            continue
        try:
            text = server.manifest.read_bytes()
        except OSError as fault:
            raise FaultyInputError(MANIFEST, f"the manifest of `{name}` cannot be read: {fault.strerror}") from fault
        tools += [
            msgspec.structs.replace(tool, name=f"{name}/{tool.name}") for tool in Manifest.parse(text).tools.values()
        ]
    return Manifest(tuple(tools))
