"""The protocol's headers of one request: each once, and none that says something else than the body.

``Mcp-Method`` and ``Mcp-Name`` exist so that something on the way may route by them (protocol 2026-07-28). Where they
differ from the body, that would be another call than the one that was judged.

>>> from ostiary.gateway.mcp.message import read_message
>>> listed = read_message(b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}')
>>> mismatch({"mcp-method": "tools/list"}, listed), mismatch({"mcp-method": "tools/call"}, listed)
('', 'mcp-method')
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.gateway.mcp.message import INVALID, Message

MAX_VALUE: Final = 4096
_NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ONCE: Final = frozenset({"mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name", "last-event-id"})
_BEGIN: Final = "=?base64?"
_END: Final = "?="


def protocol_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers of the protocol.

    Raises:
        FaultyInputError: ``mcp_message_invalid``: one stands twice, or is too long.
    """
    found: dict[str, str] = {}
    for key, value in raw:
        name = key.decode("latin-1").lower()
        if name not in _ONCE:
            continue
        if name in found or len(value) > MAX_VALUE:
            raise FaultyInputError(INVALID, f"the header `{name}` stands there once, with at most {MAX_VALUE} bytes")
        found[name] = value.decode("latin-1").strip()
    return found


def mismatch(headers: Mapping[str, str], message: Message) -> str:
    """Return the name of a header that says something else than the message, or an empty text."""
    if "mcp-method" in headers and headers["mcp-method"] != message.method:
        return "mcp-method"
    told = headers.get("mcp-name")
    if told is None:
        return ""
    member = _NAMED.get(message.method)
    named = None if member is None else message.params.get(member)
    return "" if isinstance(named, str) and _plain(told) == named else "mcp-name"


def _plain(value: str) -> str | None:
    if not (value.startswith(_BEGIN) and value.endswith(_END)):
        return value
    coded = value[len(_BEGIN) : -len(_END)]
    try:
        raw = base64.b64decode(coded, validate=True)
        return raw.decode() if base64.b64encode(raw).decode() == coded else None
    except (binascii.Error, UnicodeDecodeError):
        return None
