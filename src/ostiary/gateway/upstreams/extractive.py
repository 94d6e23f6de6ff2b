"""The model that needs no server: it answers with sentences of what it was given, and invents nothing.

It is named as what it is, ``embedded-extractive``: of the documents and tool results in the request (or of the
messages, where there are none) it returns the sentences that share most words with the last question. It follows no
instruction, calls no tool and knows nothing. Good for trying out the gateway, for tests, and where no model may be.

>>> messages = [{"role": "user", "content": "Notes: The key lies under the mat. Paris is far."},
...             {"role": "user", "content": "Where is the key?"}]
>>> extract(messages)
'The key lies under the mat.'
"""

import asyncio
import base64
import re
import struct
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.gateway.upstreams.ports import ToUpstream

NAME: Final = "embedded-extractive"
NOTHING: Final = "Nothing in what I was given answers that."
_MAX_TEXT: Final = 200_000
_MAX_SENTENCES: Final = 2000
_SENTENCES: Final = 2
_WORD: Final = re.compile(r"[^\W_]{3,40}")
_END: Final = re.compile(r"(?<=[.!?。])\s+|\n+")
_LEAD: Final = re.compile(r"^\w{1,20}:\s+")
_COMMON: Final = frozenset(
    {"and", "are", "can", "did", "does", "for", "how", "that", "the", "this", "was", "were", "what"}
    | {"when", "where", "which", "who", "why", "with", "you"}
)
Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]


def extract(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the sentences that answer the last question best."""
    texts = [(message.get("role"), _text(message.get("content"))) for message in messages]
    asked = next((number for number in range(len(texts) - 1, -1, -1) if texts[number][0] == "user"), None)
    if asked is None:
        return NOTHING
    wanted = _words(texts[asked][1])
    given = [text for number, (role, text) in enumerate(texts) if number != asked and role in {"user", "tool"}]
    own = [] if given else [texts[asked][1]]
    sentences = [one for text in (*given, *own) for one in _END.split(text[:_MAX_TEXT])][:_MAX_SENTENCES]
    scored = [(len(wanted & _words(one)), -number, one) for number, one in enumerate(sentences)]
    best = sorted((one for one in scored if one[0]), reverse=True)[:_SENTENCES]
    most = best[0][0] if best else 0
    chosen = sorted((one for one in best if one[0] * 2 > most), key=lambda one: -one[1])
    return " ".join(_LEAD.sub("", text.strip()) for _, _, text in chosen) or NOTHING


class ExtractiveUpstream:
    """Answers inside this process; embeddings by ``embed``, where there is one."""

    def __init__(self, embed: Embed | None = None) -> None:
        """Embed with ``embed``."""
        self._embed = embed

    async def whole(self, asked: ToUpstream) -> dict[str, Any]:
        """Return the whole answer."""
        body = asked.body
        if asked.face == "embeddings":
            return await asyncio.to_thread(self._embeddings, body)
        if asked.face == "chat":
            text = extract(body["messages"])
            message = {"role": "assistant", "content": text}
            choices = [{"index": n, "message": message, "finish_reason": "stop"} for n in range(body.get("n") or 1)]
            return {"choices": choices}
        text = extract(_messages(body))
        part = {"type": "output_text", "text": text, "annotations": []}
        return {"status": "completed", "output": [{"type": "message", "role": "assistant", "content": [part]}]}

    async def events(self, asked: ToUpstream) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the answer word by word."""
        if asked.face == "chat":
            answer = await self.whole(asked)
            for choice in answer["choices"]:
                for piece in _pieces(choice["message"]["content"]):
                    yield {"choices": [{"index": choice["index"], "delta": {"content": piece}}]}
                yield {"choices": [{"index": choice["index"], "delta": {}, "finish_reason": "stop"}]}
            return
        text, place = extract(_messages(asked.body)), {"output_index": 0, "content_index": 0}
        yield {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}}
        for piece in _pieces(text):
            yield {"type": "response.output_text.delta", **place, "delta": piece}
        yield {"type": "response.completed", "response": {}}

    async def close(self) -> None:
        """Nothing is open."""

    def _embeddings(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if self._embed is None:
            raise FaultyInputError("unsupported_value", "this model makes no embeddings here", "model")
        vectors = self._embed(body["input"])
        if body.get("dimensions") not in (None, *map(len, vectors)):
            raise FaultyInputError("unsupported_value", "this model's vectors have one length", "dimensions")
        form = _packed if body.get("encoding_format") == "base64" else list
        data = [{"object": "embedding", "index": number, "embedding": form(one)} for number, one in enumerate(vectors)]
        return {"object": "list", "data": data}


def _packed(vector: Sequence[float]) -> str:
    """Return a vector as clients unpack it: 32-bit numbers, the low byte first."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the items of a request to ``/responses`` as messages."""
    items = [{"role": "system", "content": body.get("instructions")}]
    for item in body["input"]:
        tool = item.get("type") == "function_call_output"
        items.append({"role": "tool", "content": item.get("output")} if tool else item)
    return items


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text[:_MAX_TEXT])} - _COMMON


def _pieces(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*$|\s*\S+", text)
