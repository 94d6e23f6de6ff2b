"""Somebody speaks bad HTTP, bad JSON, too much or too slowly: each gets a plain refusal, others are served."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

HEAD = b"POST /access/v1/evaluation HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return start_server(server={"receive_timeout_s": 1, "max_body_bytes": 4096, "max_header_bytes": 4096})


def port_of(server: Any) -> int:
    return int(server.url.rpartition(":")[2])


def talk(server: Any, *parts: bytes, pause_s: float = 0.0, timeout_s: float = 5.0) -> bytes:
    """Send raw bytes and return everything that comes back until the other side closes."""
    got = b""
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=timeout_s) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(pause_s)
        try:
            while data := connection.recv(65_536):
                got += data
        except (ConnectionResetError, TimeoutError):
            return got
    return got


def auth(server: Any) -> bytes:
    return f"Authorization: Bearer {server.pep_key}\r\n".encode()


FAULTY_BODIES: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 400),
    "no JSON": (b"hello", 400),
    "an array": (b"[]", 400),
    "a duplicate member": (b'{"subject":{"type":"user","id":"alice"},"subject":{"type":"user","id":"bob"}}', 400),
    "too deep": (b'{"context":' + b"[" * 200 + b"]" * 200 + b"}", 400),
    "not UTF-8": (b'{"subject":"\xff\xfe"}', 400),
    "a lone surrogate": (b'{"subject":{"type":"user","id":"\\ud800"}}', 400),
    "NaN": (b'{"context":{"x":NaN}}', 400),
    "a number without end": (b'{"context":{"x":1' + b"0" * 400 + b"}}", 400),
    "a wrong type": (b'{"subject":"alice","action":{"name":"read"},"resource":{"type":"doc","id":"1"}}', 400),
    "too large": (b'"' + b"x" * 5000 + b'"', 413),
}


@pytest.mark.parametrize("name", FAULTY_BODIES)
def test_a_faulty_body_of_a_known_caller_is_refused_and_recorded_once(server: Any, name: str) -> None:
    body, status = FAULTY_BODIES[name]
    before = len(server.records())
    answer = server.post("evaluation", body)
    assert answer.status_code == status
    assert isinstance(answer.json(), str)
    assert answer.json().isprintable()
    assert "Traceback" not in answer.text
    records = server.records()
    assert len(records) == before + 1
    assert records[-1].refusal in {
        "body_malformed", "body_duplicate_key", "body_too_deep", "body_too_large", "request_invalid",
    }  # fmt: skip
    assert records[-1].pep == "pep-1"


@pytest.mark.parametrize("name", FAULTY_BODIES)
def test_a_stranger_learns_nothing_about_bodies(server: Any, name: str) -> None:
    before = len(server.records())
    answer = server.post("evaluation", FAULTY_BODIES[name][0], Authorization="Bearer pep-1.wrong")
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["www-authenticate"]
    assert answer.json() == "the caller did not authenticate"
    assert len(server.records()) == before


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer x", "Bearer pep-1.", "Basic !!!", "Basic cGVwLTE6eA==", "Digest a", "Bearer a.b.c", "é"],
)
def test_odd_credentials_are_one_and_the_same_refusal(server: Any, authorization: str) -> None:
    answer = server.post("evaluation", b"{}", Authorization=authorization.encode("utf-8"))
    assert (answer.status_code, answer.json()) == (401, "the caller did not authenticate")


@pytest.mark.parametrize("header", [b"Authorization", b"Content-Type"])
def test_a_header_that_decides_may_come_once_only(server: Any, header: bytes) -> None:
    body = b"{}"
    raw = HEAD + auth(server) + header + b": application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n" + body
    answer = talk(server, raw)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"came twice" in answer


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_other_methods_are_not_for_here(server: Any, method: str) -> None:
    answer = server.client.request(method, "/access/v1/evaluation")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert server.client.request("POST", "/healthz").status_code == 405


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonp"]
)
def test_only_json_is_a_body(server: Any, kind: str) -> None:
    answer = server.post("evaluation", b"{}", Content_Type=kind)
    assert (answer.status_code, answer.json()) == (400, "the content type must be application/json")


RUBBISH: dict[str, bytes] = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an unknown version": b"GET / HTTP/9.9\r\n\r\n",
    "a header without a colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "a bare line feed smuggled in": b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
    "length and chunks together": HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n{}{}",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "an odd transfer coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a chunk that is no number": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a folded header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    "a path that is no path": b"GET \xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", RUBBISH)
def test_what_is_no_http_is_refused_and_the_connection_closed(server: Any, name: str) -> None:
    answer = talk(server, RUBBISH[name])
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 401 ", b"HTTP/1.1 404 "))
    assert b"Traceback" not in answer
    assert server.ask().json()["decision"] is True


def test_headers_without_end_are_cut_off(server: Any) -> None:
    for raw in (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 300_000,
        b"GET /" + b"x" * 300_000,
        b"GET /healthz HTTP/1.1\r\n" + b"".join(b"A%d: x\r\n" % n for n in range(5000)),
    ):
        answer = talk(server, raw)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    assert server.ask().status_code == 200


def test_a_slow_head_is_cut_off(server: Any) -> None:
    begin = time.monotonic()
    answer = talk(server, b"GET /healthz HTTP/1.1\r\nHo", b"st: x\r\n", b"A: b\r\n", b"C: d\r\n", pause_s=0.5)
    assert answer.startswith(b"HTTP/1.1 408 ") or answer == b""
    assert time.monotonic() - begin < 4


def test_a_silent_connection_is_closed(server: Any) -> None:
    begin = time.monotonic()
    assert talk(server) == b""
    assert time.monotonic() - begin < 3


def test_a_slow_body_is_refused_and_recorded(server: Any) -> None:
    before = len(server.records())
    answer = talk(server, HEAD + auth(server) + b"Content-Length: 100\r\n\r\n{", pause_s=0.2)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()
    assert [r.refusal for r in server.records()[before:]] == ["body_late"]


def test_a_body_larger_than_it_says_it_may_be_is_refused_before_it_is_read(server: Any) -> None:
    answer = talk(server, HEAD + auth(server) + b"Content-Length: 999999999\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    chunked = HEAD + auth(server) + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = talk(server, chunked, *(b"400\r\n" + b"x" * 1024 + b"\r\n" for _ in range(8)))
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_caller_that_hangs_up_midway_leaves_one_record(server: Any) -> None:
    before = len(server.records())
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=5) as connection:
        connection.sendall(HEAD + auth(server) + b"Content-Length: 50\r\n\r\n{")
    deadline = time.monotonic() + 3
    while len(server.records()) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [r.refusal for r in server.records()[before:]] == ["body_malformed"]


def test_pipelined_requests_are_answered_in_order(server: Any) -> None:
    ask = {"subject": {"type": "user", "id": "alice"}, "resource": {"type": "doc", "id": "1"}}
    bodies = [json.dumps({**ask, "action": {"name": name}}).encode() for name in ("read", "never", "read")]
    raw = [HEAD + auth(server) + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies]
    answer = talk(server, b"".join(raw) + b"rubbish\r\n\r\n", timeout_s=3)
    assert [part[:20].partition(b",")[0] for part in answer.split(b'{"decision":')[1:]] == [b"true", b"false", b"true"]


def test_a_request_id_comes_back_unchanged_and_cannot_split_a_header(server: Any) -> None:
    for value in ("abc", "a b;c=d", "x" * 1000, "é\u00ff".encode().decode("latin-1")):
        answer = server.post("evaluation", b"{}", X_Request_ID=value.encode("latin-1"))
        assert dict(answer.headers.raw)[b"x-request-id"] == value.encode("latin-1")
    assert server.records()[-1].receipt.request_id.isprintable()


def test_nothing_grows_while_rubbish_comes(server: Any) -> None:
    for _ in range(300):
        server.post("evaluation", b'{"a":' * 30)
    assert server.assembly.authzen.in_flight == 0
    assert server.ask().json()["decision"] is True
