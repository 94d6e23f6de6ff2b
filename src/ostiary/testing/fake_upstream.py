"""A fake model's server that speaks OpenAI's protocol: says what a script says, cut and faulty as it is told.

    with FakeUpstream(lambda body: chat_script("Hello there")) as upstream:
        httpx.post(upstream.url + "/chat/completions", json={"model": "fake", "messages": [...]})

It is no model: it knows nothing, and says so in its name. ``python -m ostiary.testing.fake_upstream`` runs it alone,
for benchmarks.
"""

import argparse
import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import msgspec

NAME: Final = "fake-upstream"
_END: Final = b"\r\n\r\n"
_JOIN_S: Final = 10.0
JSON: Final = "application/json"
SSE: Final = "text/event-stream"


class Script(msgspec.Struct, frozen=True):
    """One answer: what is written, in which pieces, and how.

    Attributes:
        pieces: bytes of the body, each written by itself.
        kind: content type.
        status: status.
        headers: further headers, as they are written.
        pause_s: time before each piece.
        hang: whether it stays open at the end without ending.
        cut: whether the connection is cut after the last piece, without its end.
        raw: all bytes of the answer, head included, instead of everything else.
    """

    pieces: tuple[bytes, ...] = ()
    kind: str = JSON
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    pause_s: float = 0.0
    hang: bool = False
    cut: bool = False
    raw: bytes = b""


Say = Callable[[dict[str, Any]], Script]


def sse(
    events: Iterable[dict[str, Any]], *, done: bool = True, size: int = 0, named: bool = False
) -> tuple[bytes, ...]:
    """Return events as pieces: one each, or cut anew every ``size`` bytes."""
    written = [
        (f"event: {one['type']}\n" if named else "").encode() + b"data: " + msgspec.json.encode(one) + b"\n\n"
        for one in events
    ]
    if done:
        written.append(b"data: [DONE]\n\n")
    whole = b"".join(written)
    return tuple(whole[at : at + size] for at in range(0, len(whole), size)) if size else tuple(written)


def chat_chunks(
    texts: Sequence[str], calls: Sequence[tuple[str, str, str]] = (), usage: tuple[int, int] | None = (10, 5)
) -> list[dict[str, Any]]:
    """Return the chunks of a chat that says ``texts``, then makes ``calls`` (id, name, arguments)."""
    base = {"id": "chatcmpl-upstream", "object": "chat.completion.chunk", "created": 1, "model": "upstream-model"}

    def chunk(delta: dict[str, Any], end: str | None = None) -> dict[str, Any]:
        return {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}

    out = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": text}) for text in texts)]
    for number, (call, name, arguments) in enumerate(calls):
        out.append(chunk({"tool_calls": [_call(number, call, name, "")]}))
        half = len(arguments) // 2
        halves = (arguments[:half], arguments[half:])
        out += [chunk({"tool_calls": [{"index": number, "function": {"arguments": one}}]}) for one in halves]
    out.append(chunk({}, "tool_calls" if calls else "stop"))
    if usage:
        out.append({**base, "choices": [], "usage": _usage(usage)})
    return out


def chat_answer(
    text: str | None, calls: Sequence[tuple[str, str, str]] = (), usage: tuple[int, int] | None = (10, 5)
) -> dict[str, Any]:
    """Return a whole answer of a chat."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [_call(number, *call) for number, call in enumerate(calls)]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    told = {"usage": _usage(usage)} if usage else {}
    return {"id": "chatcmpl-upstream", "object": "chat.completion", "created": 1, "choices": [choice], **told}


def responses_events(texts: Sequence[str], calls: Sequence[tuple[str, str, str]] = ()) -> list[dict[str, Any]]:
    """Return the events of a response that says ``texts``, then makes ``calls``."""
    item = {"id": "msg_up", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    place = {"item_id": "msg_up", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    whole = "".join(texts)
    out: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "resp_up", "instructions": "secret", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **place, "part": part},
        *({"type": "response.output_text.delta", **place, "delta": text} for text in texts),
        {"type": "response.output_text.done", **place, "text": whole},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {**item, "content": [{**part, "text": whole}]},
        },
    ]
    for number, (call, name, arguments) in enumerate(calls, 1):
        function = {"id": f"fc_{number}", "type": "function_call", "call_id": call, "name": name, "arguments": ""}
        out.append({"type": "response.output_item.added", "output_index": number, "item": function})
        out.append({"type": "response.function_call_arguments.delta", "output_index": number, "delta": arguments})
        done = {**function, "arguments": arguments}
        out.append({"type": "response.output_item.done", "output_index": number, "item": done})
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    out.append({"type": "response.completed", "response": {"id": "resp_up", "status": "completed", "usage": usage}})
    return out


def chat_script(*texts: str, calls: Sequence[tuple[str, str, str]] = (), stream: bool = False, **more: Any) -> Script:
    """Return what says ``texts`` to a chat, whole or streaming."""
    if stream:
        size = more.pop("size", 0)
        return Script(sse(chat_chunks(texts, calls), size=size), kind=SSE, **more)
    return Script((msgspec.json.encode(chat_answer("".join(texts) or None, calls)),), **more)


def obedient(body: dict[str, Any]) -> Script:
    """Return the usual script: says back the last user's words, whole or word by word, to chats and responses."""
    if "input" in body and "messages" not in body:
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        if texts and isinstance(texts[0], str):
            data = [
                {"object": "embedding", "index": n, "embedding": [float(len(text)), 1.0]}
                for n, text in enumerate(texts)
            ]
            return Script((msgspec.json.encode({"data": data, "usage": {"prompt_tokens": 3, "total_tokens": 3}}),))
        said = _words(texts[-1].get("content") or "")
        if body.get("stream"):
            return Script(sse(responses_events(said), done=False, named=True), kind=SSE)
        part = {"type": "output_text", "text": "".join(said), "annotations": []}
        output = [{"type": "message", "role": "assistant", "content": [part]}]
        usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
        return Script((msgspec.json.encode({"status": "completed", "output": output, "usage": usage}),))
    said = _words(body["messages"][-1].get("content") or "")
    return chat_script(*said, stream=bool(body.get("stream")))


