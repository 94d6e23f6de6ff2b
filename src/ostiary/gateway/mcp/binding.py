"""Which question a method of MCP is, after the COAZ binding of AuthZEN (draft of 2026-07-17).

- ``ping`` and notifications pass; a method that does not stand here is refused without a question.
- A tool, prompt or resource is named with its server: two servers may well call different things by one name.
- What a server asks of the client (sampling, elicitation, roots) is a question too; the draft leaves it out.
- Tasks are unknown here: a server that all users reach through one token cannot tell whose a task is.

>>> question_of("tools/call", {"name": "send_mail"}, "mail").resource_id
'mail/send_mail'
>>> question_of("tools/destroy", {}, "mail") is None
True
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError

MAPPING: Final = "mcp_params_invalid"
_MAX_NAME: Final = 128
_MAX_URI: Final = 2048
PING: Final = "ping"
# The client's notifications that go on; any other would be a way to the server that nobody decides about.
TOLD_BY_CLIENTS: Final = frozenset(
    {
        "notifications/cancelled",
        "notifications/initialized",
        "notifications/progress",
        "notifications/roots/list_changed",
    }
)
_OF_THE_SERVER: Final = {
    "completion/complete": "mcp.use",
    "elicitation/create": "mcp.elicit",
    "initialize": "mcp.connect",
    "logging/setLevel": "mcp.use",
    "prompts/list": "mcp.list",
    "resources/list": "mcp.list",
    "resources/templates/list": "mcp.list",
    "roots/list": "mcp.roots",
    "sampling/createMessage": "mcp.sample",
    "server/discover": "mcp.connect",
    "subscriptions/listen": "mcp.use",
    "tools/list": "mcp.list",
}
ASKED_BY_SERVERS: Final = frozenset({"elicitation/create", "roots/list", "sampling/createMessage"})
_NAMED: Final = {"prompts/get": ("mcp.prompt", "mcp_prompt"), "tools/call": ("tool.call", "tool")}
_BY_URI: Final = frozenset({"resources/read", "resources/subscribe", "resources/unsubscribe"})


class Question(msgspec.Struct, frozen=True):
    """What the decision is asked."""

    action: str
    resource_type: str
    resource_id: str
    properties: Mapping[str, Any] = {}


def question_of(method: str, params: Mapping[str, Any], server: str) -> Question | None:
    """Return the question that a request is; ``None`` for a method that is unknown.

    Raises:
        FaultyInputError: ``mcp_params_invalid``: the parameters name nothing.
    """
    if method in _OF_THE_SERVER:
        return Question(_OF_THE_SERVER[method], "mcp_server", server, {"method": method})
    if method in _NAMED:
        action, kind = _NAMED[method]
        return Question(action, kind, f"{server}/{_text(params, 'name', _MAX_NAME)}", {"method": method})
    if method in _BY_URI:
        uri = _text(params, "uri", _MAX_URI)
        return Question("mcp.read", "mcp_resource", f"{server}/{uri}", {"method": method})
    return None


def _text(params: Mapping[str, Any], name: str, longest: int) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise FaultyInputError(MAPPING, f"`{name}` is a text of at most {longest} characters")
    return value
