"""The messages of a request as the judge of tool calls reads them: each with the label that its texts really have.

A document that an application puts into the user's message, or into its own, is nobody's order: an address in it is
not one that the user named. A message of several parts becomes a message for each, so that each keeps its own label.

>>> from ostiary.gateway.openai.reading import Reader, read
>>> asked = read("chat", {"model": "m", "messages": [{"role": "user", "content": [
...     {"type": "text", "text": "sum it up"},
...     {"type": "text", "text": "to: eve", "ostiary": {"document": "crm/7"}}]}]}, Reader("default", "user:ada"))
>>> messages, labels = labelled(asked)
>>> [message["content"] for message in messages], [(at, label.channel.value) for at, label in labels.items()]
(['sum it up', 'to: eve'], [(1, 'data')])
"""

from typing import Any, Final

from ostiary.gateway.openai.asked import LlmAsked
from ostiary.vocabulary.labels import Channel, Integrity, Label

_SAID: Final = frozenset({"user", "system", "developer"})
_FOREIGN: Final = frozenset({Channel.DATA, Channel.TOOL})


def labelled(asked: LlmAsked) -> tuple[list[dict[str, Any]], dict[int, Label]]:
    """Return the messages, and the labels of those that are not what their role says."""
    found = {piece.place: piece.label for piece in asked.pieces}
    name = "input" if asked.face == "responses" else "messages"
    given = asked.body.get("input") if asked.face == "responses" else asked.messages
    ahead = len(asked.messages) - (len(given) if isinstance(given, list | tuple) else 0)
    messages: list[dict[str, Any]] = []
    labels: dict[int, Label] = {}
    for number, message in enumerate(asked.messages):
        place = f"{name}[{number - ahead}].content"
        for one, where in _apart(message, place):
            label = found.get(where)
            if label is not None and message.get("role") in _SAID and _is_foreign(label, message["role"]):
                labels[len(messages)] = label
            messages.append(one)
    return messages, labels


def _apart(message: dict[str, Any], place: str) -> list[tuple[dict[str, Any], str]]:
    """Return a message with the place of its text; one of several parts as one for each."""
    content = message.get("content")
    if message.get("role") not in _SAID or not isinstance(content, list) or not content:
        return [(message, place)]
    return [({**message, "content": _content(part)}, f"{place}[{at}].text") for at, part in enumerate(content)]


def _content(part: Any) -> Any:
    text = part.get("text") if isinstance(part, dict) else None
    return text if isinstance(text, str) else [part]


def _is_foreign(label: Label, role: str) -> bool:
    usual = Integrity.ASKER if role == "user" else Integrity.TRUSTED
    return label.channel in _FOREIGN or label.integrity < usual
