"""A real application on a real server behind the SDK: tokens bound to keys, step-up, functions, answers that last.

What is stolen, replayed, relayed to another address or held open does not get through; what does is on record.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from ostiary.testing.issuer import FakeHolder, FakeIssuer
from ostiary_sdk import AsyncClient, Settings
from ostiary_sdk.asgi import OstiaryMiddleware
from ostiary_sdk.incoming import DECISION, Access, Incoming
from ostiary_sdk.requires import requires

PUBLIC_URL = "https://app.example"
ISSUER = FakeIssuer()


def access(got: Incoming) -> Access | None:
    action, _, doc = got.path[1:].partition("/")
    return Access(action=action, resource=("doc", doc), session_id=got.headers.get("x-session", "")) if doc else None


@requires("write", "doc:{number}")
async def write(number: str) -> bytes:
    return b"written"


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/read/write":
        await write("1")
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"x-decision", scope[DECISION].id.encode())]}
    )
    lasts = scope["path"] == "/read/for-ever"
    while lasts:
        await send({"type": "http.response.body", "body": b"x" * 100, "more_body": True})
        await asyncio.sleep(0.02)
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def pdp(start_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    keys = tmp_path_factory.mktemp("keys") / "jwks.json"
    keys.write_text(ISSUER.jwks().inline)
    one = {"issuer": ISSUER.issuer, "audience": ISSUER.audience, "jwks_path": str(keys)}
    return start_server(identity={"issuers": [one]})


@pytest.fixture(scope="module")
def url(pdp: Any) -> Iterator[str]:
    """The application's address; it serves in a thread of its own."""
    client = AsyncClient(pdp.url, pdp.pep_key, Settings(cache_s=3600, timeout_s=5.0))
    guarded = OstiaryMiddleware(app, client, access, public_url=PUBLIC_URL)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(guarded, log_config=None, ws="none", lifespan="on", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)

    async def serve() -> None:
        await server.serve([listener])
        await client.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


def get(url: str, path: str, **headers: str) -> httpx.Response:
    return httpx.get(url + path, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=20)


def bearer(pdp: Any, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {ISSUER.token(pdp.house.clock.now_ns(), **claims)}"}


def test_what_gets_through_is_on_record(pdp: Any, url: str) -> None:
    answer = get(url, "/read/1", **bearer(pdp))
    assert (answer.status_code, answer.text) == (200, "ok")
    record = next(one for one in pdp.records() if one.receipt.decision_id == answer.headers["x-decision"])
    assert (record.subject_key, record.outcome.effect.name) == ("user:alice", "ALLOW")


def test_a_token_bound_to_a_key_is_nothing_without_it(pdp: Any, url: str) -> None:
    holder, now = FakeHolder(), pdp.house.clock.now_ns()
    token = ISSUER.token(now, cnf=holder.confirmation)
    proof = holder.proof(now, token, "GET", f"{PUBLIC_URL}/read/2")
    assert get(url, "/read/2", Authorization=f"DPoP {token}", DPoP=proof).status_code == 200
    again = get(url, "/read/2", Authorization=f"DPoP {token}", DPoP=proof)
    assert (again.status_code, again.json()["reasons"]) == (401, ["dpop_replayed"])
    stolen = get(url, "/read/2", Authorization=f"Bearer {token}")
    assert stolen.status_code == 401
    for where in (f"{PUBLIC_URL}/read/1", f"{url}/read/2", "https://evil.example/read/2"):
        elsewhere = holder.proof(now, token, "GET", where)
        assert get(url, "/read/2", Authorization=f"DPoP {token}", DPoP=elsewhere).status_code == 401, where
    other = FakeHolder().proof(now, token, "GET", f"{PUBLIC_URL}/read/2")
    assert get(url, "/read/2", Authorization=f"DPoP {token}", DPoP=other).status_code == 401


def test_a_step_up_reaches_the_caller_as_a_challenge(pdp: Any, url: str) -> None:
    answer = get(url, "/step-up/1", **bearer(pdp))
    challenge = answer.headers["www-authenticate"]
    assert answer.status_code == 401
    assert challenge.startswith(
        'Bearer error="insufficient_user_authentication", acr_values="urn:a urn:b", max_age="60"'
    )
    assert answer.json()["decision_id"].startswith("dec_")


def test_a_termination_ends_the_session_for_good(pdp: Any, url: str) -> None:
    mine = bearer(pdp, sid="t-1")
    assert get(url, "/read/1", **mine).status_code == 200
    answer = get(url, "/terminate/1", **mine)
    assert (answer.status_code, "invalid_token" in answer.headers["www-authenticate"]) == (401, True)
    assert get(url, "/read/1", **mine).status_code == 401


def test_a_function_that_may_not_run_answers_for_the_whole_request(pdp: Any, url: str) -> None:
    answer = get(url, "/read/write", **bearer(pdp))
    assert (answer.status_code, answer.json()["reasons"]) == (403, ["no_allow_rule"])


def test_an_obligation_that_nobody_understands_stops_it(pdp: Any, url: str) -> None:
    answer = get(url, "/reduce/1", **bearer(pdp))
    assert (answer.status_code, answer.json()["reasons"][0]) == (403, "obligation_unknown")


def test_a_session_that_the_caller_names_is_a_claim_about_itself(pdp: Any, url: str) -> None:
    """With another's session id in a header nobody is ended but the one who claims it."""
    mine, yours = bearer(pdp, sub="bob"), bearer(pdp, sid="yours")
    assert get(url, "/read/1", **yours).status_code == 200
    assert get(url, "/terminate/1", X_Session="yours", **mine).status_code == 401
    assert get(url, "/read/1", **yours).status_code == 200


def test_an_open_answer_is_broken_off_when_its_session_ends(pdp: Any, url: str) -> None:
    head = bearer(pdp, sid="open-1")
    with httpx.stream("GET", f"{url}/read/for-ever", headers=head, timeout=20) as answer:
        pieces = answer.iter_raw()
        for _ in range(20):
            next(pieces)
        now = pdp.house.clock.now_ns()
        pdp.house.ledger.terminate("default", "open-1", at_ns=now, reason="test")
        ended = time.monotonic()
        with pytest.raises(httpx.RemoteProtocolError):  # incomplete: nobody takes half an answer for a whole one
            list(pieces)
        assert time.monotonic() - ended < 1.0


def test_ours_are_our_names_alone(pdp: Any, url: str) -> None:
    """A header cannot make a decision, not even one of the right name."""
    answer = get(url, "/write/1", X_Ostiary_Decision="ALLOW", X_Ostiary_Subject="root", **bearer(pdp))
    assert answer.status_code == 403
