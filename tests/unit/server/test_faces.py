"""Faces: the longest path wins, a stream ends with its caller's interest, a malformed query is a plain 400."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from ostiary.errors import FaultyInputError
from ostiary.server.app import App
from ostiary.server.chores import Chore
from ostiary.server.wire import Reply, Request, StreamReply, query_of


class Named:
    def __init__(self, name: str, *prefixes: str) -> None:
        self.name = name
        self.prefixes = prefixes

    async def answer(self, request: Request) -> Reply | StreamReply:
        if request.query.get("stream"):
            return StreamReply(200, self.pieces())
        return Reply(200, self.name.encode())

    async def pieces(self) -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    def chores(self) -> Sequence[Chore]:
        return ()


async def nothing() -> None:
    """Start and stop with nothing to do."""


def ask(path: str, query: bytes = b"") -> list[Any]:
    async def away(*_: object) -> Reply:
        return Reply(404)

    public = type("Public", (), {"answer": away})()
    faces = [Named("wide", "/step-up"), Named("narrow", "/step-up/static", "/.well-known/ssf-configuration")]
    app = App(public, public, None, faces, start=nothing, stop=nothing, on_fault=lambda _reason, fault: None)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [],
        "query_string": query,
        "client": None,
    }
    asyncio.run(app(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/step-up", b"wide"),
        ("/step-up/acme/dec_1", b"wide"),
        ("/step-up/static/a.css", b"narrow"),
        ("/step-up/staticity", b"wide"),
        ("/.well-known/ssf-configuration", b"narrow"),
        ("/.well-known/ssf-configuration/issuer", b"narrow"),
    ],
)
def test_the_longest_path_answers(path: str, name: bytes) -> None:
    assert ask(path)[1]["body"] == name


def test_a_path_that_only_begins_alike_is_nobodys() -> None:
    assert ask("/step-upper")[0]["status"] == 404


def test_a_stream_comes_in_pieces_and_ends() -> None:
    _, *pieces = ask("/step-up", b"stream=1")
    assert [piece["body"] for piece in pieces] == [b"one", b"two", b""]
    assert [piece.get("more_body", False) for piece in pieces] == [True, True, False]


@pytest.mark.parametrize("query", [b"a=1&a=2", b"a=%ff", b"\xff=1", b"&".join(b"k%d=1" % n for n in range(40))])
def test_a_malformed_query_is_refused(query: bytes) -> None:
    with pytest.raises(FaultyInputError, match="query string"):
        query_of(query)
    start = ask("/step-up", query)[0]
    assert start["status"] == 400


def test_a_query_is_decoded_once() -> None:
    assert query_of(b"a=%2541&b=") == {"a": "%41", "b": ""}
