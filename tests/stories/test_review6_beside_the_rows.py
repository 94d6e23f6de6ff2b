"""A model in its own program gets the rows that were checked and recorded, and nothing of the caller's beside them."""

import asyncio
from typing import Any

import msgspec

from ostiary_sdk.inference import Begun, InferenceGuard, InferenceMiddleware


class Permitting(InferenceGuard):
    """A guard that lets everybody in, without a server."""

    def __init__(self) -> None:
        """Ask nobody."""

    async def begin(self, caller: Any, told: Any) -> Begun:
        del caller
        return Begun("prm_1", "dec_1", msgspec.Raw(msgspec.json.encode(told)))

    async def end(self, begun: Begun, answer: Any) -> dict[str, Any]:
        del begun
        found: dict[str, Any] = answer
        return found


def asked(**more: Any) -> Any:
    """Return the scope that the model's application saw."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"predictions": [1]}'})

    async def receive() -> Any:
        return {"type": "http.request", "body": b'{"instances": [{}]}', "more_body": False}

    async def send(message: Any) -> None:
        del message

    scope = {"type": "http", "method": "POST", "path": "/predict", "raw_path": b"/predict", "client": ("192.0.2.7", 1)}
    told = {"headers": [(b"authorization", b"Bearer a.b.c")], "query_string": b"", **more}
    asyncio.run(InferenceMiddleware(app, Permitting())({**scope, **told}, receive, send))
    return seen[0]


def test_no_question_beside_the_rows_reaches_the_model() -> None:
    assert asked(query_string=b"explain=true&output=weights")["query_string"] == b""


def test_headers_do_not_say_how_the_rows_are_to_be_read_or_answered() -> None:
    told = [
        (b"authorization", b"Bearer a.b.c"),
        (b"content-type", b"text/csv"),
        (b"x-model-version", b"3"),
        (b"x-http-method-override", b"DELETE"),
        (b"accept", b"application/x-pickle"),
        (b"host", b"fraud.example"),
        (b"traceparent", b"00-1-2-01"),
    ]
    headers = dict(asked(headers=told)["headers"])
    assert headers.pop(b"content-length").isdigit()
    assert headers == {
        b"content-type": b"application/json",
        b"accept": b"application/json",
        b"host": b"fraud.example",
        b"traceparent": b"00-1-2-01",
    }
