"""``up`` and ``serve`` as processes: what they print, and how they end when they cannot or must not go on."""

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.server.bootstrap import bootstrap
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock

PROGRAM = [sys.executable, "-c", "from ostiary.cli import main; main()"]
ASK: dict[str, Any] = {
    "subject": {"type": "user", "id": "alice"},
    "action": {"name": "read"},
    "resource": {"type": "document", "id": "handbook"},
}
SLOW = """package ostiary.guardrails
busy := count([1 | some i in numbers.range(1, object.get(input.context, "work", 0)); i > 0])
allow contains {"rule": "anyone"} if busy >= 0
decision := {"allow": allow}
"""


def ended(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    return subprocess.run(
        [*PROGRAM, *words], env={**clean, **environ}, capture_output=True, text=True, check=False, timeout=120
    )


def ask(server: Served, **context: Any) -> Any:
    head = {"Authorization": f"Bearer {server.pep_key}"}
    return httpx.post(
        server.url + "/access/v1/evaluation", json={**ASK, "context": context}, headers=head, timeout=30
    ).json()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def begin(data: Path) -> None:
    """Make the data directory as a first start does, without a server: that takes seconds."""
    data.mkdir(mode=0o700)
    with open_house(Places(data), load(None, environ={}).settings, SystemClock(), print) as house:
        bootstrap(house)


def test_the_first_start_makes_keys_once_and_its_curl_works(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Served(data) as server:
        until(lambda: any("Content-Type" in line for line in server.output))
        printed = "\n".join(server.output)
        assert server.pep_key in printed
        assert server.admin_key in printed
        assert stat.S_IMODE((data / "pep.key").stat().st_mode) == 0o600
        assert stat.S_IMODE((data / "admin.key").stat().st_mode) == 0o600
        start = next(i for i, line in enumerate(server.output) if line.strip().startswith("curl"))
        curl = " ".join(line.rstrip("\\").strip() for line in server.output[start : start + 2])
        done = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, check=True)
        assert done.stdout.startswith('{"decision":true')
    with Served(data) as server:
        assert server.pep_key not in "\n".join(server.output)
        assert ask(server)["decision"] is True


def test_serve_serves_what_up_began_and_ends_well(tmp_path: Path) -> None:
    with Served(tmp_path / "data"):
        pass
    with Served(tmp_path / "data", verb="serve") as server:
        assert ask(server)["decision"] is True
        assert server.stop() == 0


def test_serve_asks_to_be_started_again_when_policy_is_stuck(tmp_path: Path) -> None:
    data = tmp_path / "data"
    begin(data)
    bundle = data / "bundles" / "default"
    bundle.mkdir(parents=True)
    (bundle / "guardrails.rego").write_text(SLOW)
    (bundle / "adaptive.rego").write_text("package ostiary.adaptive\ndecision := {}\n")
    quick = {"OSTIARY_SERVER__DEADLINE_MS": "500", "OSTIARY_SERVER__STUCK_MS": "200", "OSTIARY_SERVER__DRAIN_S": "2"}
    with Served(data, verb="serve", environ=quick) as server:
        assert ask(server, work=50_000_000)["context"]["reasons"] == ["policy_timeout"]
        assert server.wait(30) == 75


@pytest.mark.parametrize("verb", ["up", "serve"])
def test_a_port_that_is_taken_is_told(tmp_path: Path, verb: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = ended(verb, "--data", str(tmp_path / "data"), "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "(address_in_use)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("OSTIARY_POLICY__BUNDLE", "/nowhere", "bundle_unreadable"),
        ("OSTIARY_SERVER__PROT", "1", "config_invalid"),
        ("OSTIARY_SIGNALS__CATALOGUE", "/nowhere.yaml", "catalogue_missing"),
    ],
)
def test_what_keeps_it_from_serving_is_told_and_ends_it(tmp_path: Path, name: str, value: str, code: str) -> None:
    done = ended("up", "--data", str(tmp_path / "data"), "--port", "0", **{name: value})
    assert done.returncode != 0
    assert code in done.stderr
    assert "Traceback" not in done.stderr


def test_loose_key_permissions_keep_it_from_serving(tmp_path: Path) -> None:
    data = tmp_path / "data"
    begin(data)
    (data / "keys" / "vault" / "master.key").chmod(0o644)
    done = ended("up", "--data", str(data), "--port", "0")
    assert done.returncode == 3
    assert "key_permissions" in done.stderr
