"""The clients: an answer, or a denial that says why. Never an exception, never a yes that nobody said."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from functools import partial
from typing import Any

import pytest
from msgspec import structs
from tests.sdk.conftest import ALLOWED, FakePdp, say

from ostiary_sdk import AsyncClient, Client, Decision, Effect, Obligation, Settings, question
from ostiary_sdk.questions import Claims
from ostiary_sdk.settings import checked_url
from ostiary_sdk.wire import Reply, life_s

QUICK = Settings(timeout_s=0.5, cache_s=0)
CONTEXT: dict[str, Any] = {"id": "dec_1", "effect": "ALLOW"}


def ask(url: str, which: str, settings: Settings = QUICK, **who: Any) -> Decision:
    who = who or {"subject": "user:alice"}
    if which == "sync":
        with Client(url, "pep-1.secret", settings) as client:
            return client.evaluate("read", "doc:1", **who)

    async def run() -> Decision:
        async with AsyncClient(url, "pep-1.secret", settings) as client:
            return await client.evaluate("read", "doc:1", **who)

    return asyncio.run(run())


BOTH = pytest.mark.parametrize("which", ["sync", "async"])


@BOTH
def test_what_is_allowed_is_allowed(pdp: FakePdp, which: str) -> None:
    decision = ask(pdp.url, which)
    assert (bool(decision), decision.effect, decision.id) == (True, Effect.ALLOW, "dec_1")
    assert pdp.asked[0]["subject"] == {"type": "user", "id": "alice"}


GARBAGE = {
    "no-json": say(raw=b"yes"),
    "empty": say(raw=b""),
    "array": say([ALLOWED]),
    "text-for-bool": say({"decision": "true"}),
    "one-for-bool": say({"decision": 1}),
    "missing": say({"context": CONTEXT}),
    "null": say({"decision": None}),
    "effect-denies": say({"decision": True, "context": {"effect": "DENY"}}),
    "effect-steps-up": say({"decision": True, "context": {"effect": "STEP_UP"}}),
    "effect-allows": say({"decision": False, "context": {"effect": "ALLOW"}}),
    "effect-unknown": say({"decision": True, "context": {"effect": "MAYBE"}}),
    "obligations-odd": say({"decision": True, "context": {**CONTEXT, "obligations": "none"}}),
    "obligation-nameless": say({"decision": True, "context": {**CONTEXT, "obligations": [{"id": "a"}]}}),
    "obligation-twice": say(
        {"decision": True, "context": {**CONTEXT, "obligations": [{"id": "a", "type": "x"}, {"id": "a", "type": "y"}]}}
    ),
    "deep": say(raw=b'{"decision":true,"context":{"obligations":' + b"[" * 100_000),
    "no-utf8": say(raw=b'{"decision": true, "context": {"id": "\xff"}}'),
    "html": say(kind="text/html"),
    "coded": say(Content_Encoding="gzip"),
    "of-another": say(echo=False),
    "created": say(status=201),
    "redirect": say(status=307, Location="http://127.0.0.1:9/"),
    "refused": say({"decision": True}, status=401),
    "broken": say({"decision": True}, status=500),
    "away": say({"decision": True}, status=503),
}


@BOTH
@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_a_denial(pdp: FakePdp, which: str, name: str) -> None:
    pdp.answer = GARBAGE[name]
    decision = ask(pdp.url, which)
    assert (bool(decision), decision.decided, decision.effect) == (False, False, Effect.DENY)
    assert decision.reasons[0].startswith("pdp_")


@BOTH
def test_an_answer_without_end_is_a_denial(pdp: FakePdp, which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary_sdk.client.MAX_ANSWER", 4096)
    monkeypatch.setattr("ostiary_sdk.aclient.MAX_ANSWER", 4096)
    pdp.answer = say(raw=json.dumps(ALLOWED).encode() + b" " * 8192)
    assert ask(pdp.url, which).reasons == ("pdp_answer_too_long",)


@BOTH
def test_nobody_there_is_a_denial_in_time(which: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        begin = time.monotonic()
        decision = ask(f"http://127.0.0.1:{taken.getsockname()[1]}", which)
    assert (decision.allowed, decision.reasons) == (False, ("pdp_unreachable",))
    assert time.monotonic() - begin < 2


@BOTH
def test_a_slow_answer_is_a_denial_in_time(pdp: FakePdp, which: str) -> None:
    def drip(handler: Any, _body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "400")
        handler.end_headers()
        try:
            for _ in range(40):  # each byte in time, the whole of it never
                handler.wfile.write(b" ")
                time.sleep(0.1)
        except OSError:
            handler.close_connection = True

    pdp.answer = drip
    begin = time.monotonic()
    assert ask(pdp.url, which).reasons == ("pdp_timeout",)
    assert time.monotonic() - begin < 2


@BOTH
def test_nothing_is_asked_twice_once_it_was_sent(pdp: FakePdp, which: str) -> None:
    def hang_up(handler: Any, _body: bytes) -> None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    pdp.answer = hang_up
    assert ask(pdp.url, which).reasons == ("pdp_unreachable",)
    assert len(pdp.asked) == 1


@BOTH
def test_a_step_up_says_what_would_help(pdp: FakePdp, which: str) -> None:
    obligation = {"id": "step-up", "type": "step-up", "properties": {"uri": "https://o.example/step-up/t/dec_1"}}
    context = {"effect": "STEP_UP", "acr_values": "urn:a urn:b", "max_age": 60, "obligations": [obligation]}
    pdp.answer = say({"decision": False, "context": context})
    decision = ask(pdp.url, which)
    assert not decision
    assert decision.challenge is not None
    assert (decision.challenge.acr_values, decision.challenge.max_age) == ("urn:a urn:b", 60)
    assert decision.challenge.uri == "https://o.example/step-up/t/dec_1"


@pytest.mark.parametrize(
    "who", [{"token": "opaque"}, {"token": "a.b.c"}, {"token": "e30.e30.x"}, {"subject": ("user", "")}]
)
def test_a_question_about_nobody_is_not_asked(pdp: FakePdp, who: dict[str, Any]) -> None:
    assert ask(pdp.url, "sync", **who).reasons == ("subject_unknown",)
    assert pdp.asked == []


def test_what_is_presented_goes_where_it_belongs(pdp: FakePdp) -> None:
    who: dict[str, Any] = {
        "token": "e30.eyJzdWIiOiJhbGljZSJ9.x",
        "dpop": "proof",
        "http_method": "GET",
        "http_uri": "https://a/b",
    }
    ask(pdp.url, "sync", **who, certificate="ab", session_id="s1", context={"ip": "192.0.2.7"})
    assert pdp.asked[0]["subject"]["id"] == "alice"
    assert pdp.asked[0]["context"] == {
        "ip": "192.0.2.7",
        "subject_token": "e30.eyJzdWIiOiJhbGljZSJ9.x",
        "dpop_proof": "proof",
        "http_method": "GET",
        "http_uri": "https://a/b",
        "client_cert_sha256": "ab",
        "session_id": "s1",
    }


def test_a_batch_with_answers_missing_or_too_many_gives_nothing_away(pdp: FakePdp) -> None:
    asked = [question("read", f"doc:{n}", subject="user:alice") for n in range(3)]
    with Client(pdp.url, "pep-1.secret", QUICK) as client:
        pdp.answer = say({"evaluations": [ALLOWED]})
        assert [one.allowed for one in client.evaluations(asked)] == [True, False, False]
        pdp.answer = say({"evaluations": [ALLOWED] * 4})
        assert [one.allowed for one in client.evaluations(asked)] == [False] * 3
        pdp.answer = say(ALLOWED)
        assert [one.allowed for one in client.evaluations(asked)] == [False] * 3


def test_a_search_that_fails_finds_nothing_and_says_so(pdp: FakePdp) -> None:
    with Client(pdp.url, "pep-1.secret", QUICK) as client:
        pdp.answer = say({"results": [{"type": "doc", "id": "1"}]})
        assert client.search("resource", {}).results == ({"type": "doc", "id": "1"},)
        pdp.answer = say(status=500)
        assert (client.search("resource", {}).results, client.search("resource", {}).failed) == ((), "pdp_unavailable")


def test_no_secret_shows(pdp: FakePdp, caplog: pytest.LogCaptureFixture) -> None:
    asked = question("read", "doc:1", subject="user:alice", token="e30.eyJzdWIiOiJhbGljZSJ9.very-secret", dpop="hush")
    pdp.answer = GARBAGE["no-json"]
    with Client(pdp.url, "pep-1.very-secret", QUICK) as client:
        call = client._asking.one(asked)
        shown = f"{client!r} {asked!r} {call!r} {client.ask(asked)!r} {caplog.text}"
    assert "secret" not in shown
    assert "hush" not in shown


@pytest.mark.parametrize(
    "url",
    ["http://pdp.example", "ftp://127.0.0.1", "https://user:pass@pdp.example", "https://pdp.example/?x=1", "pdp", ""],
)
def test_a_secret_is_not_sent_just_anywhere(url: str) -> None:
    with pytest.raises(ValueError, match="decision point"):
        checked_url(url, allow_http=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost", "https://pdp.example/a/"])
def test_these_are_fine(url: str) -> None:
    assert checked_url(url, allow_http=False) == url.rstrip("/")


def test_the_environment_has_no_say(pdp: FakePdp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy named there would be handed every token."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert ask(pdp.url, "sync").allowed


def test_a_closed_client_says_no(pdp: FakePdp) -> None:
    client = Client(pdp.url, "pep-1.secret", QUICK)
    client.close()
    assert client.evaluate("read", "doc:1", subject="user:alice").allowed is False


@pytest.mark.parametrize(
    ("exp_s", "date", "lifetime", "kept_s"),
    [
        (None, "", None, 60),
        (None, "", 7, 7),
        (None, "", "soon", 0),
        (1_000_100, "Mon, 12 Jan 1970 13:46:40 GMT", None, 60),
        (1_000_030, "Mon, 12 Jan 1970 13:46:40 GMT", None, 25),
        (1_000_030, "Mon, 12 Jan 1970 13:46:40 GMT", 9, 9),
        (1_000_004, "Mon, 12 Jan 1970 13:46:40 GMT", None, -1),
        (1_000_030, "", None, 0),
        (1_000_030, "yesterday", None, 0),
        (float("inf"), "Mon, 12 Jan 1970 13:46:40 GMT", None, 60),
    ],
)
def test_a_grant_is_kept_no_longer_than_its_token_and_session_live(
    exp_s: float | None, date: str, lifetime: Any, kept_s: float
) -> None:
    """By the decision point's own clock (it is 1,000,000), less what its header may lag behind."""
    asked = structs.replace(question("read", "doc:1", subject="user:alice"), claims=Claims(expires_s=exp_s))
    duty = (Obligation("l", "session_lifetime", {"max_age": lifetime}),) if lifetime is not None else ()
    decision = Decision(allowed=True, effect=Effect.REDUCE, obligations=duty)
    assert life_s(asked, decision, Reply(200, {"date": date}, b""), 60) == kept_s


FORKED = """
import os, sys
from ostiary_sdk import Client, Settings
client = Client(sys.argv[1], "pep-1.secret", Settings(timeout_s=5.0))
assert client.evaluate("read", "doc:1", subject="user:alice")
for lock in (client._lock, client._asking.fallen._lock, client._asking.grants._lock):
    lock.acquire()  # a thread of the parent may hold any of them at that moment
child = os.fork()
if not child:
    before = client._http
    allowed = client.evaluate("read", "doc:1", subject="user:alice").allowed
    os._exit(0 if allowed and client._http is not before else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_begins_anew(pdp: FakePdp) -> None:
    done = subprocess.run([sys.executable, "-c", FORKED, pdp.url], timeout=30, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_another_loop_is_told_no(pdp: FakePdp) -> None:
    client = AsyncClient(pdp.url, "pep-1.secret", QUICK)
    own, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    ask = partial(client.evaluate, "read", "doc:1", subject="user:alice")
    try:
        assert own.run_until_complete(ask()).allowed
        assert other.run_until_complete(ask()).reasons == ("another_loop",)
        own.run_until_complete(client.close())
    finally:
        own.close()
        other.close()
