"""Every face of the server is asked odd things: no answer is a 500, and each error has a stable code.

What ``/api/v1`` promises is held by ``test_admin_openapi.py``, by schemathesis. The other faces are asked here, from
``tests/fuzz/routes.py``: an ordinary request, changed in path, query, method, headers and body. Each is put to the
application as a server would put it, without a socket. ``OSTIARY_FACES_S`` makes it longer; `just fuzz-faces` does.
"""

import asyncio
import json
import os
import socket
import time
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from tests.fuzz.harness import CODE
from tests.fuzz.mutating import mutate
from tests.fuzz.routes import ROUTES, Route

from ostiary.identity.exchange.details import AccessDetail
from ostiary.server.app import ENDPOINTS
from ostiary.server.console.people import enter
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.testing.console import FakeBrowser
from ostiary.testing.exchange_scene import GUARDRAILS, PEOPLE, sections
from ostiary.testing.issuer import FakeHolder
from ostiary.testing.pipeline import PipelineCaller

SECONDS = float(os.environ.get("OSTIARY_FACES_S", "0"))
EACH = 4
SEED = int(os.environ.get("OSTIARY_FACES_SEED", "10"))
LATE_S, SHORT_S = 30.0, 0.2  # until an answer begins; how long a stream may go on before it is left
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW")
KINDS = {"datasets": "dataset.read", "features": "features.read", "models": "model.read", "training": "train.run"}
TYPES = {"datasets": "dataset", "features": "feature_set", "models": "model", "training": "training"}
HEADERS = (
    b"range", b"if-match", b"if-none-match", b"repr-digest", b"x-request-id", b"x-forwarded-for", b"forwarded",
    b"cookie", b"accept", b"origin", b"content-length", b"idempotency-key", b"mcp-session-id", b"last-event-id",
    b"host", b"dpop", b"x-stainless-os", b"if-range", b"mcp-protocol-version", b"authorization", b"content-type",
)  # fmt: skip
# AuthZEN 1.0 §11: the body of an error is a sentence; the code is in the record. Pages are words for people.
SENTENCES = tuple(ENDPOINTS)
PAGES = ("text/html", "text/plain", "text/javascript")


EVERYBODY = """
allow contains {"rule": "everybody"} if input.action.name
"""


