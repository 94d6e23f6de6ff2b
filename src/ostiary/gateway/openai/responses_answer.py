"""Answers of ``/responses``, rebuilt from what was looked at, as one object or as its events.

Sans I/O, as ``chat_answer``. Texts leave as their scans let them; their ``done`` events tell what left, never what
came. Calls of functions and ``response.completed`` wait for ``finish``. What the server says back of the request (its
instructions, with our canary) is left out; kinds of events that are not known are dropped.
"""

from collections.abc import Mapping
from typing import Any, Final

from ostiary.errors import UnavailableError
from ostiary.gateway.openai.chat_answer import Head, counted
from ostiary.gateway.openai.collected import Collected
from ostiary.gateway.openai.events import MALFORMED
from ostiary.gateway.ports import CallAsked

_TEXT: Final = {
    "response.output_text.delta": "output_text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "summary_text",
}
_ENDS: Final = frozenset({"response.completed", "response.incomplete"})
_FAILED: Final = frozenset({"error", "response.failed", "response.cancelled"})
_NAMES: Final = {"output_text": "response.output_text", "refusal": "response.refusal"}
_MAX_ITEMS: Final = 256


class _Item:
    __slots__ = ("id", "kind", "parts")

    def __init__(self, item_id: str, kind: str) -> None:
        self.id, self.kind, self.parts = item_id, kind, dict[tuple[int, str], None]()


