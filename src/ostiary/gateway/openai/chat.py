"""Reads requests to ``/chat/completions``."""

from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.gateway.openai.annotations import annotated
from ostiary.gateway.openai.asked import EXTENSION, LlmAsked
from ostiary.gateway.openai.collecting import INVALID, TOO_MUCH
from ostiary.gateway.openai.reader import Reader
from ostiary.vocabulary.labels import Label

_DROPPED: Final = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "store", "user", "max_tokens"})


def read(told: dict[str, Any], reader: Reader) -> LlmAsked:
    """Return what a request asks.

    Raises:
        FaultyInputError: it is malformed, or asks for what cannot be guarded.
    """
    model = reader.name(told, "model")
    for name, fine in (("logprobs", (None, False)), ("modalities", (None, ["text"]))):
        if told.get(name) not in fine:
            raise FaultyInputError("unsupported_parameter", f"`{name}` tells what cannot be looked into", name)
    messages = _messages(told, reader)
    tools, choices = reader.tools(told), reader.count(told, "n", 1, reader.limits.choices)
    reader.extras(told)
    stream = reader.flag(told, "stream")
    output = reader.count(told, "max_completion_tokens", reader.count(told, "max_tokens", reader.limits.output))
    options = told.get("stream_options")
    wanted = isinstance(options, dict) and options.get("include_usage") is True
    body = {name: value for name, value in told.items() if name not in _DROPPED and value is not None}
    body |= {"messages": messages, "max_completion_tokens": min(output, reader.limits.output)}
    body.pop("stream_options", None)
    if stream:
        body["stream_options"] = {"include_usage": True}
    return LlmAsked(
        face="chat",
        model=model,
        body=body,
        messages=tuple(told["messages"]),
        stream=stream,
        usage_wanted=wanted,
        output=min(output, reader.limits.output),
        choices=choices,
        tools=tools,
        store=reader.flag(told, "store"),
        conversation=_conversation(told.get("metadata")) if told.get("store") else "",
    )


def _messages(told: dict[str, Any], reader: Reader) -> list[dict[str, Any]]:
    given = told.get("messages")
    if given is None:
        raise FaultyInputError("missing_required_parameter", "missing required parameter: `messages`", "messages")
    if not isinstance(given, list) or not given:
        raise FaultyInputError(INVALID, "`messages` is a list of at least one message", "messages")
    if len(given) > reader.limits.messages:
        raise FaultyInputError(TOO_MUCH, f"more than {reader.limits.messages} messages", "messages")
    called: dict[str, str] = {}
    return [_message(one, reader, called, f"messages[{number}]") for number, one in enumerate(given)]


def _message(one: Any, reader: Reader, called: dict[str, str], place: str) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise FaultyInputError(INVALID, "a message is an object", place)
    role = reader.name(one, "role", place)
    label = annotated(_label(role, one, reader, called, place), one.get(EXTENSION), place)
    onward = {name: value for name, value in one.items() if name != EXTENSION}
    if "content" in onward:
        onward["content"] = reader.collector.content(one["content"], label, f"{place}.content")
    if role == "assistant":
        _calls(one, reader, called, place)
    reader.collector.all(onward, label, place, but=("role", "content"))
    return onward


def _label(role: str, one: dict[str, Any], reader: Reader, called: dict[str, str], place: str) -> Label:
    if role in {"system", "developer"}:
        return reader.operator
    if role == "user":
        return reader.asker
    if role == "assistant":
        if one.get("audio") is not None:
            raise FaultyInputError("unsupported_value", "answers in sound cannot be looked into", f"{place}.audio")
        return reader.model
    if role == "tool":
        return reader.tool(called.get(reader.name(one, "tool_call_id", place), ""))
    raise FaultyInputError(INVALID, f"`{role[:32]}` is no role that is served", f"{place}.role")


def _calls(one: dict[str, Any], reader: Reader, called: dict[str, str], place: str) -> None:
    """Remember which call was to which tool: a tool's answer names the call alone."""
    if one.get("function_call") is not None:
        raise FaultyInputError("unsupported_value", "`function_call` is out of date: use `tool_calls`", place)
    for call in one.get("tool_calls") or ():
        inner = call.get("function") if isinstance(call, dict) else None
        name = inner.get("name") if isinstance(inner, dict) else None
        if not isinstance(name, str) or not isinstance(call.get("id"), str):
            raise FaultyInputError(INVALID, "a call has an `id` and a `function` with a `name`", f"{place}.tool_calls")
        reader.remember(called, call["id"], name)


def _conversation(metadata: Any) -> str:
    name = metadata.get("conversation") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""