class Told(NamedTuple):
    """What was answered."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Faces:
    """The server, and whoever asks it."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.public = server.house.settings.server.public_url
        self.holder = FakeHolder()
        self.stage = PipelineCaller(server.house.ring, server.house.clock, self.public)
        self.browser = self._signed_in()
        self.csrf = self.browser.csrf

    def _signed_in(self) -> FakeBrowser:
        """Return the browser of somebody who may do anything."""
        house, subject = self.server.house, "user:owner"
        enter(house, "default", subject, ["owner"], COMMAND_LINE, deployment=True)
        browser = FakeBrowser(self.server.url, page_base(house.settings), "owner", "default")
        browser.enrol(invite(house, "default", subject, COMMAND_LINE).url)
        browser.sign_in().raise_for_status()
        return browser

    def headers(self, route: Route, path: str, method: str) -> list[tuple[bytes, bytes]]:
        """Return what proves the caller; the proofs are for this very request, so that it gets past them."""
        now_ns = self.server.house.clock.now_ns()
        plain = path.partition("?")[0]
        if route.caller in {"pep", "admin"}:
            key = self.server.pep_key if route.caller == "pep" else self.server.admin_key
            return [(b"authorization", f"Bearer {key}".encode())]
        if route.caller == "person":
            bound = {} if plain.startswith(("/v1", "/mcp", "/llm")) else {"cnf": self.holder.confirmation}
            token = PEOPLE.token(now_ns, sub="alice", sid="s", auth_time=now_ns // 10**9, **bound)
            if not bound:
                return [(b"authorization", f"Bearer {token}".encode())]
            return self._proven(token, self.holder.proof(now_ns, token, method, self.public + plain))
        if route.caller == "stage":
            door = route.path.split("/")[3] if route.path.startswith("/pipeline/") else "datasets"
            kind = TYPES.get(door, "endpoint")
            detail = AccessDetail(
                f"ostiary_{kind}",  # type: ignore[arg-type] # one of the five
                "sales",
                (KINDS.get(door, "endpoint.predict"),),
                datatypes=("*",) if door == "features" else (),
                purpose="fraud",
                stage="serve",
            )
            told = self.stage.headers(method, self.public + plain, self.stage.token(detail))
            return [(name.lower().encode(), value.encode()) for name, value in told.items()]
        if route.caller == "browser":
            return [(b"cookie", self.browser.cookie.encode()), (b"origin", self.public.encode())]
        return []

    @staticmethod
    def _proven(token: str, proof: str) -> list[tuple[bytes, bytes]]:
        return [(b"authorization", f"DPoP {token}".encode()), (b"dpop", proof.encode())]

    def ask(self, method: str, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> Told:
        """Put one request to the application, in its own loop."""
        raw, _, query = target.partition(b"?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": method,
            "path": unquote(raw.decode("latin-1"), errors="replace"), "raw_path": raw, "query_string": query,
            "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        sent: list[dict[str, Any]] = []

        async def talk() -> None:
            waiting, begun = asyncio.Event(), asyncio.Event()
            messages = iter([{"type": "http.request", "body": body, "more_body": False}])

            async def receive() -> dict[str, Any]:
                for message in messages:
                    return message
                await waiting.wait()  # the caller stays
                return {"type": "http.disconnect"}

            async def send(message: dict[str, Any]) -> None:
                sent.append(message)
                begun.set()

            task = asyncio.ensure_future(self.server.assembly.app(scope, receive, send))
            begins = asyncio.ensure_future(begun.wait())
            await asyncio.wait([task, begins], timeout=LATE_S, return_when=asyncio.FIRST_COMPLETED)
            begins.cancel()
            _, running = await asyncio.wait([task], timeout=SHORT_S)
            if running:  # a stream that goes on: its head has said what is asked here
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            else:
                task.result()

        asyncio.run_coroutine_threadsafe(talk(), self.server.loop).result(60)
        start = next(one for one in sent if one["type"] == "http.response.start")
        whole = b"".join(one.get("body", b"") for one in sent if one["type"] == "http.response.body")
        return Told(start["status"], dict(start["headers"]), whole)


@pytest.fixture(scope="module")
def faults() -> list[Any]:
    return []


@pytest.fixture(scope="module")
def faces(start_server: Any, faults: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faces]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lake = tmp_path_factory.mktemp("lake").resolve()
    model = {"name": "fake", "upstream": "fake", "kinds": ["chat", "embeddings"]}
    told = sections(
        tmp_path_factory.mktemp("keys"),
        datasets={"roots": [str(lake)]},
        biometrics={"enabled": True},
        access_requests={"types": ["*"]},
        llm={"upstreams": [{"name": "fake", "base_url": "http://127.0.0.1:9/v1"}], "models": [model]},
        mcp={"servers": {"mail": {"url": "http://127.0.0.1:9/mcp"}}},
        ssf={"allow_http_loopback": True},
        admission={"api_servers": ["pep-1"]},
        server={"receive_timeout_s": 5, "public_url": f"http://localhost:{port}"},
    )
    faces = Faces(start_server(**{**told, "guardrails": GUARDRAILS + EVERYBODY}, on_port=port, faults=faults))
    yield faces
    faces.browser.client.close()


def odd(random: Random, faces: Faces, route: Route) -> tuple[str, bytes, list[tuple[bytes, bytes]], bytes]:
    """Return the route's request with something odd about it, seldom everything."""
    method = random.choice(METHODS) if random.random() < 0.08 else route.method
    target = route.path.encode()
    if random.random() < 0.3:
        target = b"/" + mutate(random, target[1:]).replace(b"\n", b"").replace(b" ", b"%20")[:2_000]
    body, kind = route.body, route.content_type.encode()
    signed = f"csrf={faces.csrf}&".encode() if route.caller == "browser" and body else b""
    if random.random() < 0.75 and (body or random.random() < 0.1):
        body = mutate(random, body)
    body = signed + body
    headers = faces.headers(route, target.decode("latin-1"), method)
    if kind:
        headers.append((b"content-type", kind if random.random() < 0.97 else mutate(random, kind)))
    headers.append((b"content-length", str(len(body)).encode()))
    if random.random() < 0.3:
        headers.append(
            (random.choice(HEADERS), mutate(random, random.choice((b"bytes=0-9", b"a.b.c", b"1", b'"x"')))[:500])
        )
    return method, target, headers, body


def broken(route: Route, target: bytes, told: Told) -> str:
    """Return what is wrong with an answer; empty when nothing is."""
    if told.status == 500:
        return "a plain 500"
    kind = told.headers.get(b"content-type", b"").decode()
    if told.status < 400 or not told.body or kind.startswith(PAGES):
        return ""
    if not kind.startswith(("application/json", "application/problem+json")):
        return f"an error as {kind}"
    document = json.loads(told.body)
    if isinstance(document, str) and unquote(target.decode("latin-1")).startswith(SENTENCES):
        return ""
    return "" if CODE.match(code_of(document)) else f"an error without a code: {told.body[:200]!r}"


def code_of(document: Any) -> str:
    """Return the code, wherever the face's standard puts it."""
    if not isinstance(document, dict):
        return ""
    inner = document.get("error")
    if isinstance(inner, dict):  # OpenAI's faces, and JSON-RPC
        return str((inner.get("data") or {}).get("code") or inner.get("code") or "")
    context = document.get("context")
    reasons = context.get("reasons") if isinstance(context, dict) else None
    told = document.get("code") or document.get("err") or inner or (reasons[0] if reasons else None)
    return str(told or document.get("title") or "")  # a problem of RFC 9457 has it as its title


def test_the_list_knows_every_face(faces: Faces) -> None:
    """Whoever adds a face adds its routes to ``tests/fuzz/routes.py``."""
    prefixes = {prefix for face in faces.server.assembly.faces for prefix in face.prefixes} | set(ENDPOINTS)
    parts = [route.path.partition("?")[0].split("/") for route in ROUTES]

    def known(prefix: str) -> bool:
        wanted = prefix.strip("/").split("/")
        return any(all(one in ("*", part) for one, part in zip(wanted, path[1:], strict=False)) for path in parts)

    assert {one for one in prefixes if not known(one)} == {"/static/console/"}  # files, by their digest


def test_no_odd_request_breaks_a_face(faces: Faces, faults: list[Any]) -> None:
    random, finds, until = Random(SEED), list[str](), time.monotonic() + SECONDS  # noqa: S311 - repeatable
    rounds = 0
    while rounds < EACH or time.monotonic() < until:
        rounds += 1
        for route in ROUTES:
            method, target, headers, body = odd(random, faces, route)
            told = faces.ask(method, target, headers, body)
            if wrong := broken(route, target, told):
                finds.append(f"{wrong}: {method} {target!r} {headers[1:]!r} {body[:400]!r}")
        if len(finds) > 20:
            break
    assert not finds, "\n".join(finds)
    assert [told for told in faults if told[0] == "internal_error"] == []
