"""The middlewares: what a client sends cannot speak for Ostiary; what is not allowed never reaches the application."""

import asyncio
import io
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from tests.sdk.conftest import ALLOWED, FakePdp, say

from ostiary_sdk import AsyncClient, Client, Decision, Settings
from ostiary_sdk.asgi import OstiaryMiddleware as Asgi
from ostiary_sdk.incoming import DECISION, PUBLIC, Access, Incoming
from ostiary_sdk.refusals import RefusedError, refusal
from ostiary_sdk.requires import requires
from ostiary_sdk.wsgi import OstiaryMiddleware as Wsgi

QUICK = Settings(timeout_s=2.0, cache_s=0)
TOKEN = "e30.eyJzdWIiOiJhbGljZSJ9.x"  # {"sub": "alice"}
BEARER = ("Authorization", f"Bearer {TOKEN}")
Headers = Iterable[tuple[str, str]]


def by_path(got: Incoming) -> Access | str | None:
    if got.path == "/public":
        return PUBLIC
    if got.path == "/broken":
        raise KeyError(got.path)
    if got.path.startswith("/docs/"):
        return Access(action=got.method.lower(), resource=("doc", got.path.removeprefix("/docs/")))
    return None


class Answer:
    """What came out, and what the application saw; ``reached`` says whether it heard of the request at all."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 0, dict[str, str](), b""
        self.reached = False
        self.decision: Decision | None = None
        self.seen: list[str] = []

    @property
    def problem(self) -> Any:
        return json.loads(self.body)


def asgi(pdp: FakePdp, path: str, headers: Headers, inside: Callable[[], Any] | None = None, **options: Any) -> Answer:
    answer = Answer()
    kind = options.pop("kind", "http")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        answer.reached, answer.decision = True, scope[DECISION]
        answer.seen = [name.decode() for name, _ in scope["headers"]]
        told = inside() if inside else "ok"
        text = await told if asyncio.iscoroutine(told) else told
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(text).encode()})

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "websocket.close":
            answer.status = message["code"]
        else:
            answer.body += message["body"]

    async def receive() -> Any:
        await asyncio.sleep(3600)

    async def run() -> None:
        async with AsyncClient(pdp.url, "pep-1.secret", QUICK) as client:
            raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            bare = path.partition("?")[0]
            scope = {"type": kind, "method": "GET", "path": options.pop("decoded", bare), "headers": raw}
            scope |= {"raw_path": bare.encode(), "query_string": b"", "client": ("192.0.2.7", 1)}
            await Asgi(app, client, by_path, **options)(scope, receive, send)  # type: ignore[arg-type]

    asyncio.run(run())
    return answer


def wsgi(pdp: FakePdp, path: str, headers: Headers, inside: Callable[[], Any] | None = None, **options: Any) -> Answer:
    answer = Answer()

    def app(environ: Any, start: Any) -> Iterable[bytes]:
        answer.reached, answer.decision = True, environ[DECISION]
        answer.seen = [name.lower()[5:].replace("_", "-") for name in environ if name.startswith("HTTP_")]
        text = inside() if inside else "ok"
        start("200 OK", [])
        return [str(text).encode()]

    def start(status: str, told: list[tuple[str, str]]) -> None:
        answer.status, answer.headers = int(status.split(maxsplit=1)[0]), dict(told)

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": options.pop("decoded", path), "RAW_URI": path}
    environ |= {"REMOTE_ADDR": "192.0.2.7"}
    for name, value in headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value  # as servers do (RFC 3875 §4.1.18)
    with Client(pdp.url, "pep-1.secret", QUICK) as client:
        answer.body = b"".join(Wsgi(app, client, by_path, **options)(environ, start))  # type: ignore[arg-type]
    return answer


def django(
    pdp: FakePdp, path: str, headers: Headers, inside: Callable[[], Any] | None = None, **options: Any
) -> Answer:
    from tests.sdk.django_site import serve  # noqa: PLC0415

    answer = Answer()
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": options.pop("decoded", path), "RAW_URI": path}
    environ |= {"REMOTE_ADDR": "192.0.2.7", "SERVER_NAME": "app", "SERVER_PORT": "80", "wsgi.input": io.BytesIO()}
    for name, value in headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value

    def view(request: Any) -> str:
        answer.reached, answer.decision = True, request.ostiary_decision
        answer.seen = [name.lower() for name in request.headers if name != "Content-Length"]
        return str(inside() if inside else "ok")

    with Client(pdp.url, "pep-1.secret", QUICK) as client:
        answer.status, answer.headers, answer.body = serve(view, client, by_path, environ, **options)
    return answer


BOTH = pytest.mark.parametrize("ask", [asgi, wsgi, django])
Ask = Callable[..., Answer]


@BOTH
def test_what_is_allowed_gets_through_with_its_decision(pdp: FakePdp, ask: Ask) -> None:
    answer = ask(pdp, "/docs/1", [BEARER, ("User-Agent", "curl")])
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.decision is not None
    assert answer.decision.id == "dec_1"
    assert pdp.asked[0]["resource"] == {"type": "doc", "id": "1"}
    assert pdp.asked[0]["action"] == {"name": "get"}
    assert pdp.asked[0]["context"] == {"ip": "192.0.2.7", "user_agent": "curl", "subject_token": TOKEN}


@BOTH
@pytest.mark.parametrize("name", ["X-Ostiary-Decision", "x-ostiary-subject", "X_Ostiary_Decision", "X-OSTIARY-"])
def test_what_a_client_says_in_our_name_is_taken_out(pdp: FakePdp, ask: Ask, name: str) -> None:
    answer = ask(pdp, "/docs/1", [BEARER, (name, "ALLOW"), ("X-Other", "kept")])
    assert answer.reached
    assert [seen for seen in answer.seen if "ostiary" in seen] == []
    assert "x-other" in answer.seen
    assert ask(pdp, "/public", [(name, "ALLOW")]).seen == []


DENIED = {
    "deny": ({"decision": False, "context": {"effect": "DENY", "id": "dec_9", "reason_user": {"en": "No."}}}, 403),
    "terminate": ({"decision": False, "context": {"effect": "TERMINATE"}}, 401),
    "over": ({"decision": False, "context": {"effect": "DENY", "reasons": ["session_terminated"]}}, 401),
    "token": ({"decision": False, "context": {"effect": "DENY", "reasons": ["token_expired"]}}, 401),
    "step-up": ({"decision": False, "context": {"effect": "STEP_UP", "acr_values": "urn:a"}}, 401),
    "nonce": ({"decision": False, "context": {"effect": "DENY", "dpop_nonce": "n1"}}, 401),
    "garbage": ({"decision": "yes"}, 503),
}


@BOTH
@pytest.mark.parametrize("name", DENIED)
def test_what_is_denied_never_arrives(pdp: FakePdp, ask: Ask, name: str) -> None:
    told, status = DENIED[name]
    pdp.answer = say(told)
    answer = ask(pdp, "/docs/1", [BEARER])
    assert (answer.status, answer.reached) == (status, False)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.problem["status"] == status


@BOTH
def test_a_denial_says_which_and_why(pdp: FakePdp, ask: Ask) -> None:
    pdp.answer = say(DENIED["deny"][0])
    problem = ask(pdp, "/docs/1", [BEARER]).problem
    assert (problem["decision_id"], problem["detail"]) == ("dec_9", "No.")


@BOTH
def test_a_step_up_is_passed_on_as_rfc_9470_says(pdp: FakePdp, ask: Ask) -> None:
    obligation = {"id": "s", "type": "step-up", "properties": {"uri": "https://o.example/step-up/t/d"}}
    context = {"effect": "STEP_UP", "acr_values": "urn:a urn:b", "max_age": 60, "obligations": [obligation]}
    pdp.answer = say({"decision": False, "context": context})
    answer = ask(pdp, "/docs/1", [BEARER])
    assert answer.headers["www-authenticate"] == (
        'Bearer error="insufficient_user_authentication", acr_values="urn:a urn:b", max_age="60", '
        'step_up_uri="https://o.example/step-up/t/d"'
    )
    assert answer.problem["step_up_uri"] == "https://o.example/step-up/t/d"


@BOTH
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 401),
        ([("Authorization", "Basic eDp5")], 401),
        ([BEARER, BEARER], 401),
        ([("Authorization", f"Bearer {TOKEN}, Bearer {TOKEN}")], 401),
        ([("Authorization", f"Bearer {TOKEN} x")], 401),
        ([("Authorization", "Bearer ")], 401),
        ([("Authorization", f"DPoP {TOKEN}")], 401),
        ([("Authorization", f"DPoP {TOKEN}"), ("DPoP", "a.b.c"), ("DPoP", "d.e.f")], 401),
        ([("Authorization", f"DPoP {TOKEN}"), ("DPoP", "a.b.c")], 503),
    ],
)
def test_credentials_that_could_be_read_in_two_ways_are_none(
    pdp: FakePdp, ask: Ask, headers: list[tuple[str, str]], status: int
) -> None:
    """The last one is a fault of ours: without a configured address nobody can say what the proof is for."""
    answer = ask(pdp, "/docs/1", headers)
    assert (answer.status, answer.reached, pdp.asked) == (status, False, [])


@BOTH
def test_a_proof_is_for_the_address_that_was_configured(pdp: FakePdp, ask: Ask) -> None:
    headers = [("Authorization", f"DPoP {TOKEN}"), ("DPoP", "a.b.c"), ("Host", "evil.example")]
    assert ask(pdp, "/docs/1", headers, public_url="https://app.example/").reached
    context = pdp.asked[0]["context"]
    assert (context["http_method"], context["http_uri"]) == ("GET", "https://app.example/docs/1")
    assert context["dpop_proof"] == "a.b.c"


@BOTH
@pytest.mark.parametrize(
    "path",
    [
        "/public/../docs/1",
        "/docs/./1",
        "/docs/..",
        "//docs/1",
        "/docs//1",
        "/docs/1%2f2",
        "/docs/%2e%2e/1",
        "/docs/%252e",
        "/docs/%5c1",
        "/docs\\1",
        "/docs/\x00",
        "/docs/\r\nX: y",
        "docs/1",
        "",
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_refused(pdp: FakePdp, ask: Ask, path: str) -> None:
    answer = ask(pdp, path or "*", [BEARER])
    assert (answer.status, answer.reached, pdp.asked) == (400, False, [])


@BOTH
@pytest.mark.parametrize("path", ["/elsewhere", "/broken"])
def test_what_is_not_mapped_is_refused(pdp: FakePdp, ask: Ask, path: str) -> None:
    answer = ask(pdp, path, [BEARER])
    assert (answer.status, answer.reached, pdp.asked) == (403, False, [])


@BOTH
def test_what_is_public_is_not_asked(pdp: FakePdp, ask: Ask) -> None:
    answer = ask(pdp, "/public", [])
    assert (answer.status, answer.decision, pdp.asked) == (200, None, [])


@BOTH
@pytest.mark.parametrize(("understands", "status"), [((), 403), (("row_limit",), 403), (("row_limit", "mask"), 200)])
def test_an_obligation_that_nobody_understands_is_a_denial(
    pdp: FakePdp, ask: Ask, understands: tuple[str, ...], status: int
) -> None:
    obligations = [{"id": "1", "type": "row_limit", "properties": {"rows": 5}}, {"id": "2", "type": "mask"}]
    pdp.answer = say({"decision": True, "context": {"effect": "REDUCE", "id": "dec_1", "obligations": obligations}})
    answer = ask(pdp, "/docs/1", [BEARER], understands=understands)
    assert (answer.status, answer.reached) == (status, status == 200)
    if answer.reached:
        assert answer.decision is not None
        assert answer.decision.obligations[0].properties == {"rows": 5}
    else:
        assert answer.problem["reasons"][0] == "obligation_unknown"
        assert answer.problem["decision_id"] == "dec_1"


def test_a_websocket_is_asked_for_before_it_is_accepted(pdp: FakePdp) -> None:
    pdp.answer = say(DENIED["deny"][0])
    answer = asgi(pdp, "/docs/1", [BEARER], kind="websocket")
    assert (answer.status, answer.reached) == (1008, False)


def test_a_kind_of_scope_that_is_not_known_reaches_nobody(pdp: FakePdp) -> None:
    assert not asgi(pdp, "/docs/1", [BEARER], kind="webtransport").reached


@requires("show", "page:{number}")
async def show(number: int) -> str:
    return f"page {number}"


@requires("show", "page:{number}")
def show_too(number: int) -> str:
    return f"page {number}"


def test_a_function_asks_before_it_runs(pdp: FakePdp) -> None:
    assert asgi(pdp, "/docs/1", [BEARER], lambda: show(7)).body == b"page 7"
    assert wsgi(pdp, "/docs/1", [BEARER], lambda: show_too(7)).body == b"page 7"
    assert [one["resource"] for one in pdp.asked[1::2]] == [{"type": "page", "id": "7"}] * 2
    assert pdp.asked[1]["context"]["subject_token"] == TOKEN


def test_a_function_that_is_refused_does_not_run(pdp: FakePdp) -> None:
    def deny_pages(handler: Any, body: bytes) -> None:
        page = json.loads(body)["resource"]["type"] == "page"
        say(DENIED["deny"][0] if page else ALLOWED)(handler, body)

    pdp.answer = deny_pages
    for answer in (
        asgi(pdp, "/docs/1", [BEARER], lambda: show(7)),
        wsgi(pdp, "/docs/1", [BEARER], lambda: show_too(7)),
        django(pdp, "/docs/1", [BEARER], lambda: show_too(7)),
    ):
        assert answer.reached
        assert (answer.status, answer.problem["decision_id"]) == (403, "dec_9")


def test_a_function_without_a_caller_does_not_run() -> None:
    with pytest.raises(RefusedError, match="caller_unknown"):
        show_too(7)


def test_a_type_is_never_taken_from_an_argument(pdp: FakePdp) -> None:
    @requires("show", "{kind}:1")
    def odd(kind: str) -> str:
        return kind

    answer = wsgi(pdp, "/docs/1", [BEARER], lambda: odd("doc"))
    assert answer.status == 503
    assert answer.problem["reasons"] == ["resource_unknown"]


def test_nothing_from_an_answer_can_end_a_header(pdp: FakePdp) -> None:
    context = {"effect": "STEP_UP", "acr_values": 'x"\r\nSet-Cookie: a=b', "dpop_nonce": ""}
    pdp.answer = say({"decision": False, "context": context})
    challenge = asgi(pdp, "/docs/1", [BEARER]).headers["www-authenticate"]
    assert "\r" not in challenge
    assert '\\"??Set-Cookie' in challenge
    nonce = dict(refusal(Decision(allowed=False, effect="DENY", dpop_nonce="a\r\nb")).headers)["dpop-nonce"]  # type: ignore[arg-type]
    assert nonce == "a??b"
