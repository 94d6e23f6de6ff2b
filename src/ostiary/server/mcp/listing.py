"""Asks an MCP server for the definitions of its tools, as an operator who is about to approve them."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import msgspec

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.gateway.mcp.bounds import MAX_TOOLS
from ostiary.gateway.mcp.frames import EventReader
from ostiary.gateway.mcp.message import MAX_BYTES, Message, read_message
from ostiary.gateway.mcp.pins import definition_digest

UNAVAILABLE: Final = "mcp_server_unavailable"
_VERSION: Final = "2025-06-18"
_SESSION: Final = "mcp-session-id"
_TIMEOUT_S: Final = 30.0
_MAX_PAGES: Final = 64
_FAILED: Final = 400


def pins_from(url: str, token: str = "") -> dict[str, str]:
    """Return the digest of each tool's definition, by name.

    Raises:
        UnavailableError: ``mcp_server_unavailable``.
        FaultyInputError: it answers what is no message, or too much.
    """
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
        lister = _Lister(url, client, token)
        try:
            tools = list(lister.tools())
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise UnavailableError(UNAVAILABLE, f"`{url[:120]}` does not answer: {type(fault).__name__}") from fault
    return {str(tool["name"]): definition_digest(tool) for tool in tools}


class _Lister:
    def __init__(self, url: str, client: httpx.Client, token: str) -> None:
        self._url, self._client = url, client
        self._headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._count = 0

    def tools(self) -> Iterator[dict[str, Any]]:
        """Yield the definitions of all tools, page after page."""
        info = {"name": "ostiary", "version": "1"}
        self._ask("initialize", {"protocolVersion": _VERSION, "capabilities": {}, "clientInfo": info})
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        params: dict[str, Any] = {}
        found = 0
        for _ in range(_MAX_PAGES):
            result = self._ask("tools/list", params)
            for tool in result.get("tools") or ():
                found += 1
                if not isinstance(tool, dict) or not isinstance(tool.get("name"), str) or found > MAX_TOOLS:
                    raise FaultyInputError("mcp_message_invalid", "the server lists what are no tools, or too many")
                yield tool
            if not isinstance(result.get("nextCursor"), str):
                return
            params = {"cursor": result["nextCursor"]}
        raise FaultyInputError("mcp_message_too_large", "the server's list does not end")

    def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._count += 1
        answer = self._send({"jsonrpc": "2.0", "id": self._count, "method": method, "params": params})
        for message in answer:
            if message.id == self._count and message.result is not None:
                return message.result
        raise UnavailableError(UNAVAILABLE, f"`{self._url[:120]}` does not answer `{method}`")

    def _send(self, message: dict[str, Any]) -> list[Message]:
        with self._client.stream("POST", self._url, content=msgspec.json.encode(message), headers=self._headers) as got:
            if got.status_code >= _FAILED:
                raise UnavailableError(UNAVAILABLE, f"`{self._url[:120]}` answers {got.status_code}")
            if _SESSION in got.headers:
                self._headers[_SESSION] = got.headers[_SESSION]
                self._headers["mcp-protocol-version"] = _VERSION
            streams = got.headers.get("content-type", "").startswith("text/event-stream")
            return self._streamed(got) if streams else self._whole(got)

    def _streamed(self, got: httpx.Response) -> list[Message]:
        """Return the messages up to the answer: a stream may stay open after it."""
        reader, found, size = EventReader(), list[Message](), 0
        for piece in got.iter_bytes():
            size += len(piece)
            _check(size)
            found += [read_message(event.data.encode()) for event in reader.feed(piece) if event.data.strip()]
            if any(one.id == self._count for one in found):
                break
        return found

    @staticmethod
    def _whole(got: httpx.Response) -> list[Message]:
        raw = bytearray()
        for piece in got.iter_bytes():
            raw += piece
            _check(len(raw))
        return [read_message(bytes(raw))] if raw.strip() else []


def _check(size: int) -> None:
    if size > MAX_BYTES:
        raise FaultyInputError("mcp_message_too_large", f"an answer has at most {MAX_BYTES} bytes")
