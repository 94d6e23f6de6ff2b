"""Answers of ``/v1/chat/completions``, streamed or whole: every text in them goes through a scan of its own.

- Streams of a choice: content, refusal, reasoning, transcript of audio, arguments of each tool call and of the old
  ``function_call``. What these carry is known; a field that is not known does not pass.
- ``logprobs`` repeat the text token by token: they are taken out.
- A choice that finishes gets the rest of its streams in the same piece, before anybody believes that it is over. One
  that was ended by ``ask`` or ``block`` finishes with ``content_filter``, and so does the whole answer.

>>> from ostiary.inspection.response import Leaks, StreamFan
>>> chat = ChatAnswer(StreamFan(Leaks()))
>>> piece = {"choices": [{"index": 0, "delta": {"content": "card 4111 1111 1111 11"}, "finish_reason": None}]}
>>> chat.event(piece)["choices"][0]["delta"], chat.finish()
({'content': 'card '}, [{'choices': [{'index': 0, 'delta': {'content': '4111 1111 1111 11'}, 'finish_reason': None}]}])
"""

from collections.abc import Iterator
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.inspection.response.fan import StreamFan

_TEXTS: Final = ("content", "refusal", "reasoning_content", "reasoning")
_HEAD: Final = ("id", "object", "created", "model", "system_fingerprint", "service_tier", "usage")
_FILTERED: Final = "content_filter"
Piece = dict[str, Any]
_Key = tuple[int, str, int]


class ChatAnswer:
    """One answer, through one fan."""

    def __init__(self, fan: StreamFan) -> None:
        """Send all its streams through ``fan``."""
        self._fan = fan
        self._open: dict[int, list[_Key]] = {}

    def event(self, piece: Piece) -> Piece:
        """Return what may leave of one ``chat.completion.chunk``.

        Raises:
            FaultyInputError: ``answer_malformed``, ``too_many_streams``, ``stream_closed``.
        """
        made: Piece = {name: piece[name] for name in _HEAD if name in piece}
        made["choices"] = [self._choice(choice, "delta") for choice in _list(piece.get("choices"))]
        return made

    def body(self, answer: Piece) -> Piece:
        """Return what may leave of a whole ``chat.completion``.

        Raises:
            FaultyInputError: ``answer_malformed``, ``too_many_streams``.
        """
        made: Piece = {name: answer[name] for name in _HEAD if name in answer}
        choices = [
            {**_dict(choice), "finish_reason": choice.get("finish_reason") or "stop"}
            for choice in map(_dict, _list(answer.get("choices")))
        ]
        made["choices"] = [self._choice(choice, "message") for choice in choices]
        return made

    def finish(self) -> list[Piece]:
        """Return the pieces that a stream still owes when it ends well without having said so."""
        pieces = []
        for index in list(self._open):
            delta: Piece = {}
            self._close(index, delta)
            if delta:
                pieces.append({"choices": [{"index": index, "delta": delta, "finish_reason": self._reason(None)}]})
        self._fan.finish()
        return pieces

    def _choice(self, choice: Any, name: str) -> Piece:
        choice = _dict(choice)
        index = _index(choice)
        delta = self._delta(index, _dict(choice.get(name)))
        reason = choice.get("finish_reason")
        if reason is not None:
            self._close(index, delta)
        return {"index": index, name: delta, "finish_reason": self._reason(reason)}

    def _reason(self, reason: Any) -> Any:
        return _FILTERED if self._fan.ended else reason

    def _delta(self, index: int, delta: Piece) -> Piece:
        made: Piece = {"role": delta["role"]} if isinstance(delta.get("role"), str) else {}
        for name in _TEXTS:
            if name in delta:
                made[name] = self._fed((index, name, 0), delta[name])
        if isinstance(delta.get("audio"), dict):
            made["audio"] = self._audio(index, delta["audio"])
        if isinstance(delta.get("function_call"), dict):
            made["function_call"] = self._function((index, "function_call", 0), delta["function_call"])
        if delta.get("tool_calls"):
            made["tool_calls"] = [self._call(index, at, call) for at, call in enumerate(_list(delta["tool_calls"]))]
        return made

    def _fed(self, key: _Key, text: Any, *, escaped: bool = False) -> str | None:
        if text is None:
            return None
        if not isinstance(text, str):
            raise FaultyInputError("answer_malformed", f"`{key[1]}` of an answer is text")
        streams = self._open.setdefault(key[0], [])
        if key not in streams:
            streams.append(key)
        return self._fan.feed(key, text, escaped=escaped)

    def _audio(self, index: int, audio: Piece) -> Piece:
        """Keep what can be looked into; sound is for the policy about what cannot."""
        made: Piece = {name: audio[name] for name in ("id", "expires_at", "data") if name in audio}
        if "transcript" in audio:
            made["transcript"] = self._fed((index, "audio", 0), audio["transcript"])
        return made

    def _call(self, index: int, at: int, call: Any) -> Piece:
        call = _dict(call)
        place = call.get("index", at)
        if not isinstance(place, int):
            raise FaultyInputError("answer_malformed", "`index` of a tool call is a whole number")
        made: Piece = {"index": place, **{name: call[name] for name in ("id", "type") if name in call}}
        if isinstance(call.get("function"), dict):
            made["function"] = self._function((index, "tool_calls", place), call["function"])
        if isinstance(call.get("custom"), dict):
            custom = call["custom"]
            made["custom"] = {
                "name": self._name((index, "custom", place), custom.get("name")),
                "input": self._fed((index, "custom", place), custom.get("input")),
            }
        return made

    def _function(self, key: _Key, function: Piece) -> Piece:
        made: Piece = {"name": self._name(key, function["name"])} if "name" in function else {}
        if "arguments" in function:
            made["arguments"] = self._fed(key, function["arguments"], escaped=True)
        return made

    def _name(self, key: _Key, name: Any) -> Any:
        """Return the name of a tool, which a model may choose as it likes until somebody looks it up."""
        return self._fan.whole(("name", key), name) if isinstance(name, str) else None

    def _close(self, index: int, delta: Piece) -> None:
        """Put the rest of the streams of a choice behind what its piece already holds."""
        for key in self._open.pop(index, []):
            rest = self._fan.close(key)
            if rest:
                _append(delta, key, rest)


def _append(delta: Piece, key: _Key, rest: str) -> None:
    _, name, place = key
    if name in _TEXTS:
        delta[name] = (delta.get(name) or "") + rest
    elif name == "audio":
        audio = delta.setdefault("audio", {})
        audio["transcript"] = (audio.get("transcript") or "") + rest
    elif name == "function_call":
        call = delta.setdefault("function_call", {})
        call["arguments"] = (call.get("arguments") or "") + rest
    else:
        calls = delta.setdefault("tool_calls", [])
        call = next(_calls_at(calls, place), None)
        if call is None:
            call = {"index": place}
            calls.append(call)
        part, field = ("function", "arguments") if name == "tool_calls" else ("custom", "input")
        inner = call.setdefault(part, {})
        inner[field] = (inner.get(field) or "") + rest


def _calls_at(calls: list[Piece], place: int) -> Iterator[Piece]:
    return (call for call in calls if call["index"] == place)


def _index(choice: Piece) -> int:
    index = choice.get("index", 0)
    if not isinstance(index, int) or isinstance(index, bool):
        raise FaultyInputError("answer_malformed", "`index` of a choice is a whole number")
    return index


def _dict(value: Any) -> Piece:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FaultyInputError("answer_malformed", "an answer has an object where something else stands")
    return value


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise FaultyInputError("answer_malformed", "an answer has a list where something else stands")
    return value
