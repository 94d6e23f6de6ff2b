"""What Django has that plain WSGI has not: streams of two kinds, ASGI, exceptions of views."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from tests.sdk import django_site
from tests.sdk.conftest import ALLOWED, FakePdp, say
from tests.sdk.test_middleware import BEARER, DENIED, QUICK, TOKEN, by_path

from ostiary_sdk import Client, watching
from ostiary_sdk.wsgi import StreamEndedError

ENVIRON: dict[str, Any] = {
    "REQUEST_METHOD": "GET", "PATH_INFO": "/docs/1", "SERVER_NAME": "app", "SERVER_PORT": "80",
    "HTTP_AUTHORIZATION": BEARER[1],
}  # fmt: skip


def falls(pdp: FakePdp) -> None:
    pdp.answer = say(DENIED["terminate"][0])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "BLIND_S", 0.0)
    # Django leaves the file of a body to the collector where an answer is cut.
    monkeypatch.setattr("django.core.handlers.asgi.tempfile.SpooledTemporaryFile", lambda **_: io.BytesIO())


def served(pdp: FakePdp, inside: Any) -> tuple[int, dict[str, str], bytes]:
    with Client(pdp.url, "pep-1.secret", QUICK) as client:
        return django_site.serve(inside, client, by_path, {**ENVIRON, "wsgi.input": io.BytesIO()})


def test_a_stream_is_whole_while_the_session_stands(pdp: FakePdp) -> None:
    assert served(pdp, lambda _: iter(["a", "b"]))[2] == b"ab"


def test_a_stream_ends_with_its_session(pdp: FakePdp) -> None:
    def pieces() -> Iterator[str]:
        yield "a"
        falls(pdp)
        yield "b"

    with pytest.raises(StreamEndedError):
        served(pdp, lambda _: pieces())


def test_an_answer_does_not_outlive_its_session(pdp: FakePdp) -> None:
    def slow(_: Any) -> str:
        falls(pdp)
        return "secret"

    status, _, body = served(pdp, slow)
    assert (status, b"secret" in body) == (503, False)


def test_other_exceptions_are_djangos_own(pdp: FakePdp) -> None:
    def broken(_: Any) -> str:
        raise KeyError("mine")

    assert served(pdp, broken)[0] == 500


def over_asgi(pdp: FakePdp, inside: Any, path: str = "/docs/1") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    headers = [(b"authorization", f"Bearer {TOKEN}".encode()), (b"x_ostiary_subject", b"root")]
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": headers, "client": ("192.0.2.7", 1), "server": ("app", 80), "http_version": "1.1"}
    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if asked:
            return asked.pop()
        await asyncio.sleep(3600)
        return None

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run(client: Client) -> None:
        django_site.guard(client, by_path)
        django_site.inside.append(inside)
        try:
            await ASGIHandler()(scope, receive, send)
        finally:
            django_site.inside.pop()

    with Client(pdp.url, "pep-1.secret", QUICK) as client:
        asyncio.run(run(client))
    return sent


def test_under_asgi_it_is_asked_too_and_async_streams_are_judged(pdp: FakePdp) -> None:
    seen: list[str] = []

    async def pieces() -> AsyncIterator[str]:
        yield "a"
        yield "b"

    def view(request: Any) -> AsyncIterator[str]:
        seen.extend(name.lower() for name in request.headers)
        return pieces()

    sent = over_asgi(pdp, view)
    assert sent[0]["status"] == 200
    assert b"".join(one.get("body", b"") for one in sent[1:]) == b"ab"
    assert [name for name in seen if "ostiary" in name] == []
    pdp.answer = say(ALLOWED)

    async def cut() -> AsyncIterator[str]:
        yield "a"
        falls(pdp)
        yield "b"

    with pytest.raises(StreamEndedError):
        over_asgi(pdp, lambda _: cut())


def test_under_asgi_a_path_of_two_readings_is_refused(pdp: FakePdp) -> None:
    assert over_asgi(pdp, lambda _: "ok", "/docs/%2e%2e/1")[0]["status"] == 400
    assert over_asgi(pdp, lambda _: "ok", "/elsewhere")[0]["status"] == 403
