"""Answers of ``/v1/responses``: typed events, each text in a scan of its own; what repeats a text repeats what left.

- ``….delta`` events of text, refusals, reasoning, transcripts, code and arguments are streams, known by item and place.
- ``….done`` events and finished items say the whole text again: there stands what left of it, never what came. What is
  still held back leaves in a delta of its own before them.
- Such an event keeps the numbers of the one it comes from; whoever writes the stream numbers it anew.
- Any other string of an answer (results of searches, outputs of tools) is scanned alone, where it stands.
- ``logprobs`` repeat the text token by token, ``instructions`` the operator's prompt with its canary: both are taken
  out.

>>> from ostiary.inspection.response import Leaks, StreamFan
>>> answer = ResponsesAnswer(StreamFan(Leaks()))
>>> place = {"item_id": "m1", "output_index": 0, "content_index": 0}
>>> one = {"type": "response.output_text.delta", **place, "delta": "card 4111 1111 1111 1111"}
>>> done = {"type": "response.output_text.done", **place, "text": "card 4111 1111 1111 1111"}
>>> [event["delta"] for event in answer.event(one)]
['card ']
>>> [event.get("delta", event.get("text")) for event in answer.event(done)]
['[REDACTED:pii.card]', 'card [REDACTED:pii.card]']
"""

from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.inspection.response.fan import StreamFan

Event = dict[str, Any]
_Key = tuple[str, str, int]
# Kind of stream -> the field of its ``done`` event that repeats it, and whether it is JSON.
_STREAMS: Final = {
    "response.output_text": ("text", False),
    "response.refusal": ("refusal", False),
    "response.reasoning_text": ("text", False),
    "response.reasoning_summary_text": ("text", False),
    "response.audio.transcript": ("transcript", False),
    "response.output_audio_transcript": ("transcript", False),
    "response.code_interpreter_call_code": ("code", False),
    "response.custom_tool_call_input": ("input", False),
    "response.function_call_arguments": ("arguments", True),
    "response.mcp_call_arguments": ("arguments", True),
}
# What a finished item or part holds, by type and field -> the stream that it repeats.
_REPEATS: Final = {
    ("output_text", "text"): "response.output_text",
    ("refusal", "refusal"): "response.refusal",
    ("reasoning_text", "text"): "response.reasoning_text",
    ("summary_text", "text"): "response.reasoning_summary_text",
    ("function_call", "arguments"): "response.function_call_arguments",
    ("mcp_call", "arguments"): "response.mcp_call_arguments",
    ("custom_tool_call", "input"): "response.custom_tool_call_input",
    ("code_interpreter_call", "code"): "response.code_interpreter_call_code",
}
# Fields that name things of the protocol.
_NAMES: Final = frozenset(
    {"type", "id", "item_id", "object", "status", "role", "model", "call_id", "name", "event_id", "response_id"}
)
_DROPPED: Final = frozenset({"logprobs", "instructions"})
_SHAPE: Final = ("type", "item_id", "output_index", "content_index", "summary_index", "sequence_number", "response_id")
_DEEP: Final = 32


