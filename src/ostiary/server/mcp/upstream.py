"""Speaks to one MCP server over streamable HTTP: at its configured address alone, with its own token.

No redirect is followed. The caller's token stays here: an MCP server that got it could be anybody with it
(MCP security: no token passthrough).
"""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from ostiary.errors import UnavailableError
from ostiary.keys.files import read_private

UNAVAILABLE: Final = "mcp_server_unavailable"
_CONNECTIONS: Final = 128
_PASSED: Final = frozenset({"mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name", "last-event-id"})


def passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """Return those headers of the protocol that go on."""
    return {name: value for name, value in headers.items() if name in _PASSED}


class Upstream:
    """One server."""

    def __init__(self, url: str, token_file: Path | None, timeout_s: float) -> None:
        """Speak to ``url``."""
        self._url = url
        self._token_file = token_file
        timeout = httpx.Timeout(connect=10.0, read=timeout_s, write=30.0, pool=10.0)
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=16)
        self._client = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False, follow_redirects=False)

    @asynccontextmanager
    async def ask(self, method: str, headers: Mapping[str, str], body: bytes = b"") -> AsyncIterator[httpx.Response]:
        """Send one request; the answer's body is read by the caller.

        Raises:
            UnavailableError: ``mcp_server_unavailable``.
        """
        told = {**passed_on(headers), "accept-encoding": "identity", "accept": "application/json, text/event-stream"}
        if body:
            told["content-type"] = "application/json"
        if self._token_file is not None:
            told["authorization"] = f"Bearer {read_private(self._token_file).decode('ascii', 'replace').strip()}"
        with one_error():
            async with self._client.stream(method, self._url, headers=told, content=body or None) as response:
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise UnavailableError(UNAVAILABLE, "the MCP server answers compressed, unasked")
                yield response

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


@contextlib.contextmanager
def one_error() -> Iterator[None]:
    """Let only our own error escape."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as fault:
        raise UnavailableError(UNAVAILABLE, f"the MCP server does not answer: {type(fault).__name__}") from fault
