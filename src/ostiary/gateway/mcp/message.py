"""One JSON-RPC message of MCP, read strictly.

- One object a message: batches left the protocol in 2025-06-18, and would carry calls past a look at the first.
- Bounded in size and depth; no name twice in an object: two readers could see two calls.

>>> read_message(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}').kind
<Kind.REQUEST: 'request'>
"""

from enum import StrEnum
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.identity.strict import NotStrictError, parse_object

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 48
INVALID: Final = "mcp_message_invalid"
TOO_LARGE: Final = "mcp_message_too_large"
_MAX_NAME: Final = 256


class Kind(StrEnum):
    """What a message is."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESPONSE = "response"


class Message(msgspec.Struct, frozen=True):
    """One message; ``whole`` is all of it, as it was read."""

    kind: Kind
    whole: dict[str, Any]
    id: str | int | None = None
    method: str = ""
    params: dict[str, Any] = {}

    @property
    def result(self) -> dict[str, Any] | None:
        """What a response holds; ``None`` for an error."""
        found = self.whole.get("result")
        return found if isinstance(found, dict) else None


def read_message(raw: bytes) -> Message:
    """Return the message in ``raw``.

    Raises:
        FaultyInputError: ``mcp_message_invalid`` or ``mcp_message_too_large``.
    """
    if len(raw) > MAX_BYTES:
        raise FaultyInputError(TOO_LARGE, f"a message has at most {MAX_BYTES} bytes")
    try:
        return of(parse_object(raw, MAX_DEPTH))
    except NotStrictError as fault:
        raise FaultyInputError(INVALID, f"the message is unacceptable: {fault.fault.value}") from fault


def of(whole: dict[str, Any]) -> Message:
    """Return the message that an object is.

    Raises:
        FaultyInputError: ``mcp_message_invalid``.
    """
    if whole.get("jsonrpc") != "2.0":
        raise FaultyInputError(INVALID, "the message is no JSON-RPC 2.0")
    number, method, params = whole.get("id"), whole.get("method"), whole.get("params", {})
    if "id" in whole and (isinstance(number, bool) or not isinstance(number, str | int)):
        raise FaultyInputError(INVALID, "an id is a text or a whole number")
    if isinstance(number, str) and len(number) > _MAX_NAME:
        raise FaultyInputError(INVALID, f"an id has at most {_MAX_NAME} characters")
    if method is None:
        if ("result" in whole) == ("error" in whole) or "id" not in whole:
            raise FaultyInputError(INVALID, "a response has an id, and a result or an error")
        if not isinstance(whole.get("result", whole.get("error")), dict):
            raise FaultyInputError(INVALID, "a result is an object, and so is an error")
        return Message(Kind.RESPONSE, whole, number)
    if not isinstance(method, str) or not 0 < len(method) <= _MAX_NAME or not isinstance(params, dict):
        raise FaultyInputError(INVALID, "a method is a name, its parameters an object")
    if "result" in whole or "error" in whole:
        raise FaultyInputError(INVALID, "a message is a request or a response")
    return Message(Kind.REQUEST if "id" in whole else Kind.NOTIFICATION, whole, number, method, params)
