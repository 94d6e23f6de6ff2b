"""The HTTP face of a witness as a plain ASGI application, without any framework.

- ``POST /add-checkpoint`` takes submissions; ``GET /<origin hash>/checkpoint`` gives the newest cosigned checkpoint,
  ``GET /<origin hash>/history`` all that are remembered (ours, for verifiers).
- Bodies are bounded while they arrive; work that touches the disk runs in a thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from ostiary.audit.witness.judge import Answer
from ostiary.audit.witness.request import BODY_LIMIT
from ostiary.audit.witness.witness import Witness

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_TOO_LARGE: Final = Answer(413, b"the request is too large\n")
_NOT_FOUND: Final = Answer(404, b"not found\n")


class WitnessApp:
    """An ASGI application around one witness."""

    def __init__(self, witness: Witness) -> None:
        """Serve ``witness``."""
        self._witness = witness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await _send(send, await self._answer(scope, receive))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method, path = scope["method"], scope["path"]
        if (method, path) == ("POST", "/add-checkpoint"):
            body = await _body(receive)
            return _TOO_LARGE if body is None else await asyncio.to_thread(self._witness.add_checkpoint, body)
        place, _, what = path.removeprefix("/").partition("/")
        asked = {"checkpoint": self._witness.checkpoint, "history": self._witness.history}.get(what)
        if method != "GET" or asked is None:
            return _NOT_FOUND
        return await asyncio.to_thread(asked, place)


async def _body(receive: Receive) -> bytes | None:
    gathered = bytearray()
    more = True
    while more:
        message = await receive()
        gathered += message.get("body", b"")
        more = message.get("more_body", False)
        if len(gathered) > BODY_LIMIT:
            return None
    return bytes(gathered)


async def _send(send: Send, answer: Answer) -> None:
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
