"""Reads requests to ``/responses``."""

from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.gateway.openai.annotations import annotated
from ostiary.gateway.openai.asked import EXTENSION, LlmAsked
from ostiary.gateway.openai.collecting import INVALID, TOO_MUCH, UNSUPPORTED
from ostiary.gateway.openai.known import KEPT_HERE, OURS
from ostiary.gateway.openai.reader import Reader
from ostiary.vocabulary.labels import Label

_DROPPED: Final = OURS | {"background", "include", "store", "stream_options", "user"}
_OPERATORS: Final = frozenset({"system", "developer"})


def read(told: dict[str, Any], reader: Reader) -> LlmAsked:
    """Return what a request asks.

    Raises:
        FaultyInputError: it is malformed, or asks for what cannot be guarded.
    """
    model = reader.name(told, "model")
    if reader.flag(told, "background"):
        raise FaultyInputError(UNSUPPORTED, "answers are made while somebody waits for them", "background")
    messages: list[dict[str, Any]] = []
    if told.get("instructions") is not None:
        instructions = reader.collector.content(told["instructions"], reader.operator, "instructions")
        messages.append({"role": "system", "content": instructions})
    items = _items(told, reader, messages)
    tools, conversation = reader.tools(told), _conversation(told.get("conversation"))
    if conversation and told.get("previous_response_id"):
        raise FaultyInputError(INVALID, "go on from an answer, or in a conversation: not both", "conversation")
    reader.extras(told, KEPT_HERE)
    output = min(reader.count(told, "max_output_tokens", reader.limits.output), reader.limits.output)
    body = {name: value for name, value in told.items() if name not in _DROPPED and value is not None}
    # What a model's server keeps is shared by all who use its key: nothing is kept there.
    body |= {"input": items, "max_output_tokens": output, "store": False}
    return LlmAsked(
        face="responses",
        model=model,
        body=body,
        messages=tuple(messages),
        stream=reader.flag(told, "stream"),
        output=output,
        tools=tools,
        store=reader.flag(told, "store") or (bool(conversation) and told.get("store") is not False),
        previous=reader.name(told, "previous_response_id", default="") if told.get("previous_response_id") else "",
        conversation=conversation,
    )


def _items(told: dict[str, Any], reader: Reader, messages: list[dict[str, Any]]) -> Any:
    given = told.get("input")
    if isinstance(given, str) and given:
        reader.collector.text(given, reader.asker, "input")
        messages.append({"role": "user", "content": given})
        return [{"type": "message", "role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise FaultyInputError(INVALID, "`input` is a text or a list of items", "input")
    if len(given) > reader.limits.messages:
        raise FaultyInputError(TOO_MUCH, f"more than {reader.limits.messages} items", "input")
    called: dict[str, str] = {}
    return [_item(one, reader, called, messages, f"input[{number}]") for number, one in enumerate(given)]


def _item(
    one: Any, reader: Reader, called: dict[str, str], messages: list[dict[str, Any]], place: str
) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise FaultyInputError(INVALID, "an item is an object", place)
    kind = one.get("type", "message")
    onward = {name: value for name, value in one.items() if name != EXTENSION}
    if kind == "message":
        role = reader.name(one, "role", place)
        label = annotated(_label(role, reader, place), one.get(EXTENSION), place)
        onward["content"] = reader.collector.content(one.get("content"), label, f"{place}.content")
        reader.collector.all(onward, label, place, but=("role", "content", "type"))
        messages.append({"role": role, "content": one.get("content"), **_said(one)})
        return onward
    if kind == "function_call":
        name, call = reader.name(one, "name", place), reader.name(one, "call_id", place)
        reader.remember(called, call, name)
        reader.collector.all(onward, reader.model, place, but=("type",))
        inner = {"name": name, "arguments": one.get("arguments", "")}
        messages.append({"role": "assistant", "tool_calls": [{"id": call, "type": "function", "function": inner}]})
        return onward
    if kind == "function_call_output":
        call = reader.name(one, "call_id", place)
        label = annotated(reader.tool(called.get(call, "")), one.get(EXTENSION), place)
        onward["output"] = reader.collector.content(one.get("output"), label, f"{place}.output")
        reader.collector.all(onward, label, place, but=("type", "output"))
        messages.append({"role": "tool", "tool_call_id": call, "content": one.get("output"), **_said(one)})
        return onward
    raise FaultyInputError(UNSUPPORTED, "an item is a message, a call of a function or its output", f"{place}.type")


def _said(one: dict[str, Any]) -> dict[str, Any]:
    return {EXTENSION: one[EXTENSION]} if one.get(EXTENSION) is not None else {}


def _label(role: str, reader: Reader, place: str) -> Label:
    if role in _OPERATORS:
        return reader.operator
    if role == "user":
        return reader.asker
    if role == "assistant":
        return reader.model
    raise FaultyInputError(INVALID, f"`{role[:32]}` is no role that is served", f"{place}.role")


def _conversation(told: Any) -> str:
    name = told.get("id") if isinstance(told, dict) else told
    if name is not None and (not isinstance(name, str) or not 1 <= len(name) <= 256 or not name.isprintable()):  # noqa: PLR2004
        raise FaultyInputError(INVALID, "`conversation` names a conversation", "conversation")
    return name or ""
