"""The examples for FastAPI, Flask and Django, each in a process of its own with a real server behind it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.testing.issuer import FakeIssuer
from ostiary.vocabulary.clock import SystemClock

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ISSUER = FakeIssuer()
WSGI = """
import sys
from wsgiref.simple_server import make_server
import app
make_server("127.0.0.1", int(sys.argv[1]), getattr(app, sys.argv[2])).serve_forever()
"""
COMMANDS = {
    "fastapi": ["-m", "uvicorn", "--factory", "app:guarded", "--log-level", "error", "--port", "{port}"],
    "flask": ["-c", WSGI, "{port}", "app"],
    "django": ["-c", WSGI, "{port}", "application"],
}


@pytest.fixture(scope="module")
def pdp(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    keys = tmp_path_factory.mktemp("keys") / "jwks.json"
    keys.write_text(ISSUER.jwks().inline)
    one = {"issuer": ISSUER.issuer, "audience": ISSUER.audience, "jwks_path": str(keys)}
    return start_server(identity={"issuers": [one]})


@contextmanager
def running(name: str, pdp_url: str, key: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, *(part.replace("{port}", str(port)) for part in COMMANDS[name])]
    environ = {**os.environ, "OSTIARY_URL": pdp_url, "OSTIARY_PEP_KEY": key}
    with subprocess.Popen(command, cwd=EXAMPLES / name, env=environ, stderr=subprocess.DEVNULL) as process:
        url, end = f"http://127.0.0.1:{port}", time.monotonic() + 30
        try:
            while time.monotonic() < end:
                try:
                    assert httpx.get(f"{url}/healthz", timeout=5).status_code == 200
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield url
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_an_example_lets_in_and_keeps_out(pdp: Any, name: str) -> None:
    headers = {"Authorization": f"Bearer {ISSUER.token(pdp.house.clock.now_ns())}"}
    with running(name, pdp.url, pdp.pep_key) as url:
        told = httpx.get(f"{url}/documents/1", headers=headers, timeout=20)
        assert (told.status_code, told.json()["text"]) == (200, "the handbook")
        record = next(one for one in pdp.records() if one.receipt.decision_id == told.json()["decision"])
        assert (record.subject_key, record.event.resource_type) == ("user:alice", "document")
        assert httpx.put(f"{url}/documents/1", headers=headers, content="x", timeout=20).status_code == 403
        assert httpx.get(f"{url}/documents/1", timeout=20).status_code == 401
        assert httpx.get(f"{url}/other", headers=headers, timeout=20).status_code == 403
        assert httpx.get(f"{url}/documents/../healthz/%2e", headers=headers, timeout=20).status_code >= 400


@pytest.mark.slow
def test_with_nobody_to_ask_an_example_lets_nobody_in() -> None:
    headers = {"Authorization": f"Bearer {ISSUER.token(SystemClock().now_ns())}"}
    with running("flask", "http://127.0.0.1:9", "pep_x.y") as url:
        assert httpx.get(f"{url}/documents/1", headers=headers, timeout=20).status_code == 503
