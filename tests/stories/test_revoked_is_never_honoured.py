"""A session that fell is honoured nowhere afterwards: crowds, restarts, cut feeds, clocks that are off, long answers.

Real servers and real clients. ``SOON_S`` is the promise: within a second, everywhere. What an enforcement point has
been told of is not honoured for a moment longer.
"""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from ostiary.testing.issuer import FakeIssuer
from ostiary.testing.served import Served
from ostiary_sdk import AsyncClient, Client, Effect, Settings, question
from ostiary_sdk.asgi import OstiaryMiddleware
from ostiary_sdk.drill import Link
from ostiary_sdk.incoming import Access, Incoming
from ostiary_sdk.wsgi import OstiaryMiddleware as WsgiMiddleware
from ostiary_sdk.wsgi import StreamEndedError

SOON_S = 1.0
SLACK_S = 1.5  # the machine that runs the tests may be busy: added where a test waits, never where nothing may happen
FOR_EVER = Settings(cache_s=3600, max_stale_s=2.0, timeout_s=5.0)


@pytest.fixture(scope="module")
def server(start_server) -> Any:
    return start_server()


@pytest.fixture
def pep(server) -> Iterator[Client]:
    with Client(server.url, server.pep_key, FOR_EVER) as client:
        assert client.wait_fresh(10)
        yield client


def of(session: str, who: str = "alice", action: str = "read", **more: Any) -> Any:
    return question(action, "doc:1", subject=f"user:{who}", session_id=session, **more)


def end(server, session: str, who: str = "alice") -> None:
    name = f"user\n{who}\n{session}"
    server.house.ledger.terminate("default", name, at_ns=server.house.clock.now_ns(), reason="test")


def until_refused(client: Client, asked: Any) -> float:
    begun = time.monotonic()
    while client.ask(asked).allowed:
        assert time.monotonic() - begun < 10, "never refused"
        time.sleep(0.002)
    return time.monotonic() - begun


def test_a_grant_at_hand_is_gone_at_once(server, pep: Client) -> None:
    asked = of("s-1")
    assert pep.ask(asked).allowed
    assert pep.ask(asked).cached
    end(server, "s-1")
    assert until_refused(pep, asked) < SOON_S
    assert pep.ask(asked).reasons == ("session_terminated",)


@pytest.mark.parametrize("fall", ["reduce", "expire", "step_up", "revoke"])
def test_every_way_to_fall_counts(server, pep: Client, fall: str) -> None:
    ledger, session, who = server.house.ledger, f"way-{fall}", f"w-{fall}"
    name, now = f"user\n{who}\n{session}", server.house.clock.now_ns()
    asked = of(session, who)
    assert pep.ask(asked).allowed
    if fall == "reduce":
        ledger.reduce("default", name, at_ns=now, reason="test", privileges=("read",))
    elif fall == "expire":
        ledger.reduce("default", name, at_ns=now, reason="test", lifetime_s=0.5)
    elif fall == "step_up":
        ledger.demand_step_up("default", name, at_ns=now, reason="test")
    else:
        ledger.revoke_subject("default", f"user:{who}", at_ns=now, reason="test")
    assert until_refused(pep, asked) < SOON_S + SLACK_S
    time.sleep(0.6)
    assert not pep.ask(asked).allowed


def test_a_lifetime_bounds_what_is_kept(server, pep: Client) -> None:
    """Asked after the reduction: the grant says how long the session lives, and is kept no longer."""
    name, asked = "user\nalice\nshort", of("short")
    server.house.ledger.reduce("default", name, at_ns=server.house.clock.now_ns(), reason="t", lifetime_s=1.2)
    first = pep.ask(asked)
    assert (first.effect, first.allowed) == (Effect.REDUCE, True)
    assert first.lifetime_s is not None
    assert first.lifetime_s <= 1.2
    time.sleep(1.3)
    assert not pep.ask(asked).allowed


