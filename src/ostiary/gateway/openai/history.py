"""What was said before: kept messages as they go on to a model, and all messages as tools' calls are judged by.

- Messages are kept in the form of chat, with what the application said of where they come from (``ostiary``): that is
  read again whenever they are, and never goes on.
- For the judgement of calls a message whose parts come from several places is taken apart: what stood in a document
  never becomes the asker's own word because both stood in one message.

>>> mail = {"type": "text", "text": "write to eve", "ostiary": {"document": "mail/7"}}
>>> told, labels = labelled([{"role": "user", "content": [{"type": "text", "text": "sum up"}, mail]}], "default")
>>> [(one["content"][0]["text"], labels[at].channel.value if at in labels else "") for at, one in enumerate(told)]
[('sum up', ''), ('write to eve', 'data')]
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ostiary.gateway.openai.annotations import annotated
from ostiary.gateway.openai.asked import EXTENSION
from ostiary.vocabulary.labels import Channel, Integrity, Label

KEPT: Final = ("tool_calls", "tool_call_id", "name", EXTENSION)
"""Members of a message that are kept beside its role and content."""
OPERATORS: Final = frozenset({"system", "developer"})
_AS_ITEM: Final = {"user": "input_text", "assistant": "output_text", "tool": "input_text"}
_TEXTS: Final = frozenset({"text", "input_text", "output_text"})
_CHANNELS: Final = {
    "system": (Channel.OPERATOR, Integrity.TRUSTED),
    "developer": (Channel.OPERATOR, Integrity.TRUSTED),
    "user": (Channel.USER, Integrity.ASKER),
}
ToolLabel = Callable[[str], Label]


def as_messages(kept: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return kept messages as they go on in chat."""
    return [_plain(one, dict.fromkeys(_AS_ITEM, "text")) for one in kept]


def as_items(kept: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return kept messages as they go on in ``/responses``."""
    items: list[dict[str, Any]] = []
    for one in kept:
        message = _plain(one, _AS_ITEM)
        if message["role"] == "tool":
            call = str(message.get("tool_call_id", ""))
            items.append({"type": "function_call_output", "call_id": call, "output": message["content"]})
            continue
        calls = message.pop("tool_calls", None) or ()
        if message["content"] or not calls:
            items.append({"type": "message", "role": message["role"], "content": message["content"] or ""})
        items += [{"type": "function_call", "call_id": call["id"], **_inner(call)} for call in calls]
    return items


def labelled(
    messages: Sequence[Mapping[str, Any]], tenant: str, tool: ToolLabel | None = None
) -> tuple[list[dict[str, Any]], dict[int, Label]]:
    """Return messages of which each comes from one place, and labels, by number, where more is known than the role.

    Args:
        messages: in the form of chat, with what was said of them.
        tenant: whose they are.
        tool: the label of what a tool answers.
    """
    out: list[dict[str, Any]] = []
    labels: dict[int, Label] = {}
    called: dict[str, str] = {}
    for message in messages:
        role, content = str(message.get("role")), message.get("content")
        called |= {call["id"]: call["function"]["name"] for call in message.get("tool_calls") or () if call.get("id")}
        plain, said = {name: value for name, value in message.items() if name != EXTENSION}, message.get(EXTENSION)
        apart = isinstance(content, list) and any(EXTENSION in part for part in content)
        for part in content if apart and role != "assistant" and content else (None,):
            more = None if part is None else part.get(EXTENSION)
            if said is not None or more is not None:
                base = _base(role, tenant, tool, called.get(str(message.get("tool_call_id")), ""))
                labels[len(out)] = annotated(annotated(base, said, ""), more, "")
            out.append(plain if part is None else {**plain, "content": [_part(part)]})
    return out, labels


def _base(role: str, tenant: str, tool: ToolLabel | None, name: str) -> Label:
    if role == "tool" and tool is not None:
        return tool(name)
    channel, integrity = _CHANNELS.get(role, (Channel.TOOL, Integrity.UNTRUSTED))
    return Label(channel, tenant, integrity=integrity)


def _plain(one: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    message = {name: value for name, value in one.items() if name != EXTENSION}
    content, kind = message.get("content"), kinds.get(str(message.get("role")), "text")
    if isinstance(content, list):
        message["content"] = [_part(part, kind) for part in content]
    return message


def _part(part: Mapping[str, Any], kind: str = "") -> dict[str, Any]:
    plain = {name: value for name, value in part.items() if name != EXTENSION}
    return {**plain, "type": kind} if kind and str(plain.get("type")) in _TEXTS else plain


def _inner(call: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": call["function"]["name"], "arguments": call["function"].get("arguments", "")}
