"""A conversation read into pieces with labels: who wrote what, and which calls are to be judged.

- OpenAI's chat form. ``system`` and ``developer`` are the operator, ``user`` the asker, ``tool`` what the called tool
  reads; what the assistant says is nobody's word, it is made of the rest. Any other role is anybody.
- Which tool answered is told by the id of the call, never by the answer; an answer to no call is anybody's.
- Arguments are JSON with each name once (two readers could see two calls otherwise), bounded in depth and number.
- Parts that are no text (images, audio, files) make the session ``uninspected``.

>>> read = read_conversation([{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": [
...     {"id": "c1", "function": {"name": "send", "arguments": '{"to": "bob"}'}}]}], Manifest(()), "default")
>>> read.pieces[0].label.channel, read.calls[0].name, read.calls[0].leaves()
(<Channel.USER: 'user'>, 'send', (('to', 'bob'),))
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.gateway.tools.manifest import Manifest, Reads, Tool
from ostiary.vocabulary.labels import Channel, Integrity, Label

MAX_MESSAGES: Final = 4_096
MAX_CHARS: Final = 2 * 1_048_576
MAX_CALLS: Final = 64
MAX_LEAVES: Final = 512
MAX_DEPTH: Final = 32
MAX_ARGUMENT_CHARS: Final = 262_144
SENSITIVE: Final = 3
_OPERATOR: Final = frozenset({"system", "developer"})


class ToolCall(msgspec.Struct, frozen=True):
    """One call.

    Attributes:
        id: as the model named it.
        name: the tool.
        arguments: parsed; ``None`` when they are no JSON object with each name once, or too large.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] | None

    def leaves(self) -> tuple[tuple[str, str], ...]:
        """Return every value that is in the arguments, each as text under the name of its argument."""
        found: list[tuple[str, str]] = []
        for name, value in (self.arguments or {}).items():
            found += ((name, leaf) for leaf in _leaves(value, MAX_DEPTH))
        return tuple(found)


class Piece(msgspec.Struct, frozen=True):
    """One text of the conversation, and the call that it answers where it is an answer."""

    text: str
    label: Label
    at: int
    call: ToolCall | None = None


class Conversation(msgspec.Struct, frozen=True):
    """What was read.

    Attributes:
        pieces: all texts but the assistant's, in order.
        before: calls of earlier messages, each with the number of its message.
        calls: those of the last message, to be judged.
    """

    pieces: tuple[Piece, ...]
    before: tuple[tuple[int, ToolCall], ...]
    calls: tuple[ToolCall, ...]


def read_conversation(
    messages: Sequence[Any], manifest: Manifest, tenant: str, labels: Mapping[int, Label] | None = None
) -> Conversation:
    """Read ``messages``; ``labels`` overrule what the roles say, by the number of the message.

    Raises:
        FaultyInputError: ``messages_invalid`` or ``messages_too_large``.
    """
    if not isinstance(messages, list | tuple) or not messages or len(messages) > MAX_MESSAGES:
        raise FaultyInputError("messages_invalid", f"`messages` must be a list of 1 to {MAX_MESSAGES}")
    reader = _Reader(manifest, tenant, labels or {})
    for at, message in enumerate(messages):
        reader.take(at, message)
    last = len(messages) - 1
    judged = tuple(call for at, call in reader.calls if at == last)
    if not judged:
        raise FaultyInputError("messages_invalid", "the last message holds no tool calls")
    return Conversation(tuple(reader.pieces), tuple(one for one in reader.calls if one[0] != last), judged)