def test_under_a_crowd_nothing_is_honoured_after_it_fell(server) -> None:
    """Three enforcement points, eight threads, forty sessions that end in any order: no grant begins after its end."""
    ended: dict[str, float] = {}
    wrong: list[tuple[str, float]] = []
    over = threading.Event()
    sessions = [f"crowd-{n}" for n in range(40)]

    def serve(client: Client, seed: int) -> None:
        luck = random.Random(seed)  # noqa: S311 - an order of questions
        while not over.is_set():
            session = luck.choice(sessions)
            begun = time.monotonic()
            known = ended.get(session)
            anew = luck.random() < 0.2
            allowed = client.ask(of(session, f"c{session[6:]}"), anew=anew).allowed
            if allowed and known is not None and (anew or begun - known > SOON_S):
                wrong.append((session, begun - known))

    clients = [Client(server.url, server.pep_key, FOR_EVER) for _ in range(3)]
    threads = [threading.Thread(target=serve, args=(clients[n % 3], n)) for n in range(8)]
    try:
        assert all(client.wait_fresh(10) for client in clients)
        for thread in threads:
            thread.start()
        luck = random.Random(5)  # noqa: S311 - an order of ends
        for session in luck.sample(sessions, len(sessions)):
            time.sleep(0.02)
            end(server, session, f"c{session[6:]}")
            ended[session] = time.monotonic()
        time.sleep(SOON_S + 0.5)
    finally:
        over.set()
        for thread in threads:
            thread.join()
        for client in clients:
            client.close()
    assert wrong == []


def test_an_answer_that_was_overtaken_is_not_kept(server) -> None:
    """The permission was on its way while the session ended; the news of that came first."""
    with Link(server.url) as link, Client(link.url, server.pep_key, FOR_EVER) as client:
        assert client.wait_fresh(10)
        asked = of("overtaken")
        link.set(questions="hold")
        told: list[bool] = []
        waiting = threading.Thread(target=lambda: told.append(client.ask(asked).allowed))
        waiting.start()
        assert link.held.wait(10)
        end(server, "overtaken")
        until = time.monotonic() + 10
        while client.fallen.ended("user\nalice\novertaken") is not True and time.monotonic() < until:
            time.sleep(0.01)
        link.set()
        waiting.join()
        assert told == [True]  # it was decided before the end; it is not used a second time
        assert not client.ask(asked).allowed


def test_with_the_feed_cut_every_question_is_asked_again(server) -> None:
    with Link(server.url) as link, Client(link.url, server.pep_key, FOR_EVER) as client:
        assert client.wait_fresh(10)
        asked = of("cut")
        assert client.ask(asked).allowed
        assert client.ask(asked).cached
        link.set(feeds="cut")
        end(server, "cut")
        assert until_refused(client, asked) < SOON_S
        link.set()
        assert client.wait_fresh(10)
        assert not client.ask(asked).allowed


def test_with_the_feed_silent_grants_are_used_no_longer_than_allowed(server) -> None:
    """Somebody holds the feed back: its connection lives, and nothing comes."""
    with Link(server.url) as link, Client(link.url, server.pep_key, FOR_EVER) as client:
        assert client.wait_fresh(10)
        asked = of("silent")
        assert client.ask(asked).allowed
        link.set(feeds="hold")
        end(server, "silent")
        assert until_refused(client, asked) < FOR_EVER.max_stale_s + SLACK_S


