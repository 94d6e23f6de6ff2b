"""Whoever proved nothing to the administrators' API costs it nothing: his body is not even read."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    return start_server(server={"receive_timeout_s": 2})


@pytest.mark.parametrize("key", ["", "Authorization: Bearer adm_0000000000000000.x\r\n"], ids=["none", "unknown"])
def test_a_stranger_gets_his_refusal_without_sending_his_body(server: Any, key: str) -> None:
    port = int(server.url.rpartition(":")[2])
    kind = "Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
    head = f"POST /api/v1/tenants HTTP/1.1\r\nHost: x\r\n{key}{kind}"
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        started = time.monotonic()
        line.sendall(head.encode())
        answer = line.recv(4096)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert time.monotonic() - started < 5  # the first answer builds the application; a body would be waited for longer


def test_a_strangers_malformed_body_is_not_judged(server: Any) -> None:
    answer = server.admin("POST", "/tenants", content=b'{"a":1,"a":2}', key="adm_0000000000000000.x")
    assert (answer.status_code, answer.json()["code"]) == (401, "admin_unauthenticated")


@pytest.mark.parametrize("path", ["/access/v1/evaluation", "/api/v1/tenants"])
def test_a_body_that_nobody_reads_does_not_hold_the_connection(server: Any, path: str) -> None:
    port = int(server.url.rpartition(":")[2])
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(head.encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 401 ")
        line.settimeout(0.2)
        for _ in range(30):  # a byte now and then would hold it for ever
            try:
                line.sendall(b"x")
                if line.recv(4096) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return
    pytest.fail("the connection is still open after 6 seconds")
