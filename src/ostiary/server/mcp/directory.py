"""MCP servers as resources that policy knows, and what is on them: tools of their manifests, prompts, resources.

A tool that no manifest describes is known only if the catalogue knows it. Where both know something the stricter word
counts; of a server that a tenant does not have it knows nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ostiary.decision.ports import Directory, ResourceFacts, SubjectFacts
from ostiary.gateway.tools import Manifest
from ostiary.server.settings.mcp import McpServer

SERVER: Final = "mcp_server"
TOOL: Final = "tool"
_OF_A_SERVER: Final = frozenset({SERVER, "mcp_prompt", "mcp_resource"})


class McpDirectory:
    """A ``Directory`` that knows MCP servers, too."""

    def __init__(self, inner: Directory, servers: Mapping[str, McpServer], tools: Manifest) -> None:
        """Ask ``inner`` for everything else; ``tools`` are named ``server/tool``."""
        self._inner, self._servers, self._tools = inner, servers, tools

    def subject(self, tenant: str, kind: str, name: str) -> SubjectFacts:
        """Return what is known of one subject."""
        return self._inner.subject(tenant, kind, name)

    def resource(self, tenant: str, kind: str, name: str) -> ResourceFacts:
        """Return what is known of one resource."""
        told = self._inner.resource(tenant, kind, name)
        server = self._servers.get(name.partition("/")[0])
        if server is None or tenant not in server.tenants or not self._known(kind, name):
            return told
        level = max(server.sensitivity, told.sensitivity or 0)
        return msgspec.structs.replace(told, known=True, sensitivity=level)

    def _known(self, kind: str, name: str) -> bool:
        if kind == TOOL:
            return name in self._tools.tools
        return kind in _OF_A_SERVER and (kind == SERVER) == ("/" not in name)

    def subjects(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of all subjects of a type, sorted."""
        return self._inner.subjects(tenant, kind)

    def resources(self, tenant: str, kind: str) -> Sequence[str]:
        """Return the ids of all resources of a type, sorted."""
        found = self._inner.resources(tenant, kind)
        servers = [name for name, server in self._servers.items() if tenant in server.tenants]
        return sorted({*found, *servers}) if kind == SERVER else found

    def actions(self, tenant: str) -> Sequence[str]:
        """Return the names of all actions, sorted."""
        return self._inner.actions(tenant)