class ResponsesAnswer:
    """One answer, through one fan."""

    def __init__(self, fan: StreamFan) -> None:
        """Send all its streams through ``fan``."""
        self._fan = fan
        self._left: dict[_Key, str] = {}
        self._shapes: dict[_Key, Event] = {}
        self._alone = 0

    def event(self, event: Event) -> list[Event]:
        """Return the events that leave instead of ``event``; none once the answer was ended.

        Raises:
            FaultyInputError: ``answer_malformed``, ``too_many_streams``, ``stream_closed``.
        """
        if self._fan.ended:
            return []
        kind = event.get("type")
        if not isinstance(kind, str):
            raise FaultyInputError("answer_malformed", "an event of an answer has a `type`")
        stream, _, what = kind.rpartition(".")
        if stream in _STREAMS and what == "delta":
            return [self._delta(stream, event)]
        if stream in _STREAMS and what == "done":
            return self._done(stream, event)
        return [*self._rest(event, kind), self._rebuilt(event)]

    def body(self, answer: Event) -> Event:
        """Return what may leave of a whole ``response``."""
        made: Event = self._rebuilt(answer)
        return made

    def finish(self) -> list[Event]:
        """Return the deltas that a stream still owes when it ends well without having said so."""
        owed = [made for key in list(self._shapes) for made in self._flushed(key)]
        self._fan.finish()
        return owed

    def _delta(self, stream: str, event: Event) -> Event:
        key, escaped = _key(stream, event), _STREAMS[stream][1]
        if not isinstance(event.get("delta"), str):
            raise FaultyInputError("answer_malformed", "a delta of an answer is text")
        self._shapes[key] = {name: event[name] for name in _SHAPE if name in event}
        left = self._fan.feed(key, event["delta"], escaped=escaped)
        self._left[key] = self._left.get(key, "") + left
        return {**self._shapes[key], "delta": left}

    def _done(self, stream: str, event: Event) -> list[Event]:
        key, field = _key(stream, event), _STREAMS[stream][0]
        owed = self._flushed(key)
        kept = {name: event[name] for name in _SHAPE if name in event}
        return [*owed, {**kept, field: self._said(key, event.get(field))}]

    def _flushed(self, key: _Key) -> list[Event]:
        shape = self._shapes.pop(key, None)
        if shape is None:
            return []
        rest = self._fan.close(key)
        self._left[key] = self._left.get(key, "") + rest
        return [{**shape, "delta": rest}] if rest else []

    def _rest(self, event: Event, kind: str) -> list[Event]:
        """Return what is owed before an item, or the answer, is called finished."""
        if kind == "response.output_item.done":
            item = event.get("item")
            name = item.get("id") if isinstance(item, dict) else None
            keys = [key for key in self._shapes if key[1] == name]
        elif kind == "response.content_part.done":
            keys = [key for key in self._shapes if key[1:] == _place(event)]
        else:
            over = kind in {"response.completed", "response.incomplete", "response.failed"}
            keys = list(self._shapes) if over else []
        return [made for key in keys for made in self._flushed(key)]

    def _said(self, key: _Key, text: Any) -> Any:
        """Return what left of a stream; of a text that never was one, what may leave of it."""
        if key in self._left:
            return self._left[key]
        return self._scanned(text, escaped=_STREAMS[key[0]][1])

    def _scanned(self, text: Any, *, escaped: bool = False) -> Any:
        if not isinstance(text, str):
            return text
        self._alone += 1
        return self._fan.whole(("alone", self._alone), text, escaped=escaped)

    def _rebuilt(self, value: Any, item: str = "", place: int = 0, depth: int = 0) -> Any:
        """Return a copy of ``value`` with every text in it cleaned."""
        if depth > _DEEP:
            raise FaultyInputError("answer_malformed", f"an answer is nested at most {_DEEP} deep")
        if isinstance(value, list):
            return [self._rebuilt(one, item, index, depth + 1) for index, one in enumerate(value)]
        if not isinstance(value, dict):
            return self._scanned(value)
        kind = value.get("type")
        item = value.get("item_id") or (value.get("id") if kind and "id" in value else item) or item
        place = value.get("content_index", place) if isinstance(value.get("content_index", place), int) else place
        return {
            name: self._field(kind, name, one, (item, place), depth)
            for name, one in value.items()
            if name not in _DROPPED
        }

    def _field(self, kind: Any, name: str, value: Any, at: tuple[str, int], depth: int) -> Any:
        if isinstance(value, str):
            if name in _NAMES:
                return value
            stream = _REPEATS.get((kind, name)) if isinstance(kind, str) else None
            whole_item = stream in {_REPEATS["function_call", "arguments"], *_ITEMS}
            return self._said((stream, at[0], 0 if whole_item else at[1]), value) if stream else self._scanned(value)
        return self._rebuilt(value, at[0], at[1], depth + 1)


_ITEMS: Final = frozenset(
    {"response.mcp_call_arguments", "response.custom_tool_call_input", "response.code_interpreter_call_code"}
)


def _key(stream: str, event: Event) -> _Key:
    return (stream, *_place(event))


def _place(event: Event) -> tuple[str, int]:
    """Return item and place of an event: a part of a message, or of a summary."""
    item, place = event.get("item_id", ""), event.get("content_index", event.get("summary_index", 0))
    if not isinstance(item, str) or not isinstance(place, int):
        raise FaultyInputError("answer_malformed", "an event names its item by text and its place by a number")
    return item, place
