"""A stage's token: exchanged once, renewed in time, proven anew for each request, shown to nobody."""

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from ostiary_sdk.pipeline import (
    Access,
    ExchangedToken,
    SourceError,
    TokenError,
    Tokens,
    TokenSettings,
    from_file,
    github_actions,
    gitlab,
)

ACCESS = Access("ostiary_dataset", "reviews", ("dataset.read",), purpose="training", stage="train")
DOOR = "https://ostiary.example/pipeline/default/datasets/reviews/a?part=1"


class FakeServer:
    """A token endpoint that gives numbered tokens, and says what it was told to."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.proofs: list[dict[str, Any]] = []
        self.says: Callable[[int], tuple[int, dict[str, Any], dict[str, str]]] = granted
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                fake.forms.append({"path": self.path, **{name: told[0] for name, told in parse_qs(body).items()}})
                fake.proofs.append(decode(self.headers["dpop"]) if "dpop" in self.headers else {})
                self._say(*fake.says(len(fake.forms)))

            def do_GET(self) -> None:
                fake.forms.append({"path": self.path, "authorization": self.headers["authorization"]})
                self._say(200, {"value": "git.hub.token"}, {})

            def _say(self, status: int, told: dict[str, Any], headers: dict[str, str]) -> None:
                content = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def granted(number: int) -> tuple[int, dict[str, Any], dict[str, str]]:
    return 200, {"access_token": f"token-{number}", "token_type": "DPoP", "expires_in": 300}, {}


def decode(proof: str) -> dict[str, Any]:
    head, payload, _ = proof.split(".")
    parts = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (head, payload)]
    return {**parts[1], "header": parts[0]}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    yield fake
    fake.close()


def tokens(server: FakeServer, clock: Clock | None = None, **more: Any) -> ExchangedToken:
    given = {"subject_token": lambda: "ci.job.token", "detail": ACCESS, "clock": clock or Clock(), **more}
    return ExchangedToken(server.url, "default", **given)


def test_one_exchange_serves_many_requests_and_each_has_a_proof_of_its_own(server: FakeServer) -> None:
    mine = tokens(server)
    assert isinstance(mine, Tokens)
    first, second = mine.headers("GET", DOOR), mine.headers("PUT", DOOR)
    assert first["Authorization"] == second["Authorization"] == "DPoP token-1"
    proofs = decode(first["DPoP"]), decode(second["DPoP"])
    assert [proof["htm"] for proof in proofs] == ["GET", "PUT"]
    assert {proof["htu"] for proof in proofs} == {DOOR.partition("?")[0]}
    assert proofs[0]["jti"] != proofs[1]["jti"]
    assert proofs[0]["ath"] == proofs[1]["ath"]
    assert "d" not in proofs[0]["header"]["jwk"]
    (sent,) = server.forms
    assert (sent["path"], sent["subject_token"]) == ("/oauth/default/token", "ci.job.token")
    assert json.loads(sent["authorization_details"]) == [ACCESS.document()]
    assert "ath" not in server.proofs[0]


def test_it_is_renewed_before_it_ends_and_used_on_while_that_fails(server: FakeServer) -> None:
    clock = Clock()
    mine = tokens(server, clock)
    mine.headers("GET", DOOR)
    clock.now += 269
    assert mine.headers("GET", DOOR)["Authorization"] == "DPoP token-1"
    server.says = lambda _number: (503, {"error": "temporarily_unavailable"}, {})
    clock.now += 2
    assert mine.headers("GET", DOOR)["Authorization"] == "DPoP token-1"
    assert mine.headers("GET", DOOR)["Authorization"] == "DPoP token-1"
    assert len(server.forms) == 2  # and not asked again at once
    clock.now += 30
    with pytest.raises(TokenError) as failed:
        mine.headers("GET", DOOR)
    assert failed.value.code == "temporarily_unavailable"
    server.says = granted
    assert mine.headers("GET", DOOR)["Authorization"] == "DPoP token-4"


def test_many_threads_exchange_once(server: FakeServer) -> None:
    mine, seen = tokens(server), set[str]()
    threads = [threading.Thread(target=lambda: seen.add(mine.headers("GET", DOOR)["Authorization"])) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (seen, len(server.forms)) == ({"DPoP token-1"}, 1)


def test_a_nonce_is_taken_and_used_again(server: FakeServer) -> None:
    def says(number: int) -> tuple[int, dict[str, Any], dict[str, str]]:
        return (400, {"error": "use_dpop_nonce"}, {"DPoP-Nonce": "n-1"}) if number == 1 else granted(number)

    server.says = says
    mine = tokens(server)
    assert mine.headers("GET", DOOR)["Authorization"] == "DPoP token-2"
    assert [proof.get("nonce") for proof in server.proofs] == [None, "n-1"]
    assert mine.heard(DOOR, {"DPoP-Nonce": "n-2"})
    assert decode(mine.headers("GET", DOOR)["DPoP"])["nonce"] == "n-2"
    assert not mine.heard(DOOR, {})


@pytest.mark.parametrize(
    "told",
    [
        {"access_token": "t", "token_type": "Bearer", "expires_in": 300},
        {"access_token": "t", "expires_in": 300},
        {"access_token": "", "token_type": "DPoP", "expires_in": 300},
        {"access_token": "t" * 20_000, "token_type": "DPoP", "expires_in": 300},
        {"access_token": "t", "token_type": "DPoP", "expires_in": "soon"},
        [],
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_none(server: FakeServer, told: Any) -> None:
    server.says = lambda _number: (200, told, {})
    with pytest.raises(TokenError) as failed:
        tokens(server).headers("GET", DOOR)
    assert failed.value.code == "answer_invalid"


def test_a_refusal_keeps_the_servers_reasons(server: FakeServer) -> None:
    no = {"error": "access_denied", "error_description": "no", "decision_id": "dec_1", "reasons": ["no-matching-grant"]}
    server.says = lambda _number: (400, no, {})
    with pytest.raises(TokenError) as failed:
        tokens(server).headers("GET", DOOR)
    assert (failed.value.code, failed.value.decision_id) == ("access_denied", "dec_1")
    assert failed.value.reasons == ("no-matching-grant",)


def test_narrowed_tokens_exchange_ours_with_the_same_key(server: FakeServer) -> None:
    mine = tokens(server)
    narrow = mine.narrowed(Access("ostiary_dataset", "reviews", ("dataset.read",), prefix="train/"))
    assert narrow.headers("GET", DOOR)["Authorization"] == "DPoP token-2"
    assert server.forms[1]["subject_token"] == "token-1"
    assert server.proofs[0]["header"]["jwk"] == server.proofs[1]["header"]["jwk"]
    assert narrow.thumbprint == mine.thumbprint


def test_it_is_given_back_with_a_proof(server: FakeServer) -> None:
    mine = tokens(server)
    mine.revoke()
    assert server.forms == []
    mine.headers("GET", DOOR)
    mine.revoke()
    assert (server.forms[1]["path"], server.forms[1]["token"]) == ("/oauth/default/revoke", "token-1")
    assert "ath" in server.proofs[1]
    assert mine.headers("GET", DOOR)["Authorization"] == "DPoP token-3"


def test_nothing_secret_is_shown_or_handed_on(server: FakeServer) -> None:
    mine = tokens(server, subject_token="s3cret.s3cret.s3cret")
    mine.headers("GET", DOOR)
    assert "token-1" not in repr(vars(mine)["_held"])
    assert "s3cret" not in repr(mine)
    with pytest.raises(TypeError):
        mine.__reduce__()
    again = ExchangedToken(server.url, "default", from_file("/nowhere"), ACCESS).__reduce__()
    assert repr(again[0](*again[1])) == repr(mine)
    make, given = mine.narrowed(ACCESS).__reduce__()
    assert make(*given).thumbprint == mine.thumbprint  # a narrowed token needs the key of the one it comes from


def test_a_forked_process_has_a_key_and_a_token_of_its_own(server: FakeServer, monkeypatch: Any) -> None:
    mine = tokens(server)
    mine.headers("GET", DOOR)
    before = mine.thumbprint
    mine._renewing.acquire()
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as a child would see it, a thread of the parent having the lock
    assert mine.headers("GET", DOOR)["Authorization"] == "DPoP token-2"
    assert mine.thumbprint != before


def test_a_secret_is_not_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match="https"):
        ExchangedToken("http://ostiary.example", "default", "t", ACCESS)
    ExchangedToken("http://ostiary.example", "default", "t", ACCESS, settings=TokenSettings(allow_http=True))


def test_platforms_are_read_anew_each_time(server: FakeServer, tmp_path: Path, monkeypatch: Any) -> None:
    place = tmp_path / "token"
    source = from_file(place)
    with pytest.raises(SourceError):
        source()
    for text in ("one.two.three\n", "four.five.six"):
        place.write_text(text)
        assert source() == text.strip()
    place.write_text("no token")
    with pytest.raises(SourceError) as failed:
        source()
    assert "no token" not in str(failed.value).removesuffix("no token")
    monkeypatch.setenv("OSTIARY_ID_TOKEN", "git.lab.token")
    assert gitlab()() == "git.lab.token"
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{server.url}/token?api-version=2.0")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job-secret")
    assert github_actions("ostiary")() == "git.hub.token"
    assert server.forms == [{"path": "/token?api-version=2.0&audience=ostiary", "authorization": "Bearer job-secret"}]
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "http://evil.example/token")
    with pytest.raises(SourceError, match="https"):
        github_actions("ostiary")()


def test_without_a_token_of_the_platform_there_is_none(server: FakeServer) -> None:
    mine = ExchangedToken(server.url, "default", from_file("/nowhere/at/all"), ACCESS)
    with pytest.raises(TokenError) as failed:
        mine.headers("GET", DOOR)
    assert failed.value.code == "source"
