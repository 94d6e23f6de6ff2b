"""The settings of the MCP proxy: which servers stand behind it, and what their tools are."""

import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from ostiary.errors import FaultyInputError
from ostiary.identity.login.provider import is_this_machine
from ostiary.server.settings.base import Section

_NAME: Final = r"[a-z0-9][a-z0-9-]{0,62}"
ServerName = Annotated[str, Field(pattern=f"^{_NAME}$")]


def check_server_name(name: str) -> str:
    """Return ``name``.

    Raises:
        FaultyInputError: ``mcp_server_invalid``.
    """
    if not re.fullmatch(_NAME, name):
        raise FaultyInputError("mcp_server_invalid", f"`{name[:40]}` is no name of an MCP server")
    return name


class McpServer(Section):
    """One MCP server, at ``/mcp/TENANT/NAME``."""

    url: str = ""
    """Where it answers streamable HTTP; empty for one that runs behind `ostiary mcp wrap` alone."""
    tenants: tuple[str, ...] = ("default",)
    """Tenants that have it; to others it is unknown."""
    manifest: Path | None = None
    """File that says what its tools read and do (how-to/guard-tools); without it each is taken for the worst."""
    pins: Path | None = None
    """File with the approved definitions of its tools (`ostiary mcp pins`); with it, all others are kept back."""
    sensitivity: Annotated[int, Field(ge=0, le=4)] = 1
    """How sensitive it is (0 public … 4 crown jewels): roles are granted up to one."""
    confidentiality: Annotated[int, Field(ge=0, le=4)] = 0
    """How confidential what it answers is (0 public … 4 crown jewels): whoever has read it has read something so."""
    token_file: Path | None = None
    """File with the bearer token that it wants from us; the caller's own token never goes there."""

    @field_validator("url")
    @classmethod
    def _checked(cls, url: str) -> str:
        parts = urlsplit(url)
        plain = parts.scheme == "http" and is_this_machine(parts.hostname or "")
        if url and (not parts.hostname or parts.username or not (parts.scheme == "https" or plain)):
            msg = "the address is https://, or http:// on this machine"
            raise ValueError(msg)
        return url


class McpSection(Section):
    """The proxy in front of MCP servers."""

    servers: dict[ServerName, McpServer] = Field(default_factory=dict)
    """Servers by name."""
    timeout_s: Annotated[float, Field(ge=1, le=3600)] = 300.0
    """How long a server may be silent while it answers."""
    max_message_bytes: Annotated[int, Field(ge=1024, le=4_194_304)] = 4_194_304
    """Longest message of a client."""
