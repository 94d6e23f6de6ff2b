import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from ostiary.errors import RefusedError
from ostiary.server.connect.guard import Guard
from ostiary.server.connect.relay import Relay

KEY = {"authorization": "Bearer k3y"}


class Upstream:
    """Remembers what it was asked, and answers from a list."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.seen = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.seen.append((self.path, dict(self.headers.items()), body))
                status, headers, told = outer.answers.pop(0)
                self.send_response(status)
                for name, value in {"content-length": str(len(told)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Person:
    def __init__(self):
        self.renewed = 0
        self.signed = []

    def headers(self, method, url, nonce=""):
        self.signed.append((method, url, nonce))
        return {"authorization": f"DPoP t{self.renewed}", "dpop": f"p{len(self.signed)}"}

    def renew(self):
        self.renewed += 1


def ask(upstream, person, path="/v1/chat/completions", headers=KEY, body=b'{"model": "m"}', prefix="/llm/acme/v1"):
    async def run():
        async with httpx.AsyncClient(trust_env=False) as client:
            relay = Relay(upstream.url, prefix, Guard("k3y", 8182), person, client)
            transport = httpx.ASGITransport(relay)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8182") as local:
                return await local.post(path, headers=headers, content=body)

    return asyncio.run(run())


OK = (200, {"content-type": "application/json", "x-request-id": "r1", "set-cookie": "a=b", "server": "x"}, b'{"ok": 1}')


def test_the_person_s_token_takes_the_place_of_the_local_key():
    person = Person()
    with Upstream(OK) as upstream:
        sent = {
            **KEY,
            "cookie": "c=d",
            "x-forwarded-for": "1.2.3.4",
            "dpop": "forged",
            "content-type": "application/json",
        }
        answer = ask(upstream, person, headers=sent)
    path, headers, body = upstream.seen[0]
    assert path == "/llm/acme/v1/chat/completions"
    told = {name.lower(): value for name, value in headers.items()}
    assert (told["authorization"], told["dpop"], told["content-type"]) == ("DPoP t0", "p1", "application/json")
    assert not {"cookie", "x-forwarded-for"} & set(told)
    assert json.loads(body) == {"model": "m"}
    assert person.signed == [("POST", f"{upstream.url}/llm/acme/v1/chat/completions", "")]
    assert (answer.status_code, answer.json(), answer.headers["x-request-id"]) == (200, {"ok": 1}, "r1")
    assert "set-cookie" not in answer.headers


def test_a_nonce_that_the_server_wants_is_answered_with_the_same_body():
    wanted = (401, {"dpop-nonce": "n1", "www-authenticate": 'DPoP error="use_dpop_nonce"'}, b"{}")
    person = Person()
    with Upstream(wanted, OK) as upstream:
        assert ask(upstream, person).status_code == 200
    assert [nonce for _, _, nonce in person.signed] == ["", "n1"]
    assert upstream.seen[0][2] == upstream.seen[1][2]


def test_a_token_that_is_over_is_renewed_once():
    over = (401, {"www-authenticate": 'DPoP error="invalid_token"'}, b'{"error": {"code": "token_expired"}}')
    person = Person()
    with Upstream(over, over) as upstream:
        answer = ask(upstream, person)
    assert (answer.status_code, person.renewed, len(upstream.seen)) == (401, 1, 2)
    assert answer.json()["error"]["code"] == "token_expired"


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_takes_the_token_nowhere(status):
    with Upstream((status, {"location": "http://127.0.0.1:1/steal"}, b"")) as upstream:
        answer = ask(upstream, Person())
    assert (answer.status_code, "location" in answer.headers, len(upstream.seen)) == (status, False, 1)


def test_who_lacks_the_local_key_is_told_how():
    with Upstream() as upstream:
        answer = ask(upstream, Person(), headers={})
    assert answer.status_code == 401
    assert "ostiary connect" in answer.json()["error"]["message"]
    assert not upstream.seen


def test_a_sign_in_that_is_over_says_so():
    class Over(Person):
        def headers(self, method, url, nonce=""):
            raise RefusedError("not_signed_in", "run `ostiary login`")

    with Upstream() as upstream:
        answer = ask(upstream, Over())
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_signed_in")


def test_a_gateway_that_is_away_is_a_plain_error():
    with Upstream() as upstream:
        upstream.url = "http://127.0.0.1:1"
        answer = ask(upstream, Person())
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "gateway_unavailable")


def test_a_body_has_its_limit(monkeypatch):
    monkeypatch.setattr("ostiary.server.connect.relay.MAX_BODY", 10)
    with Upstream() as upstream:
        assert ask(upstream, Person()).status_code == 413