class ResponsesAnswer:
    """One answer, whole or in events."""

    def __init__(self, head: Head, collected: Collected, echoed: Mapping[str, Any]) -> None:
        """Say back ``echoed`` of the request."""
        self._head, self.collected, self._echoed = head, collected, dict(echoed)
        self._items: dict[int, _Item] = {}
        self._number = 0
        self._begun = False
        self._status = ""
        self._why: dict[str, Any] | None = None
        self.usage: dict[str, Any] = {}

    def feed(self, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take one event of the model's server and return what may leave now.

        Raises:
            Stopped: nothing more may leave.
            UnavailableError: ``upstream_malformed``, or ``upstream_failed`` when the server says so itself.
        """
        kind = str(told.get("type"))  # a list is no kind that there is
        if kind in _FAILED or self._status:
            raise UnavailableError("upstream_failed", "the model's server broke off its answer")
        out = self._begin()
        if kind == "response.output_item.added":
            self._item(told)
        elif kind in _TEXT:
            out += self._delta(told, _TEXT[kind])
        elif kind == "response.function_call_arguments.delta":
            self._call(told, _text(told, "delta"))
        elif kind == "response.output_item.done":
            out += self._item_done(told)
        elif kind in _ENDS:
            self._end(told)
        return out

    def close(self) -> list[dict[str, Any]]:
        """Return what was held back, looked at, and the ends of all texts.

        Raises:
            Stopped: it may not leave.
            UnavailableError: ``upstream_cut``: the server ended in the middle.
        """
        if not self._status:
            raise UnavailableError("upstream_cut", "the model's server ended before its answer did")
        return [out for place in self._items for out in self._close_item(place)]

    def finish(self, kept: Mapping[Any, CallAsked]) -> list[dict[str, Any]]:
        """Return the last events, with the calls that were judged fit to leave."""
        out: list[dict[str, Any]] = []
        for place, call in kept.items():
            item = self._function(place, call)
            where = {"item_id": item["id"], "output_index": place}
            begun = {**item, "arguments": "", "status": "in_progress"}
            out.append(self._event("response.output_item.added", output_index=place, item=begun))
            out.append(self._event("response.function_call_arguments.delta", **where, delta=call.arguments))
            done = {"name": call.name, "arguments": call.arguments}
            out.append(self._event("response.function_call_arguments.done", **where, **done))
            out.append(self._event("response.output_item.done", output_index=place, item=item))
        out.append(self._event(f"response.{self._status}", response=self.whole(kept)))
        return out

    def whole(self, kept: Mapping[Any, CallAsked]) -> dict[str, Any]:
        """Return the answer as one object."""
        output = []
        for place, item in sorted(self._items.items()):
            if item.kind == "function_call":
                if place in kept:
                    output.append(self._function(place, kept[place]))
            else:
                output.append(self._written(place, item))
        return self._response(self._status or "in_progress", output)

    def take(self, told: Mapping[str, Any]) -> None:
        """Take a whole answer; ``close`` and ``whole`` follow."""
        if told.get("error") or told.get("status") not in ("completed", "incomplete"):
            raise UnavailableError("upstream_failed", "the model's server broke off its answer")
        self._begun = True
        for place, item in enumerate(_objects(told.get("output"))):
            self._item({"output_index": place, "item": item})
            if item.get("type") == "function_call":
                self._call({"output_index": place}, _text(item, "arguments"))
                continue
            for number, part in enumerate([*_objects(item.get("content")), *_objects(item.get("summary"))]):
                kind = str(part.get("type"))
                if kind in {"output_text", "refusal", "summary_text"}:
                    text = _text(part, "refusal" if kind == "refusal" else "text")
                    self._feed(place, number, kind, text)
        self._end({"type": f"response.{told['status']}", "response": told})

    # Events.

    def _begin(self) -> list[dict[str, Any]]:
        if self._begun:
            return []
        self._begun = True
        response = self._response("in_progress", [])
        return [self._event(f"response.{kind}", response=response) for kind in ("created", "in_progress")]

    def _item(self, told: Mapping[str, Any]) -> None:
        """Remember an item; it is told of when something of it leaves."""
        place, item = _index(told, "output_index"), told.get("item")
        if not isinstance(item, dict) or place in self._items or len(self._items) >= _MAX_ITEMS:
            raise _malformed()
        kind = str(item.get("type"))
        if kind not in {"message", "function_call", "reasoning"}:
            return  # what its own server ran is not served here
        prefix = {"message": "msg", "function_call": "fc", "reasoning": "rs"}[kind]
        self._items[place] = _Item(f"{prefix}_{self._head.id.removeprefix('resp_')}_{place}", kind)
        if kind == "function_call":
            name, call = item.get("name"), item.get("call_id") or item.get("id")
            if not isinstance(name, str) or not isinstance(call, str):
                raise _malformed()
            self.collected.call(place, call_id=call, function=name)

    def _delta(self, told: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
        place = _index(told, "output_index")
        number = _index(told, "summary_index" if kind == "summary_text" else "content_index")
        return self._feed(place, number, kind, _text(told, "delta"))

    def _feed(self, place: int, number: int, kind: str, text: str) -> list[dict[str, Any]]:
        item = self._items.get(place)
        if item is None or item.kind == "function_call" or not 0 <= number < _MAX_ITEMS:
            raise _malformed()
        out = [] if item.parts or kind == "summary_text" else [self._added(place, item)]
        if (number, kind) not in item.parts:
            item.parts[number, kind] = None
            out += self._part("added", place, item, number, kind, "")
        free = self.collected.feed((place, number, kind), text) if text else ""
        return out + self._released(place, item, number, kind, free)

    def _released(self, place: int, item: _Item, number: int, kind: str, free: str) -> list[dict[str, Any]]:
        if not free or kind == "summary_text":
            return []
        where = {"item_id": item.id, "output_index": place, "content_index": number}
        more: dict[str, Any] = {"logprobs": []} if kind == "output_text" else {}
        return [self._event(f"{_NAMES[kind]}.delta", **where, delta=free, **more)]

    def _added(self, place: int, item: _Item) -> dict[str, Any]:
        begun = {"id": item.id, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        return self._event("response.output_item.added", output_index=place, item=begun)

    def _part(self, what: str, place: int, item: _Item, number: int, kind: str, text: str) -> list[dict[str, Any]]:
        if kind == "summary_text":
            return []
        where = {"item_id": item.id, "output_index": place, "content_index": number}
        return [self._event(f"response.content_part.{what}", **where, part=_written(kind, text))]

    def _item_done(self, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        place, told_item = _index(told, "output_index"), told.get("item")
        item = self._items.get(place)
        if item is None or not isinstance(told_item, dict):
            return []
        if item.kind == "function_call":
            if not self.collected.calls()[place].arguments:  # a server that sends no deltas tells them here
                self._call(told, _text(told_item, "arguments"))
            return []
        return self._close_item(place)

    def _close_item(self, place: int) -> list[dict[str, Any]]:
        item, out = self._items[place], list[dict[str, Any]]()
        if item.kind != "message" or not item.parts:
            for number, kind in item.parts:
                self.collected.close((place, number, kind))
            return out
        for number, kind in item.parts:
            name = (place, number, kind)
            out += self._released(place, item, number, kind, self.collected.close(name))
            text = self.collected.text(name) or ""
            where = {"item_id": item.id, "output_index": place, "content_index": number}
            more = {"text": text, "logprobs": []} if kind == "output_text" else {"refusal": text}
            out.append(self._event(f"{_NAMES[kind]}.done", **where, **more))
            out += self._part("done", place, item, number, kind, text)
        out.append(self._event("response.output_item.done", output_index=place, item=self._written(place, item)))
        item.kind = "message done"
        return out

    def _call(self, told: Mapping[str, Any], arguments: str) -> None:
        place = _index(told, "output_index")
        if place not in self._items or self._items[place].kind != "function_call":
            raise _malformed()
        self.collected.call(place, arguments=arguments)

    def _end(self, told: Mapping[str, Any]) -> None:
        response = told.get("response")
        self._status = str(told["type"]).removeprefix("response.")
        if not isinstance(response, dict):
            return
        usage, why = response.get("usage"), response.get("incomplete_details")
        if isinstance(usage, dict):
            self.usage = counted(usage, ("input_tokens", "output_tokens", "total_tokens"))
        if isinstance(why, dict) and why.get("reason") in ("max_output_tokens", "content_filter"):
            self._why = {"reason": why["reason"]}

    # Objects.

    def _written(self, place: int, item: _Item) -> dict[str, Any]:
        texts = [(kind, self.collected.text((place, number, kind)) or "") for number, kind in item.parts]
        if item.kind == "reasoning":
            return {
                "id": item.id,
                "type": "reasoning",
                "summary": [{"type": kind, "text": text} for kind, text in texts],
            }
        content = [_written(kind, text) for kind, text in texts]
        return {"id": item.id, "type": "message", "role": "assistant", "status": "completed", "content": content}

    def _function(self, place: int, call: CallAsked) -> dict[str, Any]:
        told = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
        return {"id": self._items[place].id, "type": "function_call", "status": "completed", **told}

    def _response(self, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
        usage = self.usage or None
        if usage is not None:
            details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
            usage = {**usage, **details}
        return {
            "id": self._head.id,
            "object": "response",
            "created_at": self._head.created,
            "status": status,
            "model": self._head.model,
            "output": output,
            "error": None,
            "incomplete_details": self._why,
            "instructions": None,
            "metadata": {},
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "temperature": None,
            "top_p": None,
            **self._echoed,
            "usage": usage,
        }

    def _event(self, kind: str, **more: Any) -> dict[str, Any]:
        self._number += 1
        return {"type": kind, "sequence_number": self._number - 1, **more}


def _written(kind: str, text: str) -> dict[str, Any]:
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _objects(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _malformed()
    return value


def _index(told: Mapping[str, Any], name: str) -> int:
    value = told.get(name, 0)
    if type(value) is not int or not 0 <= value < _MAX_ITEMS:
        raise _malformed()
    return value


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name) or ""
    if not isinstance(value, str):
        raise _malformed()
    return value


def _malformed() -> UnavailableError:
    return UnavailableError(MALFORMED, "the model's server sent an event that nobody understands")
