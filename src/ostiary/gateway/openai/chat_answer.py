"""Answers of ``/chat/completions``, rebuilt from what was looked at: nothing of the model's server passes unread.

Sans I/O: events go in, events come out; calls of tools and the end wait for ``finish``, when they were judged.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.gateway.openai.collected import Collected
from ostiary.gateway.openai.events import MALFORMED
from ostiary.gateway.ports import CallAsked

TEXTS: Final = ("content", "refusal", "reasoning_content", "reasoning")
_ENDS: Final = frozenset({"stop", "length", "tool_calls", "content_filter"})
FILTERED: Final = "content_filter"


class Head(msgspec.Struct, frozen=True):
    """What every event of an answer begins with: our own id, the model as the caller named it, the time."""

    id: str
    model: str
    created: int


class ChatAnswer:
    """One answer, whole or in events."""

    def __init__(self, head: Head, collected: Collected, choices: int, *, usage_wanted: bool = False) -> None:
        """Expect at most ``choices`` choices."""
        self._head, self.collected, self._choices = head, collected, choices
        self._usage_wanted = usage_wanted
        self._ends: dict[int, str] = {}
        self._begun: set[int] = set()
        self.usage: dict[str, Any] = {}

    def feed(self, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take one event of the model's server and return what may leave now.

        Raises:
            Stopped: nothing more may leave.
            UnavailableError: ``upstream_malformed``, or ``upstream_failed`` when the server says so itself.
        """
        if told.get("error"):
            raise UnavailableError("upstream_failed", "the model's server broke off its answer")
        self._count(told.get("usage"))
        return [out for choice in _list(told, "choices") for out in self._choice(choice)]

    def close(self) -> list[dict[str, Any]]:
        """Return what was held back, looked at; the model's server has ended.

        Raises:
            Stopped: it may not leave.
            UnavailableError: ``upstream_cut``: it ended in the middle.
        """
        if not self._ends or set(self._ends) != self._begun:
            raise UnavailableError("upstream_cut", "the model's server ended before its answer did")
        rests = [(name, self.collected.close(name)) for name in self.collected.names()]
        return [self._event(index, {field: rest}) for (index, field), rest in rests if rest]

    def finish(self, kept: Mapping[Any, CallAsked]) -> list[dict[str, Any]]:
        """Return the last events, with the calls that were judged fit to leave."""
        out, calls = [], self.collected.calls()
        for index, end in sorted(self._ends.items()):
            mine = [call for name, call in kept.items() if name[0] == index]
            told = [{"index": number, **_call(call)} for number, call in enumerate(mine)]
            out += [self._event(index, {"tool_calls": [one]}) for one in told]
            lost = not mine and any(name[0] == index for name in calls)
            out.append(self._event(index, {}, FILTERED if lost else end))
        if self._usage_wanted:
            out.append({**self._base("chat.completion.chunk"), "choices": [], "usage": self.usage or None})
        return out

    def whole(self, kept: Mapping[Any, CallAsked]) -> dict[str, Any]:
        """Return the answer as one object."""
        choices = [self._whole(index, end, kept) for index, end in sorted(self._ends.items())]
        return {**self._base("chat.completion"), "choices": choices, "usage": self.usage or None}

    def take(self, told: Mapping[str, Any]) -> None:
        """Take a whole answer; ``close`` and ``whole`` follow."""
        choices = [
            {
                "index": choice.get("index", 0),
                "delta": choice.get("message"),
                "finish_reason": choice.get("finish_reason"),
            }
            for choice in _list(told, "choices")
        ]
        self.feed({"choices": choices, "usage": told.get("usage"), "error": told.get("error")})

    def _whole(self, index: int, end: str, kept: Mapping[Any, CallAsked]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
        for field in TEXTS:
            if (text := self.collected.text((index, field))) is not None:
                message[field] = text
        mine = [call for name, call in kept.items() if name[0] == index]
        if mine:
            message["tool_calls"] = [_call(call) for call in mine]
        lost = not mine and any(name[0] == index for name in self.collected.calls())
        return {"index": index, "message": message, "logprobs": None, "finish_reason": FILTERED if lost else end}

    def _choice(self, choice: Mapping[str, Any]) -> list[dict[str, Any]]:
        index, delta = choice.get("index", 0), choice.get("delta") or {}
        if not isinstance(index, int) or not 0 <= index < self._choices or not isinstance(delta, dict):
            raise _malformed()
        out = []
        if index not in self._begun:
            self._begun.add(index)
            out.append(self._event(index, {"role": "assistant", "content": ""}))
        for field in TEXTS:
            text = delta.get(field)
            if text is None or text == "":
                continue
            if not isinstance(text, str) or index in self._ends:
                raise _malformed()
            if free := self.collected.feed((index, field), text):
                out.append(self._event(index, {field: free}))
        for number, call in enumerate(_list(delta, "tool_calls")):
            self._call(index, call, number)
        end = choice.get("finish_reason")
        if end is not None:
            self._ends[index] = end if isinstance(end, str) and end in _ENDS else "stop"
        return out

    def _call(self, index: int, call: Mapping[str, Any], number: int) -> None:
        inner, place = call.get("function") or {}, call.get("index", number)
        told = (call.get("id") or "", inner.get("name") or "", inner.get("arguments") or "")
        if index in self._ends or not isinstance(place, int) or not all(isinstance(text, str) for text in told):
            raise _malformed()
        self.collected.call((index, place), call_id=told[0], function=told[1], arguments=told[2])

    def _event(self, index: int, delta: dict[str, Any], end: str | None = None) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": end}
        return {**self._base("chat.completion.chunk"), "choices": [choice]}

    def _base(self, kind: str) -> dict[str, Any]:
        return {"id": self._head.id, "object": kind, "created": self._head.created, "model": self._head.model}

    def _count(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self.usage = counted(usage, ("prompt_tokens", "completion_tokens", "total_tokens"))


def counted(usage: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the counts of a usage, those that are counts."""
    told = {name: usage[name] for name in names if type(usage.get(name)) is int and 0 <= usage[name] < 2**40}
    return told if len(told) == len(names) else {}


def _call(call: CallAsked) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _list(told: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = told.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _malformed()
    return value


def _malformed() -> UnavailableError:
    return UnavailableError(MALFORMED, "the model's server sent an event that nobody understands")
