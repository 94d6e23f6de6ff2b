"""Strangers who push while a transmitter's keys are slow to come hold up nobody but themselves."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import structlog

from ostiary.testing.issuer import FakeKey, compact

KEY = FakeKey.generate("made-up")


@pytest.fixture
def quiet() -> Iterator[None]:
    """Print no faults: they are expected, and a test's log draws each of them in colours."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("quiet")
def test_pushes_that_wait_for_keys_do_not_hold_up_other_callers(start_server: Callable[..., Any]) -> None:
    claims = {"iss": "https://idp.example", "jti": "1", "iat": 1, "aud": "us"}
    text = compact({"alg": "ES256", "kid": "made-up", "typ": "secevent+jwt"}, claims, KEY.signer)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection, and never answers
        receiver = {
            "name": "idp",
            "issuer": "https://idp.example",
            "audience": "us",
            "jwks_url": f"http://127.0.0.1:{silent.getsockname()[1]}/jwks",
        }
        server = start_server(ssf={"receivers": [receiver], "allow_http_loopback": True})

        def push() -> None:
            kind = {"Content-Type": "application/secevent+jwt"}
            with contextlib.suppress(httpx.HTTPError):  # how strangers fare is not looked at
                httpx.post(server.url + "/ssf/v1/events/idp", content=text, headers=kind, timeout=30)

        strangers = [threading.Thread(target=push) for _ in range(16)]
        for one in strangers:
            one.start()
        time.sleep(0.8)
        began = time.monotonic()
        assert server.client.post("/access/v1/receipts", json={}, timeout=30).status_code == 401
        took = time.monotonic() - began
        for one in strangers:
            one.join()
    assert took < 0.7