class FakeUpstream:
    """One fake server on a free port of this machine."""

    def __init__(self, say: Say = obedient) -> None:
        """Answer with what ``say`` says to each body; it may be replaced at any time."""
        self.say = say
        self.asked: list[dict[str, Any]] = []
        self.heads: list[str] = []
        self.open = 0
        self.cut_off = 0
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        """Start it."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(_JOIN_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(_JOIN_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_JOIN_S)
        self._loop.close()

    async def listen(self, port: int) -> asyncio.Server:
        """Listen in the running loop."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", port, limit=1 << 24)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _start(self) -> None:
        self._server = await self.listen(0)

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        gone = (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError)
        with contextlib.suppress(*gone):  # whoever asked has left, or the test is over
            await self._questions(reader, writer)
        writer.close()
        with contextlib.suppress(*gone):
            await writer.wait_closed()

    async def _questions(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        goes_on = True
        while goes_on:
            head = (await reader.readuntil(_END)).decode("latin-1")
            lines = (line.lower().partition(":") for line in head.split("\r\n"))
            length = next(int(value) for name, _, value in lines if name == "content-length")
            body = json.loads(await reader.readexactly(length))
            self.heads.append(head)
            self.asked.append(body)
            del self.heads[:-64], self.asked[:-64]
            goes_on = await self._answer(self.say(body), reader, writer)

    async def _answer(self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Write one answer; return whether the connection goes on."""
        self.open += 1
        try:
            return await self._written(script, reader, writer)
        finally:
            self.open -= 1

    async def _written(self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if script.raw:
            writer.write(script.raw)
            await writer.drain()
            return False
        chunked = script.kind == SSE or script.hang or script.cut
        length = "transfer-encoding: chunked" if chunked else f"content-length: {sum(map(len, script.pieces))}"
        lines = [f"HTTP/1.1 {script.status} X", f"content-type: {script.kind}", length]
        lines += [f"{name}: {value}" for name, value in script.headers]
        head = ("\r\n".join(lines)).encode() + _END
        if not script.pause_s and not script.hang and not script.cut:
            body = b"".join(b"%x\r\n%b\r\n" % (len(one), one) if chunked else one for one in script.pieces)
            writer.write(head + body + (b"0\r\n\r\n" if chunked else b""))
            await writer.drain()
            return True
        writer.write(head)
        for one in script.pieces:
            if script.pause_s:
                await asyncio.sleep(script.pause_s)
            if writer.is_closing() or reader.at_eof():
                self.cut_off += 1
                return False
            writer.write(b"%x\r\n%b\r\n" % (len(one), one) if chunked else one)
            await writer.drain()
        if script.hang:
            await reader.read(1)
            self.cut_off += 1
            return False
        if script.cut:
            return False
        writer.write(b"0\r\n\r\n" if chunked else b"")
        await writer.drain()
        return True


def _call(number: int, call: str, name: str, arguments: str) -> dict[str, Any]:
    return {"index": number, "id": call, "type": "function", "function": {"name": name, "arguments": arguments}}


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}


def _words(content: Any) -> list[str]:
    text = content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)
    words = text.split(" ")
    return [f"{word} " for word in words[:-1]] + words[-1:]


def main() -> None:
    """Serve alone until killed, and print where."""
    parser = argparse.ArgumentParser(description="a fake model's server, for benchmarks")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--words", type=int, default=24, help="words of each answer")
    options = parser.parse_args()
    texts = ["word "] * options.words
    whole, streamed = chat_script("".join(texts)), chat_script(*texts, stream=True)
    upstream = FakeUpstream(lambda body: streamed if body.get("stream") else whole)

    async def run() -> None:
        server = await upstream.listen(options.port)
        print(upstream.url, flush=True)  # noqa: T201 - whoever started it reads this
        await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main()