@pytest.mark.slow
def test_a_restart_in_the_middle_forgets_no_end(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as first:
        port = int(first.url.rsplit(":", 1)[1])
        with Client(first.url, first.pep_key, FOR_EVER) as client:
            assert client.wait_fresh(20)
            lives = question("read", "document:handbook", subject="user:alice", session_id="lives")
            over = question("read", "document:handbook", subject="user:alice", session_id="over")
            assert [client.ask(one).allowed for one in (lives, over)] == [True, True]
            _terminate(first, "user\nalice\nover")
            first.stop()
            assert not client.ask(lives).allowed  # nobody there: no kept grant stands in for the decision point
            with Served(tmp_path / "data", port=port):
                assert client.wait_fresh(30)
                assert client.ask(lives).allowed
                assert client.ask(over).reasons == ("session_terminated",)


def _terminate(server: Served, session: str) -> None:

    path = f"{server.url}/api/v1/tenants/default/sessions/{quote(session, safe='')}/terminate"
    httpx.post(path, json={}, headers={"Authorization": f"Bearer {server.admin_key}"}).raise_for_status()


@pytest.mark.parametrize("skew_s", [-60, 60])
def test_a_clock_that_is_off_keeps_no_grant_longer(start_server, tmp_path: Path, skew_s: int) -> None:
    """The enforcement point's own clock is never read; a token's end is held against the server's, in its answer."""
    issuer = FakeIssuer()
    keys = tmp_path / "jwks.json"
    keys.write_text(issuer.jwks().inline)
    one = {"issuer": issuer.issuer, "audience": issuer.audience, "jwks_path": str(keys), "clock_skew_s": 0}
    served = start_server(identity={"issuers": [one]})
    now_ns = served.house.clock.now_ns()
    token = issuer.token(now_ns, sub="alice", sid=f"skew{skew_s}")
    asked = question("read", "doc:1", token=token)
    with Client(served.url, served.pep_key, FOR_EVER) as client:
        with pytest.MonkeyPatch.context() as patch:
            real = time.time  # noqa: TID251 - it is the clock that is set wrong
            patch.setattr(time, "time", lambda: real() + skew_s)
            assert client.wait_fresh(10)
            assert client.ask(asked).allowed
            served.house.ledger.terminate("default", f"skew{skew_s}", at_ns=now_ns - skew_s * 10**9, reason="t")
            assert until_refused(client, asked) < SOON_S
        exp = served.house.clock.now_ns() // 10**9 + 3
        other = question("read", "doc:1", token=issuer.token(now_ns, sub="alice", exp=exp))
        assert client.ask(other).allowed
        time.sleep(max(0.0, exp + 0.05 - served.house.clock.now_ns() / 1e9))
        assert client.ask(other).allowed is False


def test_another_tenants_end_of_the_same_session_changes_nothing(server, pep: Client) -> None:
    asked = of("shared-name", "tina")
    assert pep.ask(asked).allowed
    server.house.ledger.terminate("elsewhere", "user\ntina\nshared-name", at_ns=1, reason="test")
    time.sleep(0.3)
    assert pep.ask(asked).cached


# Answers that last.


def access(got: Incoming) -> Access:
    return Access(action="read", resource="doc:1", subject="user:alice", session_id=got.path[1:])


def test_a_long_answer_ends_with_its_session(server) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"more", "more_body": True})
            await asyncio.sleep(0.02)

    async def run() -> tuple[float, list[Any]]:
        sent: list[tuple[float, Any]] = []

        async def send(message: Any) -> None:
            sent.append((time.monotonic(), message))

        async with AsyncClient(server.url, server.pep_key, FOR_EVER) as client:
            assert await client.wait_fresh(10)
            guarded = OstiaryMiddleware(app, client, access)
            work = asyncio.ensure_future(guarded(scope_of("/stream-1"), receive, send))
            await asyncio.sleep(0.5)
            assert not work.done()
            await asyncio.to_thread(end, server, "stream-1")
            ended = time.monotonic()
            await asyncio.wait_for(work, 10)
        return sent[-1][0] - ended, [message for _, message in sent]

    after_s, messages = asyncio.run(run())
    assert after_s < SOON_S
    assert messages[-1]["more_body"] is True  # left incomplete: the server breaks the connection off


def test_a_long_answer_ends_when_nobody_can_say_whether_it_may_go_on(server) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await asyncio.sleep(0.02)
            await send({"type": "http.response.body", "body": b"more", "more_body": True})

    async def run(link: Link) -> None:
        async def send(_message: Any) -> None:
            return

        async with AsyncClient(link.url, server.pep_key, FOR_EVER) as client:
            assert await client.wait_fresh(10)
            guarded = OstiaryMiddleware(app, client, access)
            work = asyncio.ensure_future(guarded(scope_of("/stream-2"), receive, send))
            await asyncio.sleep(0.3)
            assert not work.done()
            await asyncio.to_thread(link.close)
            await asyncio.wait_for(work, FOR_EVER.max_stale_s + FOR_EVER.timeout_s + 2)

    with Link(server.url) as link:
        asyncio.run(run(link))


def test_a_long_wsgi_answer_ends_with_its_session(server, pep: Client) -> None:
    def app(environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", [])
        while True:
            time.sleep(0.02)
            yield b"more"

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/stream-3", "QUERY_STRING": ""}
    pieces = iter(WsgiMiddleware(app, pep, access)(environ, lambda *_: None))
    for _ in range(5):
        next(pieces)
    end(server, "stream-3")
    ended = time.monotonic()
    with pytest.raises(StreamEndedError):
        next(piece for piece in pieces if time.monotonic() - ended > SOON_S)


async def receive() -> Any:
    await asyncio.sleep(3600)


def scope_of(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "client": None}
