"""Strangers who send slowly fill the door: they hold no place, and neither does a slow body of somebody known."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from tests.stories.inference_scene import Person
from tests.stories.llm_scene import HELLO, LlmScene, open_llm


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlmScene]:
    yield from open_llm(tmp_path_factory.mktemp("slow") / "data", in_flight=2)


def _slow(llm: LlmScene, token: str, length: int) -> socket.socket:
    """Begin a request whose body does not come."""
    place = urlsplit(llm.server.url)
    one = socket.create_connection((place.hostname or "", place.port or 0), timeout=10)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n{{"
    )
    one.sendall(head.encode())
    return one


@pytest.mark.parametrize("length", [1000, 200_000])
@pytest.mark.parametrize("known", [False, True])
def test_who_sends_slowly_keeps_nobody_out(llm: LlmScene, *, known: bool, length: int) -> None:
    with ExitStack() as open_:
        for number in range(4):
            token = Person(llm.scene, "eve").token(bound=False) if known else f"not.a.token{number}"
            open_.enter_context(_slow(llm, token, length))
        answer = llm.client().chat.completions.create(model="fake", messages=HELLO)  # type: ignore[arg-type]
        assert answer.choices[0].message.content == "hello there"