class _Reader:
    def __init__(self, manifest: Manifest, tenant: str, labels: Mapping[int, Label]) -> None:
        self._manifest, self._tenant, self._labels = manifest, tenant, labels
        self._chars = 0
        self._open: dict[str, ToolCall | None] = {}
        self._waiting: list[ToolCall] = []
        self.pieces: list[Piece] = []
        self.calls: list[tuple[int, ToolCall]] = []

    def take(self, at: int, message: Any) -> None:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise FaultyInputError("messages_invalid", f"message {at} is no object with a role")
        role, call = message["role"], None
        if role == "assistant":
            self._take_calls(at, message)
            return
        if role in {"tool", "function"}:
            call = self._answered(message)
        label = self._labels.get(at) or self._label(role, call)
        texts, uninspected = _texts(message.get("content"))
        if uninspected:
            label = msgspec.structs.replace(label, uninspected=True)
        for text in texts or ("",):
            self._count(text)
            self.pieces.append(Piece(text, label, at, call))

    def _label(self, role: str, call: ToolCall | None) -> Label:
        if role in _OPERATOR:
            return Label(Channel.OPERATOR, self._tenant, integrity=Integrity.TRUSTED)
        if role == "user":
            return Label(Channel.USER, self._tenant, integrity=Integrity.ASKER)
        if call is None:
            return Label(Channel.DATA, self._tenant)
        tool = self._manifest.find(call.name)
        return label_of(tool, self._tenant)

    def _take_calls(self, at: int, message: dict[str, Any]) -> None:
        told = message.get("tool_calls") or ()
        if isinstance(message.get("function_call"), dict):
            told = (*told, {"id": "", "function": message["function_call"]})
        if not isinstance(told, list | tuple) or len(self.calls) + len(told) > MAX_MESSAGES or len(told) > MAX_CALLS:
            raise FaultyInputError("messages_invalid", f"the tool calls of message {at} are no list, or too many")
        new = [self._call(at, one) for one in told]
        self.calls += ((at, call) for call in new)
        self._waiting = list(new)
        # One id for two calls of a message says of neither which of them answered.
        twice = {call.id for call in new if sum(other.id == call.id for other in new) > 1}
        self._open |= {call.id: None if call.id in twice else call for call in new if call.id}

    def _call(self, at: int, told: Any) -> ToolCall:
        function = told.get("function", told) if isinstance(told, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise FaultyInputError("messages_invalid", f"a tool call of message {at} names no function")
        arguments = function.get("arguments", {})
        if isinstance(arguments, str):
            self._count(arguments)
        identifier = told.get("id")
        return ToolCall(identifier if isinstance(identifier, str) else "", function["name"], parse_arguments(arguments))

    def _answered(self, message: dict[str, Any]) -> ToolCall | None:
        identifier, name = message.get("tool_call_id"), message.get("name")
        if isinstance(identifier, str) and identifier:
            call = self._open.get(identifier)
        else:  # without ids answers come in the order of the calls
            call = self._waiting.pop(0) if self._waiting else None
        return None if call is not None and isinstance(name, str) and name != call.name else call

    def _count(self, text: str) -> None:
        self._chars += len(text)
        if self._chars > MAX_CHARS:
            raise FaultyInputError("messages_too_large", f"the conversation has more than {MAX_CHARS} characters")


def label_of(tool: Tool, tenant: str) -> Label:
    """Return the label of what a tool answers."""
    trusted = tool.known and tool.reads is Reads.TRUSTED
    return Label(
        Channel.TOOL,
        tenant,
        integrity=Integrity.TRUSTED if trusted else Integrity.UNTRUSTED,
        confidentiality=SENSITIVE if tool.sensitive else 0,
        tool=tool.name,
    )


def parse_arguments(told: Any) -> Mapping[str, Any] | None:
    """Return the arguments of a call, ``None`` when two readers could understand two things by them."""
    try:
        value = json.loads(told, object_pairs_hook=_once, parse_constant=_no) if isinstance(told, str) else told
        value = {} if value is None else value
        if not isinstance(value, dict) or (isinstance(told, str) and len(told) > MAX_ARGUMENT_CHARS):
            return None
        leaves = [leaf for one in value.values() for leaf in _leaves(one, MAX_DEPTH)]
    except (ValueError, RecursionError):
        return None
    return value if len(leaves) <= MAX_LEAVES and all(isinstance(name, str) for name in value) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _no(word: str) -> Any:
    raise ValueError(word)


def _leaves(value: Any, depth: int) -> Iterator[str]:
    """Yield the values in a value, also those in JSON inside a text; names of objects are values too."""
    if depth < 0:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        inner = _inner(value)
        if inner is None:
            yield value
        else:
            yield from _leaves(inner, depth - 1)
    elif isinstance(value, dict):
        for name, one in value.items():
            if not str(name).isidentifier():
                yield str(name)
            yield from _leaves(one, depth - 1)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one, depth - 1)
    elif isinstance(value, bool) or value is None:
        return
    else:
        yield str(value)


def _inner(text: str) -> Any:
    bare = text.strip()
    if bare[:1] + bare[-1:] not in {"{}", "[]"}:
        return None
    try:
        return json.loads(bare)
    except (ValueError, RecursionError):
        return None


def _texts(content: Any) -> tuple[tuple[str, ...], bool]:
    """Return the texts of a content, and whether something in it is none."""
    if content is None or isinstance(content, str):
        return ((content,) if content else ()), False
    if not isinstance(content, list):
        return (json.dumps(content, ensure_ascii=False),), False
    parts = [part if isinstance(part, str) else _text_of(part) for part in content]
    return tuple(part for part in parts if part is not None), any(part is None for part in parts)


def _text_of(part: Any) -> str | None:
    text = part.get("text", part.get("refusal")) if isinstance(part, dict) else None
    return text if isinstance(text, str) else None
